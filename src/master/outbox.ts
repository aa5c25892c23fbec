import { AsyncResource } from 'node:async_hooks';
import { EventEmitter } from 'node:events';
import type { Clock } from '../clock.js';
import type { PoolEvent, PoolObserver } from '../pool-event.js';
import type { ServerEvents, WorkerErrorEvent, WorkerMessageEvent } from '../server-events.js';
import { hearMessage } from './hear-message.js';
import type { UnheardErrors } from './unheard.js';

// As it is now, as the timers of clock.ts: some fake timers, such as those of Jest, replace it too.
const { queueMicrotask } = globalThis;

/**
 * Delivers events and callbacks to the user's code, in order, when the turn's own work is done: what that code throws finds
 * our books complete, and is an uncaught exception of its own. It runs in the async context of the server's construction: what
 * happens is due to many causes, and a store that one call came with, such as the HTTP request that asked for a reload, is of no other's concern.
 */
export class Outbox {
  readonly events: EventEmitter<ServerEvents> = new EventEmitter<ServerEvents>();
  readonly #scope = new AsyncResource('PREFORK_SERVER');
  readonly #clock: Clock;
  readonly #unheard: UnheardErrors;
  readonly #due: (() => void)[] = [];
  readonly #observers: PoolObserver[] = [];
  #log: PoolObserver | undefined;
  /** Whether an observer follows every change of the status. */
  #followsStatus = false;
  #isStatusDue = false;

  constructor(clock: Clock, unheard: UnheardErrors) {
    this.#clock = clock;
    this.#unheard = unheard;
  }

  /** Adds an observer of our own: it hears at once, and does not count as a listener. With `status` it hears of every change. */
  observe(observer: PoolObserver, { status = false }: { readonly status?: boolean } = {}): void {
    this.#observers.push(observer);
    if (status) this.#followsStatus = true;
  }

  /** Sets the user's log: it hears of events before their listeners, and of errors that have no listener. */
  setLog(log: PoolObserver): void {
    this.#log = log;
  }

  /** Whether anyone listens to an event. */
  isHeard(name: keyof ServerEvents): boolean {
    return this.events.listenerCount(name) > 0;
  }

  /** Delivers an event. Of 'status', one for each turn of the event loop. */
  emit<Name extends keyof ServerEvents>(name: Name, ...args: ServerEvents[Name]): void {
    if (name === 'status') return this.#emitStatus();
    // The events are typed by name; neither EventEmitter's own types nor a union can follow a generic name.
    const event = { name, detail: args[0] } as PoolEvent;
    for (const observe of this.#observers) observe(event);
    const log = this.#log;
    if (log !== undefined) this.run(() => { log(event); });
    this.run(() => {
      if (name === 'worker:message') this.#hear(args[0] as WorkerMessageEvent);
      else if (this.isHeard(name)) (this.events as EventEmitter).emit(name, ...args);
      else if (name === 'worker:error' && log === undefined) this.#unheard.show(args[0] as WorkerErrorEvent);
    });
  }

  #hear(event: WorkerMessageEvent): void {
    hearMessage(this.events, event, (error) => { this.emit('worker:error', { pid: event.pid, id: event.id, where: 'worker:message', error }); });
  }

  /** Runs a callback of the user's. */
  run(callback: () => void): void {
    this.#due.push(callback);
    if (this.#due.length === 1) queueMicrotask(() => { this.#deliver(); });
  }

  #deliver(): void {
    const [callback] = this.#due;
    try {
      if (callback !== undefined) this.#scope.runInAsyncScope(callback);
    } finally {
      // A failure ends this turn; the next one goes on, if the program has a handler for what is uncaught.
      this.#due.shift();
      if (this.#due.length > 0) queueMicrotask(() => { this.#deliver(); });
    }
  }

  #emitStatus(): void {
    if (this.#isStatusDue || !(this.isHeard('status') || this.#followsStatus)) return;
    this.#isStatusDue = true;
    this.#clock.soon(() => {
      this.#isStatusDue = false;
      for (const observe of this.#observers) observe({ name: 'status', detail: undefined });
      this.#scope.runInAsyncScope(() => { this.events.emit('status'); });
    });
  }
}
