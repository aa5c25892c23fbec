import type { EventEmitter } from 'node:events';
import { isThenable } from './checks.js';
import { asError } from './errors.js';

/**
 * Calls the user's listeners of an event one by one, so that one which throws, or whose promise rejects, does not keep it from
 * the others and does not end the process as an uncaught exception.
 */
export function callListeners(events: EventEmitter, name: string, argument: unknown, failed: (error: Error) => void): void {
  const fail = (thrown: unknown): void => { failed(asError(thrown)); };
  // With their wrappers, by which those of once() remove themselves.
  for (const listener of events.rawListeners(name)) {
    try {
      const result: unknown = Reflect.apply(listener, events, [argument]);
      if (isThenable(result)) Promise.resolve(result).catch(fail);
    } catch (error) {
      fail(error);
    }
  }
}
