import type { PreforkTcpServerOptions } from '../options/options.js';

// node --inspect opens a port of its own; a worker that inherited the flag would end with "address already in use".
const INSPECTOR_FLAG = /^--inspect(-brk|-wait|-port)?(=|$)/;

/** Node's arguments without those that open an inspector port. */
export const withoutInspector = (args: readonly string[]): string[] => args.filter((arg, index) => (
  !INSPECTOR_FLAG.test(arg) && !(args[index - 1] === '--inspect-port' && !arg.startsWith('-'))
));

/** The file, arguments and environment that workers run, from the options or from this process. */
export function workerScript(options: Pick<PreforkTcpServerOptions, 'Script' | 'ScriptArgs' | 'ExecArgv' | 'Env'>): {
  script: string | URL | undefined;
  args: readonly string[];
  execArgv: readonly string[];
  env: NodeJS.ProcessEnv;
} {
  const env: NodeJS.ProcessEnv = { ...(options.Env ?? process.env) };
  // A worker of node:cluster that embeds this server is not to pass its own identity on.
  delete env['NODE_UNIQUE_ID'];
  if (env['NODE_OPTIONS'] !== undefined) env['NODE_OPTIONS'] = withoutInspector(env['NODE_OPTIONS'].split(' ')).join(' ');
  return {
    script: options.Script ?? mainScript(),
    args: options.ScriptArgs ?? process.argv.slice(2),
    execArgv: options.ExecArgv ?? withoutInspector(withoutProgram(process.execArgv)),
    env,
  };
}

/** Node's arguments without a program that they hold (`node -e`): workers run Script instead. */
function withoutProgram(args: readonly string[]): string[] {
  return args.filter((arg, index) => {
    const before = args[index - 1] ?? '';
    return !EVAL_FLAG.test(arg) && !arg.startsWith('--input-type') && !/^(-e|-p|-pe|--eval|--print|--input-type)$/.test(before);
  });
}

const EVAL_FLAG = /^(-e|-p|-pe|-i|--eval|--print|--interactive)(=|$)/;

/** The file this process was started with; undefined in the REPL, with `node -e` and from standard input. */
function mainScript(): string | undefined {
  const script = process.argv[1];
  return script === '-' || process.execArgv.some((arg) => EVAL_FLAG.test(arg)) ? undefined : script;
}
