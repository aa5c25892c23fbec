import { builtIn } from './built-ins.js';
import { systemClock } from './clock.js';
import { PreforkError, asError } from './errors.js';
import { envelope } from './ipc/protocol.js';
import type { ToMaster } from './ipc/protocol.js';
import { MARK, WORKER_CONDITION } from './mark.js';
import { isThread } from './options/main-script.js';
import { isOutlived } from './outlived.js';
import { toReport } from './worker/error-report.js';

/** What the mark says. */
export interface Mark {
  /** The server's Alias. */
  readonly alias: string;
  /** Which of the constructions with that Alias it is, counted from 1 in the order of the script. */
  readonly ordinal: number;
  /** Known to the master and this worker only. */
  readonly token: string;
  /** stderr goes through the master. */
  readonly captured: boolean;
  /** A watchdog thread reports hangs on a pipe of its own (HangReport), after this long; 0 = fitted to the heartbeats. */
  readonly watch: { readonly hungMs: number } | undefined;
}

/** The role of this process: its mark, and how often each Alias was constructed. */
interface ProcessRole {
  readonly mark: Mark | undefined;
  /** A thread beside the main one of a process that a master forked: the mark is the main thread's. */
  readonly isBesideWorker: boolean;
  readonly constructed: Map<string, number>;
  /** The worker reports to its master by other means, and what goes by `process.send` is the user's. */
  reports?: boolean;
}

// Kept where a second copy of this package also finds it: a copy that took the process for a master would fork without end.
const ROLE = Symbol.for('prefork-tcp-server.role');

function currentRole(): ProcessRole {
  const holder = globalThis as unknown as Record<symbol, ProcessRole | undefined>;
  const role = holder[ROLE] ?? { ...(isThread() ? { mark: undefined, isBesideWorker: isForkedByMaster() } : { mark: takeMark(), isBesideWorker: false }), constructed: new Map<string, number>() };
  holder[ROLE] = role;
  return role;
}

/**
 * Whether a master forked this process; asked in a thread. The main thread has removed the mark from its environment, of
 * which threads get a copy, so this looks at the environment that the process began with. A thread that took itself for
 * a master would fork processes that do the same, without end.
 *
 * @throws PreforkError ERR_PREFORK_STATE where the system does not say
 */
function isForkedByMaster(): boolean {
  if (process.env[MARK] !== undefined) return true;
  try {
    return builtIn('node:fs').readFileSync('/proc/self/environ', 'latin1').split('\0').some((variable) => variable.startsWith(`${MARK}=`));
  } catch (cause) {
    throw new PreforkError(
      'ERR_PREFORK_STATE',
      'A worker thread cannot find out here (no /proc) whether its process is a worker of a pool; construct the PreforkTcpServer in the main thread.',
      { cause },
    );
  }
}

function takeMark(): Mark | undefined {
  const text = process.env[MARK];
  // Processes that this one starts are ordinary ones; fork() would give them its arguments.
  const at = process.execArgv.indexOf(WORKER_CONDITION);
  if (at !== -1) process.execArgv.splice(at, 1);
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
  const { alias, ordinal, token, captured, watch } = (value ?? {}) as Record<string, unknown>;
  if (typeof alias !== 'string' || typeof ordinal !== 'number' || typeof token !== 'string') return undefined;
  const { hungMs } = (watch ?? {}) as Record<string, unknown>;
  return { alias, ordinal, token, captured: captured === true, watch: typeof hungMs === 'number' ? { hungMs } : undefined };
}

/** What one construction of the server is. An inert one does nothing. A worker calls `reports` once it reports to its master by itself. */
export type Role =
  | { readonly role: 'master'; readonly ordinal: number }
  | { readonly role: 'worker'; readonly mark: Mark; readonly reports: () => void }
  | { readonly role: 'inert' };

/** Decides what this construction is; called exactly once for each. */
export function takeRole({ alias }: { readonly alias: string }): Role {
  const role = currentRole();
  const { mark, isBesideWorker, constructed } = role;
  const ordinal = (constructed.get(alias) ?? 0) + 1;
  constructed.set(alias, ordinal);
  if (isBesideWorker) return { role: 'inert' };
  if (mark === undefined) return { role: 'master', ordinal };
  if (mark.alias === alias && mark.ordinal === ordinal) return { role: 'worker', mark, reports: () => { role.reports = true; } };
  sayLoaded(mark, [...constructed.keys()]);
  return { role: 'inert' };
}

/** How long after loading this library a script that has not made a server yet tells the master that it is still busy. */
const LATE_MS = 2000;

/** Tells the master how far the script has come: otherwise one that waits for its database looks like one that makes no server. */
function sayLoaded(mark: Mark, made: readonly string[]): void {
  say(mark, { type: 'loaded', made });
}

/** Tells the master why a script failed before it had made its server, as worker/signals.ts does later. */
function sayWhy(error: unknown, origin: NodeJS.UncaughtExceptionOrigin): void {
  const { mark } = currentRole();
  if (mark !== undefined && !isOutlived(error, origin)) say(mark, { type: 'failed', error: toReport(asError(error), 'uncaught') });
}

function say(mark: Mark, fact: ToMaster): void {
  if (currentRole().reports === true) return;
  try {
    process.send?.(envelope(fact, mark.token), undefined, undefined, () => undefined);
  } catch {
    // The master has gone.
  }
}

/** The environment of a worker: its mark, and nothing that would make it another program's worker or debugger. */
export function workerEnvironment(mark: Mark): NodeJS.ProcessEnv {
  return { [MARK]: JSON.stringify(mark) };
}

// Taken when the package is loaded, before the script starts any process of its own, which would inherit it.
if (process.env[MARK] !== undefined && process.send !== undefined) {
  const { mark, constructed } = currentRole();
  if (mark !== undefined) {
    // A closed terminal, and a reload by a signal to the process group, reach all workers; the master decides what that means.
    // Ignored from the start: a script may take long to make its server.
    process.on('SIGHUP', () => undefined);
    systemClock.after(LATE_MS, () => { if (constructed.size === 0) sayLoaded(mark, []); }, { idle: true });
    process.on('uncaughtExceptionMonitor', sayWhy);
  }
}
