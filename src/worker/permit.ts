import type { Clock, Timer } from '../clock.js';
import type { PermitState } from '../policy/permits.js';

/** How long the master's answer to a used-up permit may take before the worker goes on by itself: the master may be stopped. */
const ANSWER_MS = 50;
/** The most by which a worker raises its ceiling at once without the master. */
const MOST_RAISE = 64;

/**
 * The master's permission to accept, up to a ceiling of clients (the theory is above policy/permits.ts). It counts no
 * clients itself: the accept loop asks whether that many are allowed.
 */
export class Permit {
  readonly #clock: Clock;
  readonly #changed: () => void;
  #state: PermitState = 'none';
  #ceiling = 0;
  #raise = 1;
  #patience: Timer | undefined;

  /** @param changed - called when the permit has raised itself */
  constructor(clock: Clock, changed: () => void) {
    this.#clock = clock;
    this.#changed = changed;
  }

  get state(): PermitState {
    return this.#state;
  }

  /** Whether one more client may be taken beside these. */
  allows(clients: number): boolean {
    return this.#state !== 'none' && clients < this.#ceiling;
  }

  /** The master gives it, with a new ceiling; or answers that the old one stays. */
  grant(ceiling: number, clients: number): void {
    this.#stopWaiting();
    this.#raise = 1;
    this.#ceiling = ceiling;
    this.#state = clients < ceiling ? 'held' : 'full';
  }

  withdraw(): void {
    this.#stopWaiting();
    this.#state = 'none';
  }

  /** The number of clients has changed. @returns whether the master has to be asked now */
  count(clients: number): boolean {
    if (this.#state === 'none') return false;
    if (clients < this.#ceiling) {
      this.#stopWaiting();
      this.#state = 'held';
      return false;
    }
    if (this.#state !== 'held') return false;
    this.#state = 'spent';
    this.#patience = this.#clock.after(ANSWER_MS, () => { this.#raiseItself(clients); }, { idle: true });
    return true;
  }

  #raiseItself(clients: number): void {
    this.#patience = undefined;
    this.#ceiling = Math.max(this.#ceiling, clients) + this.#raise;
    this.#raise = Math.min(this.#raise * 2, MOST_RAISE);
    this.#state = 'held';
    this.#changed();
  }

  #stopWaiting(): void {
    this.#patience?.cancel();
    this.#patience = undefined;
  }
}
