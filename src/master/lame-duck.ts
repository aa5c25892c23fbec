import type { Clock, Timer } from '../clock.js';

/** A period in which a server that has been asked to stop goes on as before, so that balancers can send their clients elsewhere. */
export class LameDuck {
  readonly #clock: Clock;
  #timer: Timer | undefined;
  #over: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves after that time, or when `end()` is called. */
  async wait(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#over = resolve;
      this.#timer = this.#clock.after(ms, () => { this.end(); });
    });
  }

  /** @returns false if it was over, or never began */
  end(): boolean {
    const over = this.#over;
    this.#timer?.cancel();
    this.#over = undefined;
    over?.();
    return over !== undefined;
  }
}
