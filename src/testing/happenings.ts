import type { ListenAddress } from '../ipc/protocol.js';
import type { PoolEvent } from '../pool-event.js';
import type { ServerEvents } from '../server-events.js';
import type { ToTest } from './line.js';

/** An event of the server under test, as the program's own listeners would get it, and when it came. */
export type TestedEvent = Exclude<PoolEvent, { readonly name: 'status' }> & {
  /** Milliseconds of `performance.now()`. */
  readonly at: number;
};

/** What is known about a pool under test from what its processes say. */
export class Happenings {
  readonly events: TestedEvent[] = [];
  /** The Aliases of the servers that the program has constructed. */
  readonly constructed: string[] = [];
  /** Whether the one that is meant is among them. */
  isConstructed = false;
  /** Where it listens; undefined until a worker accepts. */
  address: ListenAddress | undefined;
  /** How often the status has changed. */
  changes = 0;

  hear(message: ToTest, at: number): void {
    if (message.type === 'constructed') {
      this.constructed.push(message.alias);
      this.isConstructed ||= message.isMeant;
    } else if (message.type === 'up') this.address = message.address;
    else if (message.type === 'event' && message.name === 'status') this.changes += 1;
    else if (message.type === 'event') this.events.push({ ...message, at } as unknown as TestedEvent);
  }

  /** The details of the events of a name, in order. */
  all<Name extends keyof ServerEvents>(name: Name): ServerEvents[Name][0][] {
    return this.events.filter((event) => event.name === name).map(({ detail }) => detail as ServerEvents[Name][0]);
  }

  /** The pids of the workers that are ready and do not drain. */
  get ready(): number[] {
    const over = new Set([...this.all('worker:exit'), ...this.all('worker:drain')].map(({ id }) => id));
    return this.all('worker:ready').filter(({ id }) => !over.has(id)).map(({ pid }) => pid);
  }

  /** Why the server ended without being asked to. */
  get failure(): Error | undefined {
    return this.all('error')[0];
  }
}
