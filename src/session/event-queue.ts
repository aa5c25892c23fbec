import type { SessionReference, SessionTarget } from '../kernel.js';
import type { Clock } from '../clock.js';
import { door, newScope, nextTurn, type Guarded } from './entry.js';
import { Turns } from './turns.js';

/** What events can be sent to: a client's session, the server, its manager. */
export interface Receiver extends Guarded {
  /** What users see of it. */
  readonly reference: SessionReference;
  /** Takes an event off the queue. */
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

/** The sessions of a worker by ID and alias, and the events on their way to them, in order. */
export class EventQueue {
  readonly #clock: Clock;
  readonly #targets = new Map<string | number, Receiver>();
  readonly #turns: Turns;
  /** Of the timers that are late together: Node calls all of them before it reads anything. */
  readonly #timers: Turns;
  #timersTurn: 'none' | 'begun' | 'over' = 'none';
  /** Events being delivered, how many of them have been, and those posted meanwhile. */
  #current: readonly (() => void)[] = [];
  #delivered = 0;
  #queue: (() => void)[] = [];
  #isDue = false;
  #lastId = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#turns = new Turns(clock);
    this.#timers = new Turns(clock);
  }

  nextId(): number {
    this.#lastId += 1;
    return this.#lastId;
  }

  add(target: Receiver, name?: string): void {
    this.#targets.set(name ?? target.reference.ID, target);
  }

  /** Names a target. @returns false if another target has the name */
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
    this.#targets.delete(target.reference.ID);
    for (const name of names) this.removeAlias(target, name);
  }

  find(target: SessionTarget): Receiver | undefined {
    return this.#targets.get(typeof target === 'object' ? target.ID : target);
  }

  /** Queues an event. It runs in the async context of the caller, whatever else is posted at that time. */
  post(target: Receiver, { event, args, sender }: Omit<QueuedEvent, 'target'>): void {
    const scope = newScope('PREFORK_EVENT');
    this.#queue.push(() => { scope.runInAsyncScope(deliver, undefined, { target, event, args, sender }); });
    this.#deliverSoon();
  }

  /** Runs a step after the events that have been posted: now, if there are none. */
  afterPosted(target: Guarded, step: () => void): void {
    if (this.#queue.length === 0 && this.#delivered === this.#current.length) { step(); return; }
    this.#queue.push(door(target, step));
    this.#deliverSoon();
  }

  /** Runs what a timer was set for: now, or among the events if timers have had their turn. */
  onTime(target: Guarded, step: () => void): void {
    if (this.#timersTurn === 'none') {
      this.#timersTurn = 'begun';
      this.#timers.begin();
      nextTurn(this.#clock, NOTHING, () => { this.#timersTurn = 'none'; });
    }
    if (this.#timersTurn === 'begun' && this.#timers.isOver()) this.#timersTurn = 'over';
    if (this.#timersTurn === 'begun') { step(); return; }
    this.#queue.push(door(target, step));
    this.#deliverSoon();
  }

  #deliverSoon(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    nextTurn(this.#clock, NOTHING, () => { this.#deliver(); });
  }

  /** Events posted meanwhile, and those left after a few milliseconds, wait for the next turn, so that input is read in between. */
  #deliver(): void {
    this.#isDue = false;
    if (this.#delivered === this.#current.length) {
      this.#current = this.#queue;
      this.#queue = [];
      this.#delivered = 0;
    }
    this.#turns.begin();
    while (this.#delivered < this.#current.length && !this.#turns.isOver()) {
      this.#delivered += 1;
      this.#current[this.#delivered - 1]?.();
    }
    if (this.#delivered === this.#current.length) {
      // What was posted with them must not stay in memory until something else is posted.
      this.#current = [];
      this.#delivered = 0;
    }
    if (this.#current.length > 0 || this.#queue.length > 0) this.#deliverSoon();
  }
}

function deliver({ target, event, args, sender }: QueuedEvent): void {
  try {
    target.handle(event, args, sender);
  } catch (error) {
    target.crashed(error);
  }
}

/** Each event has a guard of its own. */
const NOTHING: Guarded = { crashed: () => undefined };
