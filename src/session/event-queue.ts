import type { SessionReference, SessionTarget } from '../callbacks.js';
import type { Clock } from '../clock.js';

/** What events can be sent to: a client's session, the server, its manager. */
export interface Receiver extends SessionReference {
  /** Takes an event off the queue. Never throws. */
  handle(event: string, args: readonly unknown[], sender: SessionReference): void;
  /** Runs an event at once and returns what its handler returns. */
  call(event: string, args: readonly unknown[], sender: SessionReference): unknown;
}

interface QueuedEvent {
  readonly target: Receiver;
  readonly event: string;
  readonly args: readonly unknown[];
  readonly sender: SessionReference;
}

/** The sessions of a worker by ID and alias, and the events on their way to them: first come, first served. */
export class EventQueue {
  readonly #clock: Clock;
  readonly #targets = new Map<SessionTarget, Receiver>();
  #queue: QueuedEvent[] = [];
  #lastId = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  nextId(): number {
    this.#lastId += 1;
    return this.#lastId;
  }

  add(target: Receiver, name?: string): void {
    this.#targets.set(name ?? target.ID, target);
  }

  /** Names a target. @returns false if the name is another's */
  setAlias(target: Receiver, name: string): boolean {
    const holder = this.#targets.get(name);
    if (holder !== undefined && holder !== target) return false;
    this.#targets.set(name, target);
    return true;
  }

  removeAlias(target: Receiver, name: string): boolean {
    return this.#targets.get(name) === target && this.#targets.delete(name);
  }

  /** Forgets a target and its names. */
  remove(target: Receiver, names: Iterable<string>): void {
    this.#targets.delete(target.ID);
    for (const name of names) this.removeAlias(target, name);
  }

  find(target: SessionTarget): Receiver | undefined {
    return this.#targets.get(typeof target === 'object' ? target.ID : target);
  }

  post(target: Receiver, { event, args, sender }: Omit<QueuedEvent, 'target'>): void {
    this.#queue.push({ target, event, args, sender });
    if (this.#queue.length === 1) this.#clock.soon(() => { this.#deliver(); });
  }

  /** Events that are posted meanwhile wait for the next turn, so that sessions which post to each other for ever let input in. */
  #deliver(): void {
    const events = this.#queue;
    this.#queue = [];
    for (const { target, event, args, sender } of events) target.handle(event, args, sender);
  }
}
