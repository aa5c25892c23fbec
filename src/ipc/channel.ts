import type { ChildProcess, SendHandle } from 'node:child_process';
import { builtIn } from '../built-ins.js';
import { systemClock } from '../clock.js';
import { Backlog } from './backlog.js';
import { envelope } from './protocol.js';
import type { ClientChange } from '../policy/snapshot.js';
import type { ToMaster, ToWorker, WelcomeOrder } from './protocol.js';

/** What both ends of Node's IPC channel have in common. */
export type Endpoint = Pick<ChildProcess, 'connected' | 'send'> & { readonly pid?: number | undefined };

/** The IPC channel of `child_process.fork`, seen from either end. */
export class ProcessChannel<Out extends ToWorker | ToMaster> {
  readonly #endpoint: Endpoint;
  readonly #token: string;
  readonly #backlog: Backlog;

  /**
   * @param token - the secret of the server's mark, which every message carries
   * @param stalled - called when the other side does not read, and the user's own messages are lost until it does
   */
  constructor(endpoint: Endpoint, token: string, stalled: () => void) {
    this.#endpoint = endpoint;
    this.#token = token;
    this.#backlog = new Backlog(systemClock, stalled);
  }

  /**
   * Sends a message. Never throws: that the other side has gone is reported by a separate event, not to the sender.
   *
   * @returns false if the channel is closed, or too many of the user's own messages wait on it
   */
  send(message: Out, handle?: SendHandle): boolean {
    if (!this.#endpoint.connected) return false;
    const done = 'text' in message && message.text !== null ? this.#backlog.add(message.text.length) : ignoreFailure;
    if (done === undefined) return false;
    trace('sends', this.#endpoint.pid, message);
    try {
      // The callback keeps a failed write (EPIPE, ERR_IPC_CHANNEL_CLOSED) from becoming an 'error' event:
      // https://nodejs.org/api/child_process.html#subprocesssendmessage-sendhandle-options-callback
      this.#endpoint.send(envelope(message, this.#token), handle, undefined, done);
      return true;
    } catch {
      // The handle was closed meanwhile (ERR_INVALID_HANDLE_TYPE): the pool is ending, and its workers learn of that in another way.
      return false;
    }
  }
}

const debug = builtIn('node:util').debuglog('prefork');

/** With NODE_DEBUG=prefork, prints an order or a fact to stderr; pid is the worker's. */
export function trace(how: 'sends' | 'hears', pid: number | undefined, message: ToWorker | ToMaster): void {
  if (debug.enabled) debug('worker %d: %s %s', pid, how, toShow(message));
}

/** A message as text, without the keys in it. */
export const toShow = (message: ToWorker | ToMaster): string => (
  JSON.stringify(message, (name, value: unknown) => (SECRETS.has(name) && typeof value === 'string' ? '[secret]' : value))
);

/** Fields that hold keys. */
const SECRETS: ReadonlySet<string> = new Set(['tls', 'keys', 'ticketKeys'] satisfies (keyof ClientChange | keyof WelcomeOrder | 'keys')[]);

function ignoreFailure(): void {
  // A closed channel means that the other side has gone; its 'exit' or 'disconnect' says so.
}
