import type { EventEmitter } from 'node:events';
import { isThenable } from '../checks.js';
import { asError } from '../errors.js';
import type { ServerEvents, WorkerMessageEvent } from '../server-events.js';

/** Says that a message will not be answered, and why. */
type Refuse = (why: string) => void;

const refusals = new WeakMap<WorkerMessageEvent, Refuse>();

/** Names who is to hear of it if a listener fails. */
export function onRefusal(event: WorkerMessageEvent, refuse: Refuse): WorkerMessageEvent {
  refusals.set(event, refuse);
  return event;
}

/**
 * Calls the listeners of worker:message. What a message has in it may be a client's word, so a listener that stumbles over it,
 * at once or by a promise, must not end the master and with it the pool: it has failed for this message alone.
 *
 * @param failed - gets what a listener threw, once whoever has asked knows that there will be no answer
 */
export function hearMessage(events: EventEmitter<ServerEvents>, event: WorkerMessageEvent, failed: (error: Error) => void): void {
  const fail = (thrown: unknown): void => {
    const error = asError(thrown);
    refusals.get(event)?.(`the master's listener for worker:message failed: ${error.message}`);
    failed(error);
  };
  // With their wrappers, by which those of once() take themselves away.
  for (const listener of events.rawListeners('worker:message') as readonly ((this: unknown, event: WorkerMessageEvent) => unknown)[]) {
    try {
      const result = listener.call(events, event);
      if (isThenable(result)) Promise.resolve(result).catch(fail);
    } catch (error) {
      fail(error);
    }
  }
}
