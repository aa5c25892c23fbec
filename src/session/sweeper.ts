import type { Clock, Timer } from '../clock.js';
import { startTimer, type Guarded } from './entry.js';

/** A session whose time is measured. */
export interface Swept extends Guarded {
  /** Ends what has taken too long. */
  sweep(now: number): void;
  /** Whether it is over but for a callback, whose time has to be watched whatever the options say. */
  readonly isWaiting: boolean;
}

/** What a sweeper is made of. */
export interface SweeperParts {
  readonly clock: Clock;
  readonly sessions: ReadonlySet<Swept>;
  /** The limits of now, in milliseconds: 0 or Infinity = off. */
  readonly limits: () => readonly number[];
  /** What a fault outside of the sessions ends. */
  readonly guard: Guarded;
}

/** One timer for all sessions: at 10,000 of them, a timer each would cost more than the clients do. */
export class Sweeper {
  readonly #parts: SweeperParts;
  #timer: Timer | undefined;

  constructor(parts: SweeperParts) {
    this.#parts = parts;
  }

  /** Sweeps from now on, as long as there is somebody whose time is limited. */
  start(isNeeded: boolean = this.#isTimed): void {
    const { clock, guard } = this.#parts;
    if (isNeeded) this.#timer ??= startTimer(clock, this.#everyMs, guard, () => { this.#sweep(); }, { idle: true });
  }

  #sweep(): void {
    this.#timer = undefined;
    const { clock, sessions } = this.#parts;
    const now = clock.now();
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
