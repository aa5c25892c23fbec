import { AsyncResource } from 'node:async_hooks';
import { EventEmitter } from 'node:events';
import type { Clock } from '../clock.js';
import type { PoolEvent, PoolObserver } from '../pool-event.js';
import type { ServerEvents, WorkerErrorEvent, WorkerMessageEvent } from '../server-events.js';
import { hearMessage } from './hear-message.js';
import type { UnheardErrors } from './unheard.js';

// As it is now, like the timers in clock.ts: some fake timers, such as Jest's, replace it too.
const { queueMicrotask } = globalThis;

/**
 * Delivers events and callbacks to the user's code, in order, when the turn's own work is done: when that code throws, our state is complete, and
 * the error is an uncaught exception of the program's. The code runs in the async context of the server's construction: events have many causes,
 * and the store of one call, such as that of the HTTP request that asked for a reload, must not reach others.
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

  /** Adds an internal observer: it is called at once, and does not count as a listener. With `status` it is told of every change. */
  observe(observer: PoolObserver, { status = false }: { readonly status?: boolean } = {}): void {
    this.#observers.push(observer);
    if (status) this.#followsStatus = true;
  }

  /** Sets the user's log: it gets events before their listeners do, and errors that have no listener. */
  setLog(log: PoolObserver): void {
    this.#log = log;
  }

  /** Whether anyone listens to an event. */
  isHeard(name: keyof ServerEvents): boolean {
    return this.events.listenerCount(name) > 0;
  }

  /** Delivers an event; 'status' at most once in each turn of the event loop. */
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
      // An exception ends this turn; the next one goes on, if the program handles uncaught exceptions.
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
