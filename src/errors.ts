/** Stable codes of {@link PreforkError}; compare these, never the message or the class. */
export type PreforkErrorCode =
  | 'ERR_PREFORK_OPTION' // an option is unknown, of a wrong type or contradicts another; thrown by the constructor and `configure()`
  | 'ERR_PREFORK_LISTEN' // the address could not be bound or listened on; rejects `ready()`
  | 'ERR_PREFORK_WORKER_BOOT' // workers keep dying before they are ready; rejects `ready()`
  | 'ERR_PREFORK_RELOAD' // a new release was not accepted, the old one goes on; rejects `reload()`
  | 'ERR_PREFORK_UPGRADE' // a successor did not take over, the old master goes on; rejects `upgrade()`
  | 'ERR_PREFORK_STATE' // a method was called in the wrong state, role or process
  | 'ERR_PREFORK_DESCRIPTORS' // a worker is close to its limit of open files and does not accept; `worker:error`
  | 'ERR_PREFORK_ENDED' // output was put to a client that has gone
  | 'ERR_PREFORK_CALLBACK' // a callback threw or rejected with something that is not an Error
  | 'ERR_PREFORK_MESSAGE' // a message of the user's own that JSON cannot carry, or a question that got no answer
  | 'ERR_PREFORK_PROXY' // a balancer's connection without a valid PROXY header, or a connection that is not a balancer's; the connection is closed, `worker:error`
  | 'ERR_PREFORK_TESTING' // in a test, a pool was asked for something impossible, or what was awaited did not come in time
  | 'ERR_PREFORK_FILTER' // a filter was given parameters or records it cannot take
  | 'ERR_PREFORK_RECORD_TOO_LONG' // a line or block is longer than MaxLength; in a session the client is closed
  | 'ERR_PREFORK_BUFFER_FULL' // unfinished input is larger than MaxBuffer; in a session the client is closed
  | 'ERR_PREFORK_BAD_RECORD'; // input that is not in the filter's format; in a session the client is closed

/**
 * The one error class of this package. `code` is stable and documented in the README; `cause` holds the
 * system error or the thrown value it came from.
 */
export class PreforkError extends Error {
  /** 'PreforkError', also in subclasses. */
  override readonly name = 'PreforkError';
  /** What kind of failure this is; see {@link PreforkErrorCode}. */
  readonly code: PreforkErrorCode;

  constructor(code: PreforkErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Turns whatever was thrown into an Error. */
export function asError(thrown: unknown): Error {
  if (isError(thrown)) return thrown;
  return new PreforkError('ERR_PREFORK_CALLBACK', `A callback threw ${describe(thrown)} instead of an Error.`, { cause: thrown });
}

/** As instanceof, at which a proxy may throw. */
function isError(thrown: unknown): thrown is Error {
  try {
    return thrown instanceof Error;
  } catch {
    return false;
  }
}

function describe(thrown: unknown): string {
  try {
    return typeof thrown === 'string' ? JSON.stringify(thrown) : String(thrown);
  } catch {
    return `a value of type ${typeof thrown}`;
  }
}
