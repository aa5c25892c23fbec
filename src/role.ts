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
interface ProcessRole {
  readonly mark: Mark | undefined;
  readonly constructed: Map<string, number>;
}

// Kept where a second copy of this package finds it too: a copy that took the process for a master would fork for ever.
const ROLE = Symbol.for('prefork-tcp-server.role');

function currentRole(): ProcessRole {
  const holder = globalThis as unknown as Record<symbol, ProcessRole | undefined>;
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
export type Role =
  | { readonly role: 'master'; readonly ordinal: number }
  | { readonly role: 'worker'; readonly mark: Mark }
  | { readonly role: 'inert' };

/** Decides what this construction is; called exactly once for each. */
export function takeRole({ alias }: { readonly alias: string }): Role {
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
