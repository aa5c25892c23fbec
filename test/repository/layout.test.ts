import { ESLint, Linter } from 'eslint';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { findCircle, importsOf, readSources } from './source-map.js';

/** The house of the README, from the ground up: a file may import from its own folder, its own floor, and those below. */
const FLOORS: readonly (readonly string[])[] = [
  ['beside.ts', 'built-ins.ts', 'clock.ts', 'checks.ts', 'errors.ts', 'listeners.ts', 'mark.ts', 'open-files.ts', 'outlived.ts', 'tcp-table.ts', 'unix-path.ts', 'version.ts'],
  ['filters', 'policy', 'proxy'],
  ['client.ts', 'kernel.ts', 'callbacks.ts', 'status.ts', 'server-events.ts', 'pool-event.ts', 'ipc'],
  ['options', 'admin'],
  ['session'],
  ['master', 'worker'],
  ['prefork-tcp-server.ts', 'calls.ts', 'master-side.ts', 'own-messages.ts', 'role.ts', 'test-kit.ts'],
  ['exports.ts', 'testing'],
  ['index.ts'],
];

const roomOf = (file: string): string => file.split('/')[0] ?? '';
const floorOf = (file: string): number => FLOORS.findIndex((rooms) => rooms.includes(roomOf(file)));
const root = fileURLToPath(new URL('../..', import.meta.url));

describe('the files of src', () => {
  const sources = readSources();

  it('all have a floor: a new folder, or a file beside them, is to be added to this test and to the README', () => {
    expect([...sources.keys()].filter((file) => floorOf(file) === -1)).toEqual([]);
  });

  it('import nothing from a floor above their own', () => {
    const upwards = [...sources].flatMap(([file, imports]) => imports.filter((one) => floorOf(one) > floorOf(file)).map((one) => `${file} -> ${one}`));

    expect(upwards).toEqual([]);
  });

  it('import each other in no circle', () => {
    expect(findCircle(sources)).toBeUndefined();
  });
});

describe('the search for circles', () => {
  it('finds one of several files, however it is entered', () => {
    const sources = new Map([['door', ['a']], ['a', ['b', 'ground']], ['b', ['c']], ['c', ['a']], ['ground', []]]);

    expect(findCircle(sources)).toEqual(['a', 'b', 'c']);
  });

  it('takes two ways to the same file for no circle', () => {
    expect(findCircle(new Map([['a', ['b', 'c']], ['b', ['d']], ['c', ['d']], ['d', []]]))).toBeUndefined();
  });

  it('sees imports of values, of types, of several lines, and of a module that is loaded later', () => {
    const text = "import { a } from './a.js';\nimport type { B } from '../b.js';\nimport {\n  c,\n} from './c/c.js';\nawait import('./d.js');\nimport fs from 'node:fs';";

    expect(importsOf('x/y.ts', text)).toEqual(['x/a.ts', 'b.ts', 'x/c/c.ts', 'x/d.ts']);
  });
});

describe('the walls of eslint.config.js', () => {
  const eslint = new ESLint({ cwd: root });
  const linter = new Linter();

  // Loads the linter's plugins, which takes seconds on a busy machine.
  beforeAll(async () => { await eslint.calculateConfigForFile(`${root}/src/index.ts`); }, 60_000);

  /** Those of the imports that the linter reports in a file of the folder: with its rule, without the program around the file. */
  async function reported(folder: string, imports: readonly string[]): Promise<readonly string[]> {
    const { rules } = await eslint.calculateConfigForFile(`${root}/src/${folder}/virtual.ts`) as { rules: Linter.RulesRecord };
    const text = imports.map((path) => `import '${path}';`).join('\n');
    const config: Linter.Config = { rules: { 'no-restricted-imports': rules['no-restricted-imports'] ?? 'off' } };
    return linter.verify(text, config, 'virtual.js').map(({ line }) => imports[line - 1] ?? '');
  }

  const FORBIDDEN: readonly [folder: string, imports: readonly string[], allowed: readonly string[]][] = [
    ['policy', ['node:net', 'node:fs', '../master/master.js', '../worker/runtime.js', '../session/session.js', '../options/options.js', '../ipc/protocol.js', '../filters/line.js'], ['node:buffer', './plan.js', '../errors.js']],
    ['filters', ['node:net', 'node:fs', '../master/master.js', '../worker/runtime.js', '../session/session.js', '../options/options.js', '../ipc/protocol.js', '../policy/plan.js'], ['node:buffer', 'node:zlib', './filter.js', '../checks.js']],
    ['proxy', ['node:net', 'node:fs', '../master/master.js', '../worker/runtime.js', '../session/session.js', '../options/options.js', '../ipc/protocol.js', '../policy/plan.js', '../filters/line.js'], ['node:buffer', './crc32c.js', '../errors.js']],
    ['options', ['../master/master.js', '../worker/runtime.js', '../session/session.js', '../ipc/protocol.js'], ['node:os', '../filters/resolve.js', '../callbacks.js']],
    ['session', ['../master/master.js', '../worker/runtime.js', '../ipc/protocol.js', '../policy/permits.js'], ['node:net', '../filters/filter.js', '../options/options.js']],
    ['ipc', ['../master/master.js', '../worker/runtime.js', '../session/session.js', '../options/options.js', '../filters/line.js'], ['../policy/snapshot.js', '../status.js']],
    ['master', ['../worker/runtime.js', '../session/session.js'], ['../ipc/protocol.js', '../policy/plan.js', '../options/options.js']],
    ['worker', ['../master/master.js'], ['../ipc/protocol.js', '../session/session.js', '../options/options.js']],
    ['testing', ['../master/master.js', '../worker/runtime.js', '../session/session.js', '../policy/plan.js', '../filters/line.js', '../admin/index.js'], ['node:child_process', '../status.js', '../test-kit.js', '../options/options.js']],
    ['admin', ['../master/master.js', '../worker/runtime.js', '../session/session.js', '../ipc/protocol.js', '../options/options.js', '../filters/line.js'], ['../status.js']],
  ];

  it.each(FORBIDDEN)('keep out of %s what is not for it, and nothing else', async (folder, imports, allowed) => {
    expect(await reported(folder, [...imports, ...allowed])).toEqual(imports);
  });
});
