import { ProcessChannel } from '../ipc/channel.js';
import { isOurs, parseToWorker } from '../ipc/protocol.js';
import type { ToMaster, ToWorker } from '../ipc/protocol.js';
import type { HandleCopy } from './listener.js';

/** A worker's line to its master. Tests give the runtime one in memory. */
export interface MasterChannel {
  send(fact: ToMaster): void;
  /** Calls back for every order; a copy of the listening handle comes with 'copy'. */
  onOrder(listener: (order: ToWorker, copy: HandleCopy | undefined) => void): void;
  /** Calls back once when the master has gone. */
  onClosed(listener: () => void): void;
}

/** The IPC channel of this process. The user's own messages on it pass by. */
export function processChannel(): MasterChannel {
  const channel = new ProcessChannel<ToMaster>(process);
  return {
    send(fact) {
      channel.send(fact);
    },
    onOrder(listener) {
      process.on('message', (message: unknown, handle: unknown) => {
        const order = parseToWorker(message);
        if (order !== undefined) listener(order, isCopy(handle) ? handle : undefined);
        // A handle that came with an order we do not understand must not stay open; one of the user's is the user's.
        else if (isCopy(handle) && isOurs(message)) handle.close();
      });
    },
    onClosed(listener) {
      process.once('disconnect', listener);
    },
  };
}

const isCopy = (handle: unknown): handle is HandleCopy => typeof handle === 'object' && handle !== null && 'close' in handle;
