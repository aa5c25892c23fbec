import { channel } from 'node:diagnostics_channel';
import type { Heap } from '../client.js';
import type { SessionReference } from '../kernel.js';

/** What `prefork:session:start` and `prefork:session:end` carry. */
export interface SessionTrace {
  /** The server's Alias. */
  readonly server: string;
  /** The same object at the start and at the end, so that it can be the key of a WeakMap. */
  readonly session: SessionReference;
  /** The client's heap: `remote_ip` and the like, the user's own fields, and at the end `got_an_error`. Without `client` at the start. */
  readonly heap: Heap<object>;
}

const STARTS = channel('prefork:session:start');
const ENDS = channel('prefork:session:end');

type Traced = Pick<SessionTrace, 'session' | 'heap'>;

const traceOf = ({ session, heap }: Traced): SessionTrace => ({ server: heap.alias, session, heap });

/** Publishes on `prefork:session:start` that a session begins: before ClientConnected, and after ClientPreConnect. */
export function traceStart(of: Traced): void {
  if (STARTS.hasSubscribers) STARTS.publish(traceOf(of));
}

/** Publishes on `prefork:session:end` that the last callback of a client has settled, once for each start. What a subscriber throws is an uncaught exception. */
export function traceEnd(of: Traced): void {
  if (ENDS.hasSubscribers) ENDS.publish(traceOf(of));
}
