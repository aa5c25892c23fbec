import tseslint from 'typescript-eslint';

/**
 * Modules that may not be imported from a folder, each with the reason shown to the author.
 *
 * @param {string[]} files
 * @param {[regex: string, message: string][]} patterns
 * @returns {import('typescript-eslint').ConfigArray[number]}
 */
const wall = (files, patterns) => ({
  files,
  rules: {
    'no-restricted-imports': ['error', { patterns: patterns.map(([regex, message]) => ({ regex, message })) }],
  },
});

/**
 * Modules of Node that every process would load with an import, and that are to be loaded where they are used.
 *
 * @param {string} modules
 * @param {string[]} ignores
 * @returns {import('typescript-eslint').ConfigArray[number]}
 */
const late = (modules, ignores) => ({
  files: ['src/**'],
  ignores,
  rules: {
    '@typescript-eslint/no-restricted-imports': ['error', { patterns: [{
      regex: `^node:(${modules})`, allowTypeImports: true, message: 'Load it where it is used: builtIn() of built-ins.ts.',
    }] }],
  },
});

const PURE = 'is pure: it decides from what it is given, so it imports no node: module except node:buffer.';
const EDGES = 'The arrows go one way: prefork-tcp-server -> master | worker -> session, ipc, policy, options -> filters, proxy -> the ground.';

export default tseslint.config(
  { ignores: ['dist/**', 'coverage/**', 'test/programs/broken/**', 'test/package/consumers/**'] },
  ...tseslint.configs.strictTypeChecked,
  ...tseslint.configs.stylisticTypeChecked,
  {
    languageOptions: { parserOptions: { project: ['tsconfig.json', 'test/programs/tsconfig.json', 'src/admin/page/tsconfig.json'], tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/prefer-readonly': 'error',
      '@typescript-eslint/strict-boolean-expressions': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreVoidReturningFunctions: true }],
    },
  },
  {
    files: ['src/**'],
    rules: {
      'no-console': 'error',
      'no-restricted-globals': ['error',
        ...['setTimeout', 'setInterval', 'setImmediate', 'Date', 'performance'].map((name) => ({
          name, message: 'Time comes from clock.ts, so that tests can move it.',
        }))],
    },
  },
  { files: ['src/clock.ts'], rules: { 'no-restricted-globals': 'off' } },
  // The admin page is an entry of its own, and so are the test kit and the watchdog's thread.
  late('child_process|crypto|dns|http|https|perf_hooks|process|tls|util|v8|worker_threads|zlib', ['src/admin/**', 'src/testing/**', 'src/worker/watchdog-thread.ts', 'src/filters/serializer.ts']),
  // Workers do not load the master.
  late('buffer|child_process|crypto|dns|fs|http|https|os|perf_hooks|process|tls|util|v8|worker_threads|zlib', [
    'src/admin/**', 'src/testing/**', 'src/worker/watchdog-thread.ts', 'src/filters/serializer.ts', 'src/master/**', 'src/unix-path.ts', 'src/version.ts',
  ]),
  // The page's program runs in browsers, and is tested in one.
  { files: ['src/admin/page/**'], rules: { 'no-restricted-globals': 'off' } },
  wall(['src/policy/**'], [
    ['^node:(?!buffer)', `policy/ ${PURE}`],
    ['/(master|worker|session|options|ipc|filters)/', EDGES],
  ]),
  wall(['src/filters/**'], [
    // zlib and v8 are the body codecs of the Reference filter: synchronous functions from bytes to bytes.
    ['^node:(?!buffer|zlib|v8)', `filters/ ${PURE}`],
    ['/(master|worker|session|options|ipc|policy)/', EDGES],
  ]),
  wall(['src/proxy/**'], [
    ['^node:(?!buffer)', `proxy/ ${PURE}`],
    ['/(master|worker|session|options|ipc|policy|filters)/', EDGES],
  ]),
  wall(['src/options/**'], [['/(master|worker|session|ipc)/', EDGES]]),
  wall(['src/session/**'], [['/(master|worker|ipc|policy)/', 'session/ works without a pool: it knows neither master, worker, ipc nor policy.']]),
  {
    files: ['src/session/**'],
    ignores: ['src/session/entry.ts', 'src/session/stream-entry.ts'],
    rules: {
      'no-restricted-syntax': ['error', ...[
        'CallExpression[callee.property.name=/^(on|once|addListener|prependListener|addEventListener|then|catch|finally|after|soon|nextTick)$/]',
        'CallExpression[callee.name=/^(queueMicrotask|setTimeout|setImmediate)$/]',
        'CallExpression[callee.property.name=/^(write|end|destroy|setTimeout)$/] > :function',
        'AwaitExpression',
      ].map((selector) => ({ selector, message: 'The event loop enters a session by the doors of entry.ts and stream-entry.ts only: they have a guard, so that a fault ends one client and not its worker.' }))],
    },
  },
  wall(['src/ipc/**'], [['/(master|worker|session|options|filters)/', EDGES]]),
  wall(['src/master/**'], [['/(worker|session)/', 'master/ and worker/ run in different processes: they share only ipc/ and policy/.']]),
  wall(['src/worker/**'], [['/master/', 'master/ and worker/ run in different processes: they share only ipc/ and policy/.']]),
  wall(['src/testing/**'], [['/(master|worker|session|policy|filters|admin)/', 'testing/ runs in the process of a test, apart from the pool: it starts programs and hears of them.']]),
  wall(['src/admin/**'], [['/(master|worker|session|ipc|options|filters)/', 'admin/ shows and asks: it sees the pool through status.ts and a few actions only.']]),
  {
    files: ['test/**'],
    ignores: ['test/support/**', 'test/programs/**', 'test/load/**'],
    rules: {
      'no-restricted-globals': ['error', ...['setTimeout', 'setInterval'].map((name) => ({
        name, message: 'No sleeps in tests: wait for a fact (an event, a line, server.waitUntil).',
      }))],
    },
  },
  {
    // Plain programs: examples, fixtures and benches run as they are, without a build.
    files: ['**/*.js', '**/*.mjs', '**/*.cjs'],
    extends: [tseslint.configs.disableTypeChecked],
    rules: { '@typescript-eslint/no-require-imports': 'off' },
  },
);
