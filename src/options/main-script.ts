import { builtIn } from '../built-ins.js';

/** Whether an argument of Node's contains a program, or makes Node read one from the user. */
export const isEvalFlag = (arg: string): boolean => /^(-e|-p|-pe|-i|--eval|--print|--interactive)(=|$)/.test(arg);

/** Whether this program is a single executable application (https://nodejs.org/api/single-executable-applications.html), which can run nothing but itself. */
export const isExecutable = (): boolean => (builtIn('node:sea') as { isSea(): boolean } | undefined)?.isSea() ?? false;

/** The file this process was started with; undefined in the REPL, with `node -e` and from standard input. */
export function mainScript(): string | undefined {
  // There the argument is what the user typed, even if the shell looked it up as a name.
  if (isExecutable()) return process.execPath;
  const script = process.argv[1];
  return script === '-' || process.execArgv.some(isEvalFlag) ? undefined : script;
}

/**
 * Whether this is a thread beside the main one. If there is an IPC channel it is not: only main threads have one, so a
 * worker of a pool need not load node:worker_threads to find out.
 */
export const isThread = (): boolean => process.send === undefined && !process.getBuiltinModule('node:worker_threads').isMainThread;

// The program of the runner itself, or a file named as node:test looks for them.
const RUNNER = /[\\/]node_modules[\\/](\.bin[\\/])?(vitest|tinypool|jest[\w-]*|mocha|ava|tap)([\\/]|$)|[\\/](test|[^\\/]+[._-]test)\.[cm]?[jt]s$/;

/** Whether a file is a test or runs tests: as a worker it would run them again, and make no server, or one for each test. */
export const isTestProgram = (script: string): boolean => RUNNER.test(script);
