import type { Clock } from '../clock.js';

/** How many requests may come at once, and how many per second after that. The page needs one; Prometheus one every few seconds. */
const BURST = 200;
const PER_SECOND = 50;

/**
 * A value that is computed anew for each request as long as there are few. In a flood the last answer is repeated,
 * which is at most 20 ms old: health checks have to be answered then, too, but must not cost the master more.
 */
export class Recent<Value> {
  readonly #budget: RequestBudget;
  readonly #compute: () => Value;
  #last: { readonly value: Value } | undefined;

  constructor(clock: Clock, compute: () => Value) {
    this.#budget = new RequestBudget(clock);
    this.#compute = compute;
  }

  /** `isFlood`: whether there were too many requests lately. */
  ask(): { readonly value: Value; readonly isFlood: boolean } {
    const isFlood = !this.#budget.take();
    if (!isFlood || this.#last === undefined) this.#last = { value: this.#compute() };
    return { value: this.#last.value, isFlood };
  }
}

/** Limits what requests may cost the master, wherever they come from. */
export class RequestBudget {
  readonly #clock: Clock;
  #left = BURST;
  #at: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#at = clock.now();
  }

  /** @returns false if there were too many requests lately */
  take(): boolean {
    const now = this.#clock.now();
    this.#left = Math.min(this.#left + (now - this.#at) / 1000 * PER_SECOND, BURST);
    this.#at = now;
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }
}
