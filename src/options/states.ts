import type { PreforkTcpServerOptions } from './options.js';
import { PreforkError } from '../errors.js';
import type { AnyCallback } from './options.js';

/** The handlers of a session's own events, from InlineStates, ObjectStates and PackageStates; later ones win. */
export function collectStates(options: Pick<PreforkTcpServerOptions, 'InlineStates' | 'ObjectStates' | 'PackageStates'>): ReadonlyMap<string, AnyCallback> {
  const states = new Map<string, AnyCallback>(Object.entries(options.InlineStates ?? {}) as [string, AnyCallback][]);
  for (const [event, handler] of methodStates('ObjectStates', options.ObjectStates ?? [])) states.set(event, handler);
  for (const [event, handler] of methodStates('PackageStates', options.PackageStates ?? [])) states.set(event, handler);
  return states;
}

function* methodStates(option: string, pairs: readonly unknown[]): Generator<[string, AnyCallback]> {
  for (let index = 0; index + 1 < pairs.length; index += 2) {
    const owner = pairs[index] as Readonly<Record<string, unknown>>;
    for (const [event, method] of eventsOf(pairs[index + 1])) {
      if (typeof owner[method] !== 'function') {
        throw new PreforkError('ERR_PREFORK_OPTION', `${option} names the method '${method}' for the event '${event}', but its object has none of that name.`);
      }
      // Looked up at each event, so that a method may be replaced later; `this` is its object.
      yield [event, (context: unknown) => (owner[method] as AnyCallback).call(owner, context)];
    }
  }
}

function eventsOf(events: unknown): [event: string, method: string][] {
  if (Array.isArray(events)) return (events as string[]).map((name) => [name, name]);
  return Object.entries(events as Readonly<Record<string, string>>);
}
