import { dirname } from 'node:path';
import { builtIn } from '../built-ins.js';
import { isEvalFlag } from '../options/main-script.js';
import type { ProcessConfig } from '../options/process-part.js';
import { preloadsFrom } from './preloads.js';

// node --inspect opens a port of its own; a worker that inherited the flag would end with "address already in use".
const INSPECTOR_FLAG = /^--inspect(-brk|-wait|-port)?(=|$)/;

/** Node's arguments without those that open an inspector port. */
export const withoutInspector = (args: readonly string[]): string[] => args.filter((arg, index) => (
  !INSPECTOR_FLAG.test(arg) && !(args[index - 1] === '--inspect-port' && !arg.startsWith('-'))
));

/**
 * The arguments and environment that workers run with, from the options or from this process.
 *
 * @param folder - the folder of this process, if workers run in another one
 */
export function workerCommand(config: Pick<ProcessConfig, 'args' | 'execArgv' | 'env'>, folder?: string): {
  args: readonly string[];
  execArgv: readonly string[];
  env: NodeJS.ProcessEnv;
} {
  const env = { ...compileCache(), ...cleanEnvironment(config.env ?? process.env) };
  const { NODE_OPTIONS: inherited } = process.env;
  if (folder !== undefined && env['NODE_OPTIONS'] !== undefined && (config.env ?? process.env)['NODE_OPTIONS'] === inherited) {
    env['NODE_OPTIONS'] = preloadsFrom(folder, env['NODE_OPTIONS'].split(' ')).join(' ');
  }
  const execArgv = withoutInspector(withoutProgram(process.execArgv));
  return {
    args: config.args ?? process.argv.slice(2),
    execArgv: config.execArgv ?? (folder === undefined ? execArgv : preloadsFrom(folder, execArgv)),
    env,
  };
}

/**
 * A compile cache that this program has enabled is not enabled in its children: that takes an environment variable.
 *
 * @see https://nodejs.org/api/module.html#moduleenablecompilecachecachedir
 */
function compileCache(): NodeJS.ProcessEnv {
  // From Node 22.1. The folder is that of this version of Node, below the one that was named.
  const { getCompileCacheDir } = builtIn('node:module') as { readonly getCompileCacheDir?: () => string | undefined };
  const folder = getCompileCacheDir?.();
  return folder === undefined ? {} : { NODE_COMPILE_CACHE: dirname(folder) };
}

/** The environment for a process of the same kind that this one starts. */
function cleanEnvironment(given: Readonly<Record<string, string | undefined>>): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = { ...given };
  // A worker of node:cluster that embeds this server must not pass on its own identity.
  delete env['NODE_UNIQUE_ID'];
  // Sockets that systemd has passed are this process's.
  for (const name of ['LISTEN_PID', 'LISTEN_FDS', 'LISTEN_FDNAMES', 'LISTEN_PIDFDID']) Reflect.deleteProperty(env, name);
  if (env['NODE_OPTIONS'] !== undefined) env['NODE_OPTIONS'] = withoutInspector(env['NODE_OPTIONS'].split(' ')).join(' ');
  return env;
}

/** The environment for a successor of this process, which is to feed systemd's watchdog in its place. */
export function masterEnvironment(given: Readonly<Record<string, string | undefined>>): NodeJS.ProcessEnv {
  const env = cleanEnvironment(given);
  delete env['WATCHDOG_PID'];
  return env;
}

/** Node's arguments without a program that they contain (`node -e`): workers run Script instead. */
function withoutProgram(args: readonly string[]): string[] {
  return args.filter((arg, index) => {
    const before = args[index - 1] ?? '';
    return !isEvalFlag(arg) && !arg.startsWith('--input-type') && !/^(-e|-p|-pe|--eval|--print|--input-type)$/.test(before);
  });
}
