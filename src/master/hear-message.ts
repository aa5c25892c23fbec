import type { EventEmitter } from 'node:events';
import { callListeners } from '../listeners.js';
import type { ServerEvents, WorkerMessageEvent } from '../server-events.js';

/** Says that a message will not be answered, and why. */
type Refuse = (why: string) => void;

const refusals = new WeakMap<WorkerMessageEvent, Refuse>();

/** Sets what is called if a listener fails. */
export function onRefusal(event: WorkerMessageEvent, refuse: Refuse): WorkerMessageEvent {
  refusals.set(event, refuse);
  return event;
}

/**
 * Calls the listeners of worker:message. A message may contain what a client has sent, so a listener that fails on it must
 * not end the master, and the pool with it: it fails for this message alone.
 *
 * @param failed - gets what a listener threw, after the asking worker has been told that there will be no answer
 */
export function hearMessage(events: EventEmitter<ServerEvents>, event: WorkerMessageEvent, failed: (error: Error) => void): void {
  callListeners(events, 'worker:message', event, (error) => {
    refusals.get(event)?.(`the master's listener for worker:message failed: ${error.message}`);
    failed(error);
  });
}
