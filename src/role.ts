import type { PreforkTcpServerOptions } from './options.js';

/** The environment variable that tells a process which server it is a worker of. */
export const MARK = 'PREFORK_TCP_SERVER_WORKER';

/** What the mark says. */
export interface Mark {
  /** The server's Alias. */
  readonly alias: string;
  /** Which of the constructions with that Alias, counted from 1, in the order of the script. */
  readonly ordinal: number;
  /** Known to the master and this worker only. */
  readonly token: string;
  /** stderr goes through the master. */
  readonly captured: boolean;
  /** A watchdog thread reports hangs on a pipe of its own (HangReport). */
  readonly watched: boolean;
}

/** The role of this process: its mark, and how often each Alias was constructed. */
interface Role {
  readonly mark: Mark | undefined;
  readonly constructed: Map<string, number>;
}

// Kept where a second copy of this package finds it too: a copy that took the process for a master would fork for ever.
const ROLE = Symbol.for('prefork-tcp-server.role');

function currentRole(): Role {
  const holder = globalThis as unknown as Record<symbol, Role | undefined>;
  const role = holder[ROLE] ?? { mark: takeMark(), constructed: new Map() };
  holder[ROLE] = role;
  return role;
}

function takeMark(): Mark | undefined {
  const text = process.env[MARK];
  // Processes that this one starts are ordinary ones.
  // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- the only way to unset a variable
  delete process.env[MARK];
  return text === undefined ? undefined : parseMark(text);
}

function parseMark(text: string): Mark | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { alias, ordinal, token, captured, watched } = (value ?? {}) as Record<string, unknown>;
  if (typeof alias !== 'string' || typeof ordinal !== 'number' || typeof token !== 'string') return undefined;
  return { alias, ordinal, token, captured: captured === true, watched: watched === true };
}

/** What one construction of the server is. An inert one does nothing. */
export type Part =
  | { readonly role: 'master'; readonly ordinal: number }
  | { readonly role: 'worker'; readonly mark: Mark }
  | { readonly role: 'inert' };

/** Decides what this construction is; called exactly once for each. */
export function takePart({ alias }: { readonly alias: string }): Part {
  const { mark, constructed } = currentRole();
  const ordinal = (constructed.get(alias) ?? 0) + 1;
  constructed.set(alias, ordinal);
  if (mark === undefined) return { role: 'master', ordinal };
  return mark.alias === alias && mark.ordinal === ordinal ? { role: 'worker', mark } : { role: 'inert' };
}

/** The environment of a worker: its mark, and nothing that would make it somebody else's worker or debugger. */
export function workerEnvironment(mark: Mark): NodeJS.ProcessEnv {
  return { [MARK]: JSON.stringify(mark) };
}

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
