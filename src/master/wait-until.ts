import { AsyncResource } from 'node:async_hooks';
import type { EventEmitter } from 'node:events';
import { isThenable, showRefused } from '../checks.js';
import { systemClock, type Timer } from '../clock.js';
import { PreforkError, asError } from '../errors.js';
import type { ServerEvents } from '../server-events.js';
import type { ServerStatus } from '../status.js';

/** What is needed of a master to wait for it. */
interface Waited {
  readonly events: EventEmitter<ServerEvents>;
  readonly isStopped: boolean;
  /** What made the server end without being asked to. */
  readonly failure: Error | undefined;
  status(): ServerStatus;
}

/** Not every change is an event: clients that wait in the kernel's queue, a worker that falls silent, the passing of time. */
const LOOK_MS = 250;

/**
 * Resolves with the first status that satisfies the predicate.
 *
 * @throws the signal's reason, the error that ended the server, or ERR_PREFORK_STATE when it has shut down
 */
export async function waitUntil(master: Waited, predicate: (status: ServerStatus) => boolean, signal: AbortSignal | undefined): Promise<ServerStatus> {
  signal?.throwIfAborted();
  return new Promise((resolve, reject) => {
    let timer: Timer | undefined;
    const end = (): void => {
      timer?.cancel();
      master.events.off('status', onStatus);
      signal?.removeEventListener('abort', onAbort);
    };
    const onAbort = (): void => {
      end();
      reject(asError(signal?.reason));
    };
    // The predicate sees the async context of its own call.
    const onStatus = AsyncResource.bind((): void => {
      try {
        const status = master.status();
        const holds: unknown = predicate(status);
        if (isThenable(holds)) throw new PreforkError('ERR_PREFORK_STATE', `The predicate of waitUntil() returned ${showRefused(holds)}; it must return true or false.`);
        if (Boolean(holds)) resolve(status);
        else if (master.isStopped) reject(master.failure ?? new PreforkError('ERR_PREFORK_STATE', 'waitUntil() waits for a status that will not come: the server has shut down.'));
        else return look();
      } catch (error) {
        reject(asError(error));
      }
      end();
    });
    const look = (): void => {
      timer?.cancel();
      timer = systemClock.after(LOOK_MS, onStatus, { idle: true });
    };
    master.events.on('status', onStatus);
    signal?.addEventListener('abort', onAbort);
    onStatus();
  });
}
