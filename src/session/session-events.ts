import type { CallbackResult, SessionReference, StateContext } from '../kernel.js';
import { PreforkError } from '../errors.js';
import { RESERVED_EVENTS } from '../options/table.js';
import type { AnyCallback } from '../options/options.js';
import { Alarms } from './alarms.js';
import type { Common } from './client-config.js';
import type { Guarded } from './entry.js';
import type { KernelSession } from './kernel.js';

/** The session whose events these are. */
export interface EventsHost extends Guarded {
  readonly isOver: boolean;
  /** Handles no more input. */
  discardInput(): void;
  /** No event that the session has sent to itself is left. */
  eventsHandled(): void;
  shutdown(): void;
}

/** Runs the handlers of events as callbacks of the client. */
export interface EventRunner {
  /** @returns what the handler returned */
  event(event: string, handler: AnyCallback, own: Partial<StateContext<object>>): unknown;
}

/** The events, timers and names of one session. */
export class SessionEvents implements KernelSession {
  readonly reference: SessionReference;
  readonly #host: EventsHost;
  readonly #runner: EventRunner;
  readonly #common: Common;
  /** Handlers of its own; undefined as long as they are those of all. */
  #states: Map<string, AnyCallback> | undefined;
  // Most sessions use neither timers nor names, so both are made when they are asked for.
  #alarms: Alarms | undefined;
  #names: Set<string> | undefined;
  /** Events that the session has sent to itself and that are on their way. */
  #due = 0;

  constructor(host: EventsHost, runner: EventRunner, common: Common) {
    this.reference = Object.freeze({ ID: common.queue.nextId() });
    this.#host = host;
    this.#runner = runner;
    this.#common = common;
  }

  get alarms(): Alarms {
    if (this.#alarms === undefined) {
      this.#alarms = new Alarms(this.#common.clock, this);
      if (this.#host.isOver) this.#alarms.end();
    }
    return this.#alarms;
  }

  get names(): Set<string> {
    this.#names ??= new Set();
    return this.#names;
  }

  get isOver(): boolean {
    return this.#host.isOver;
  }

  /** Whether the session has sent itself an event that is still to be handled. */
  get isDue(): boolean {
    return this.#due > 0;
  }

  expect(event: string): void {
    this.#due += 1;
    if (event === 'shutdown') this.#host.discardInput();
  }

  handle(event: string, args: readonly unknown[], sender: SessionReference): void {
    const isOwn = sender === this.reference;
    if (isOwn) this.#due -= 1;
    this.call(event, args, sender);
    if (isOwn && !this.isDue) this.#host.eventsHandled();
  }

  onTime(step: () => void): void {
    this.#common.queue.onTime(this, step);
  }

  fire(event: string, args: readonly unknown[]): void {
    this.call(event, args, this.reference);
  }

  call(event: string, args: readonly unknown[], sender: SessionReference): unknown {
    if (this.#host.isOver) return undefined;
    if (event === 'shutdown') { this.#host.shutdown(); return undefined; }
    const handler = (this.#states ?? this.#common.config.callbacks.states).get(event);
    return handler === undefined ? undefined : this.#runner.event(event, handler, { args, state: event, sender });
  }

  setState(event: string, handler: ((context: never) => CallbackResult) | undefined): void {
    if (RESERVED_EVENTS.has(event)) {
      throw new PreforkError('ERR_PREFORK_STATE', `kernel.state cannot change '${event}': it is an event of the session itself. Choose another name.`);
    }
    const states = (this.#states ??= new Map(this.#common.config.callbacks.states));
    if (handler === undefined) states.delete(event);
    else states.set(event, handler as AnyCallback);
  }

  crashed(thrown: unknown): void {
    this.#host.crashed(thrown);
  }

  /** The session is over: none of its timers fires any more, and no event finds it. */
  end(): void {
    this.#alarms?.end();
    this.#common.queue.remove(this, this.#names ?? []);
  }
}
