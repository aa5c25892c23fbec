import { untilNext, type Clock, type Timer } from '../clock.js';
import type { WorkerState } from '../ipc/protocol.js';
import { PULSE_MS } from '../policy/silence.js';
import type { Urgency } from './accept-loop.js';

/** Reports are at least this far apart, unless something is urgent: a worker with 5,000 connections a second sends only 50. */
export const APART_MS = 20;

/** What the reporter needs. */
export interface ReporterParts {
  readonly clock: Clock;
  readonly state: () => WorkerState;
  readonly send: (state: WorkerState) => void;
  /** Sends the shortest sign of life. */
  readonly pulse: () => void;
}

/**
 * Keeps the master informed: of changes, at once if nothing was reported lately, otherwise when APART_MS have passed; and,
 * if nothing was said for the interval of the pulse, that the event loop still turns (policy/silence.ts).
 */
export class Reporter {
  readonly #parts: ReporterParts;
  #timer: Timer | undefined;
  #pulse: Timer | undefined;
  #pulseMs = PULSE_MS;
  #isDirty = false;
  #sentAt = -Infinity;
  /** What the last report led the master to believe. */
  #saidSpare = false;
  #saidAccepting = false;

  constructor(parts: ReporterParts) {
    this.#parts = parts;
  }

  /** The state, to be sent along with something else. */
  current(): WorkerState {
    return this.#remember(this.#parts.state());
  }

  get pulseMs(): number {
    return this.#pulseMs;
  }

  /** Says at least this often that the event loop turns. */
  pulse(everyMs: number): void {
    if (everyMs === this.#pulseMs && this.#pulse !== undefined) return;
    this.#pulseMs = everyMs;
    this.#pulse?.cancel();
    if (everyMs < PULSE_MS) this.#beat(everyMs);
    else this.#beatTogether();
  }

  changed(urgency: Urgency): void {
    this.#isDirty = true;
    // If a timer is running it waits for that, or two reports would follow each other closely.
    if (urgency === 'now' || (urgency === 'news' && this.#isNews()) || (this.#timer === undefined && this.#parts.clock.now() - this.#sentAt >= APART_MS)) this.#report();
    else this.#timer ??= this.#parts.clock.after(APART_MS, () => { this.#tick(); }, { idle: true });
  }

  #isNews(): boolean {
    if (!this.#saidSpare && !this.#saidAccepting) return false;
    const { clients, accepting } = this.#parts.state();
    return (this.#saidSpare && clients > 0) || (this.#saidAccepting && !accepting);
  }

  #report(): void {
    this.#parts.send(this.current());
  }

  #remember(state: WorkerState): WorkerState {
    this.#isDirty = false;
    this.#sentAt = this.#parts.clock.now();
    this.#saidSpare = state.clients === 0;
    this.#saidAccepting = state.accepting;
    return state;
  }

  #tick(): void {
    this.#timer = undefined;
    if (this.#isDirty) this.#report();
  }

  /** Says something as soon as nothing has been said for the interval. */
  #beat(afterMs: number): void {
    this.#pulse = this.#parts.clock.after(afterMs, () => {
      const silentMs = this.#parts.clock.now() - this.#sentAt;
      // A timer may be a little early: nearly due counts as due.
      if (silentMs < this.#pulseMs - 1) return this.#beat(this.#pulseMs - silentMs);
      this.#sayIt();
      this.#beat(this.#pulseMs);
    }, { idle: true });
  }

  /** The pulse of workers at rest: all of them send it at the same times, whatever they have said meanwhile. */
  #beatTogether(): void {
    const { clock } = this.#parts;
    this.#pulse = clock.after(untilNext(this.#pulseMs, clock.now()), () => {
      this.#sayIt();
      this.#beatTogether();
    }, { idle: true });
  }

  #sayIt(): void {
    this.#sentAt = this.#parts.clock.now();
    this.#parts.pulse();
  }
}
