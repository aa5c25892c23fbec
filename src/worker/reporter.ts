import type { Clock, Timer } from '../clock.js';
import type { WorkerState } from '../ipc/protocol.js';
import type { Urgency } from './accept-loop.js';

/** Reports are at least so far apart, unless something is urgent: a worker with 5,000 connections a second sends 50 of them. */
export const APART_MS = 20;

/**
 * Tells the master what changed: at once if nothing was told lately, otherwise when APART_MS have passed. So an idle
 * worker sends nothing, and a busy one no more than the master can bear.
 *
 * It also tells when the user's code is about to run. If a worker that did so is silent afterwards, that code blocks it,
 * and the master lets another accept.
 */
export class Reporter {
  readonly #clock: Clock;
  readonly #state: () => WorkerState;
  readonly #send: (state: WorkerState) => void;
  #timer: Timer | undefined;
  #dirty = false;
  #active = false;
  #saidBusy = false;
  #sentAt = -Infinity;

  constructor({ clock, state, send }: { clock: Clock; state: () => WorkerState; send: (state: WorkerState) => void }) {
    this.#clock = clock;
    this.#state = state;
    this.#send = send;
  }

  /** The state, with what is known of the user's code. */
  current(): WorkerState {
    return { ...this.#state(), busy: this.#active };
  }

  changed(urgency: Urgency): void {
    this.#dirty = true;
    // With a timer under way it waits for that one, or two reports would follow closely.
    if (urgency === 'now' || (this.#timer === undefined && this.#clock.now() - this.#sentAt >= APART_MS)) this.#report();
    else this.#startTimer();
  }

  /** The user's code is about to run. */
  active(): void {
    this.#active = true;
    if (this.#saidBusy) return this.#startTimer();
    this.#report();
  }

  #report(): void {
    const state = this.current();
    this.#dirty = false;
    this.#saidBusy = state.busy;
    this.#sentAt = this.#clock.now();
    this.#send(state);
    if (state.busy) this.#startTimer();
  }

  #startTimer(): void {
    this.#timer ??= this.#clock.after(APART_MS, () => { this.#tick(); }, { idle: true });
  }

  #tick(): void {
    this.#timer = undefined;
    const wasActive = this.#active;
    if (this.#dirty || wasActive || this.#saidBusy) this.#report();
    this.#active = false;
  }
}
