import { callback } from '../checks.js';
import type { AnyCallback, PreforkTcpServerOptions } from './options.js';
import { RESERVED_EVENTS } from './table.js';

type StateOptions = Pick<PreforkTcpServerOptions, 'InlineStates' | 'ObjectStates' | 'PackageStates'>;

/** The handlers of a session's own events, from InlineStates, ObjectStates and PackageStates; later ones win. */
export function collectStates(options: StateOptions): ReadonlyMap<string, AnyCallback> {
  const states = new Map<string, AnyCallback>(Object.entries(options.InlineStates ?? {}) as [string, AnyCallback][]);
  for (const pairs of [options.ObjectStates, options.PackageStates]) {
    for (const { owner, event, method } of methods(pairs)) {
      // Looked up at each event, so that a method may be replaced later; `this` is its object.
      states.set(event, (context: unknown) => (owner[method] as AnyCallback).call(owner, context));
    }
  }
  return states;
}

/**
 * What is wrong with them: methods that do not exist, and events that the session handles itself. If a handler took one
 * of those over, clients would never be closed.
 */
export function stateProblems(options: StateOptions): string[] {
  const problems = Object.keys(options.InlineStates ?? {}).filter(isReserved).map((event) => reserved('InlineStates', event));
  for (const name of ['ObjectStates', 'PackageStates'] as const) {
    for (const { owner, event, method } of methods(options[name])) {
      if (isReserved(event)) problems.push(reserved(name, event));
      else if (typeof owner[method] !== 'function') {
        problems.push(`${name} names the method '${method}' for the event '${event}', but its object has none of that name.`);
      } else {
        const problem = callback(owner[method]);
        if (problem !== undefined) problems.push(`${name} names the method '${method}' for the event '${event}', which ${problem}.`);
      }
    }
  }
  return problems;
}

const isReserved = (event: string): boolean => RESERVED_EVENTS.has(event);
const reserved = (option: string, event: string): string => `${option} has '${event}', which is an event of the session itself; choose another name.`;

interface Method {
  readonly owner: Readonly<Record<string, unknown>>;
  readonly event: string;
  readonly method: string;
}

function methods(pairs: readonly unknown[] = []): Method[] {
  return pairs.flatMap((item, index) => (index % 2 === 0 ? [] : eventsOf(item).map(([event, method]) => (
    { owner: pairs[index - 1] as Method['owner'], event, method }
  ))));
}

function eventsOf(events: unknown): [event: string, method: string][] {
  if (Array.isArray(events)) return (events as string[]).map((name) => [name, name]);
  return Object.entries(events as Readonly<Record<string, string>>);
}
