import type { Clock } from '../clock.js';

/** Requests that come at once, and a second after that. The page needs one; Prometheus one every few seconds. */
const BURST = 200;
const PER_SECOND = 50;

/** Bounds what requests may cost the master, whoever sends them. */
export class RequestBudget {
  readonly #clock: Clock;
  #left = BURST;
  #at: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#at = clock.now();
  }

  /** @returns false if there were too many lately */
  take(): boolean {
    const now = this.#clock.now();
    this.#left = Math.min(this.#left + (now - this.#at) / 1000 * PER_SECOND, BURST);
    this.#at = now;
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }
}
