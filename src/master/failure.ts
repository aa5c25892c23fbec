import type { ListenConfig } from '../options/listen-part.js';
import { ListenError } from './listen-error.js';
import type { Outbox } from './outbox.js';

/** What may learn of a failure. */
export interface Hearers {
  readonly outbox: Outbox;
  /** The callback Error. */
  readonly failed: ListenConfig['failed'];
  /** Whether a call is waiting, which rejects with it. */
  readonly isAwaited: boolean;
}

/**
 * Reports that the server cannot work, to the callback Error and to listeners of `error`. Without a server a program has
 * failed, unless it says otherwise; and if nothing takes the error, it ends the program, as an 'error' event does in Node.
 */
export function reportFailure(error: Error, { outbox, failed, isAwaited }: Hearers): void {
  const isHeard = failed !== undefined || outbox.isHeard('error');
  const { operation, errno, errstr } = error instanceof ListenError ? error : { operation: 'start', errno: 0, errstr: error.message };
  if (failed !== undefined) outbox.run(() => { failed({ operation, errno, errstr, error }); });
  outbox.emit('error', error);
  if (isHeard) process.exitCode ??= 1;
  else if (!isAwaited) outbox.run(() => { throw error; });
}
