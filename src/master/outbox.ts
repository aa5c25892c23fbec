import { EventEmitter } from 'node:events';
import type { Clock } from '../clock.js';
import type { ServerEvents, WorkerErrorEvent } from '../status.js';
import type { UnheardErrors } from './unheard.js';

/**
 * Delivers events and callbacks to the user's code, in order, when the turn's own work is done: what that code throws finds
 * our books complete, and is an uncaught exception of its own.
 */
export class Outbox {
  readonly events: EventEmitter<ServerEvents> = new EventEmitter<ServerEvents>();
  readonly #clock: Clock;
  readonly #unheard: UnheardErrors;
  readonly #due: (() => void)[] = [];
  #isStatusDue = false;

  constructor(clock: Clock, unheard: UnheardErrors) {
    this.#clock = clock;
    this.#unheard = unheard;
  }

  /** Whether anyone listens to an event. */
  isHeard(name: keyof ServerEvents): boolean {
    return this.events.listenerCount(name) > 0;
  }

  /** Delivers an event. Of 'status', one for each turn of the event loop. */
  emit<Name extends keyof ServerEvents>(name: Name, ...args: ServerEvents[Name]): void {
    if (name === 'status') return this.#emitStatus();
    this.run(() => {
      if (name === 'worker:error' && !this.isHeard(name)) this.#unheard.show(args[0] as WorkerErrorEvent);
      // The events are typed by name; EventEmitter's own types cannot follow a generic name.
      else (this.events as EventEmitter).emit(name, ...args);
    });
  }

  /** Runs a callback of the user's. */
  run(callback: () => void): void {
    this.#due.push(callback);
    if (this.#due.length === 1) queueMicrotask(() => { this.#deliver(); });
  }

  #deliver(): void {
    const [callback] = this.#due;
    try {
      callback?.();
    } finally {
      // A failure ends this turn; the next one goes on, if the program has a handler for what is uncaught.
      this.#due.shift();
      if (this.#due.length > 0) queueMicrotask(() => { this.#deliver(); });
    }
  }

  #emitStatus(): void {
    if (this.#isStatusDue || !this.isHeard('status')) return;
    this.#isStatusDue = true;
    this.#clock.soon(() => {
      this.#isStatusDue = false;
      this.events.emit('status');
    });
  }
}
