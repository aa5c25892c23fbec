import type { Clock, Timer } from '../clock.js';
import { startTimer, type Guarded } from './entry.js';

/** A session whose time is measured. */
export interface Swept extends Guarded {
  /** Ends what has taken too long. */
  sweep(now: number): void;
  /** Whether it is over except for a callback, whose time has to be watched whatever the options say. */
  readonly isWaiting: boolean;
}

/** What a sweeper is made of. */
export interface SweeperParts {
  readonly clock: Clock;
  readonly sessions: ReadonlySet<Swept>;
  /** The current limits, in milliseconds: 0 or Infinity = off. */
  readonly limits: () => readonly number[];
  /** What a fault outside the sessions ends. */
  readonly guard: Guarded;
}

/** One timer for all sessions: with 10,000 of them, a timer for each would cost more than the clients do. */
export class Sweeper {
  readonly #parts: SweeperParts;
  #timer: Timer | undefined;
  #dueAt = 0;
  #hasHeldBack = false;

  constructor(parts: SweeperParts) {
    this.#parts = parts;
  }

  /** Sweeps from now on, as long as there is a session whose time is limited. */
  start(isNeeded: boolean = this.#isTimed): void {
    const { clock, guard } = this.#parts;
    if (!isNeeded || this.#timer !== undefined) return;
    const ms = this.#everyMs;
    this.#dueAt = clock.now() + ms;
    this.#timer = startTimer(clock, ms, guard, () => { this.#sweep(ms); }, { idle: true });
  }

  #sweep(everyMs: number): void {
    this.#timer = undefined;
    const { clock, sessions } = this.#parts;
    const now = clock.now();
    // This process stood still. What clients have sent meanwhile, and what their callbacks wait for, is read after this turn.
    this.#hasHeldBack = !this.#hasHeldBack && now - this.#dueAt > everyMs;
    if (this.#hasHeldBack) { this.start(true); return; }
    let isWaiting = false;
    for (const session of sessions) {
      try {
        session.sweep(now);
      } catch (error) {
        session.crashed(error);
      }
      isWaiting ||= session.isWaiting;
    }
    if (sessions.size > 0) this.start(isWaiting || this.#isTimed);
  }

  get #isTimed(): boolean {
    return this.#parts.limits().some((ms) => ms > 0 && ms < Infinity);
  }

  get #everyMs(): number {
    const shortest = Math.min(...this.#parts.limits().filter((ms) => ms > 0));
    return Math.min(Math.max(shortest / 8, 10), 1000);
  }
}
