import type { ChildProcess, SendHandle } from 'node:child_process';
import { envelope } from './protocol.js';
import type { ToMaster, ToWorker } from './protocol.js';

/** One side's end of the line between master and worker. */
export interface Channel<Out extends ToWorker | ToMaster> {
  /**
   * Sends a message. Never throws: that the other side has gone is told by its own event, not by the sender.
   *
   * @returns false if the channel is closed
   */
  send(message: Out, handle?: SendHandle): boolean;
}

/** What both ends of Node's IPC channel have in common. */
type Endpoint = Pick<ChildProcess, 'connected' | 'send'> | (NodeJS.Process & { connected: boolean });

/** The IPC channel of `child_process.fork`, seen from either end. */
export class ProcessChannel<Out extends ToWorker | ToMaster> implements Channel<Out> {
  readonly #endpoint: Endpoint;

  constructor(endpoint: Endpoint) {
    this.#endpoint = endpoint;
  }

  send(message: Out, handle?: SendHandle): boolean {
    return this.#write(envelope(message), handle);
  }

  /** Sends a message of the user's own. @returns false if the channel is closed or the message cannot be sent */
  post(message: unknown): boolean {
    // While a handle is under way Node queues messages unread, and would throw for this one later, where nobody can catch it.
    return isJson(message) && this.#write(message as object);
  }

  #write(message: object, handle?: SendHandle): boolean {
    if (!this.#endpoint.connected) return false;
    try {
      // The callback keeps a failed write (EPIPE, ERR_IPC_CHANNEL_CLOSED) from becoming an 'error' event:
      // https://nodejs.org/api/child_process.html#subprocesssendmessage-sendhandle-options-callback
      this.#endpoint.send?.(message, handle, undefined, ignoreFailure);
      return true;
    } catch {
      // The handle was closed meanwhile (ERR_INVALID_HANDLE_TYPE): the pool is ending, and its workers are told otherwise.
      return false;
    }
  }
}

function isJson(message: unknown): boolean {
  try {
    JSON.stringify(message);
    return true;
  } catch {
    return false;
  }
}

function ignoreFailure(): void {
  // A closed channel is a fact about the other side; its 'exit' or 'disconnect' says so.
}
