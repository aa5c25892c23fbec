import type { Clock, Timer } from '../clock.js';
import { lastingCredit } from '../policy/credit.js';
import type { PermitState } from '../policy/permits.js';

/** How long the master's answer to a used-up permit may take before the worker goes on by itself. */
const ANSWER_MS = 50;
/**
 * How many times the worker raises its ceiling by no more than the master would: for a second, the master's answers may be
 * late only because the machine is overloaded, and a worker that went far ahead would stay ahead as long as its clients stay.
 */
const SMALL_RAISES = 20;
/** How long a worker waits for the others to catch up before it asks again: they may have died while the master was stopped. */
const FULL_MS = 1000;
/** The most by which it raises its ceiling in one step after that, when the master seems to be stopped. */
const MOST_RAISE = 64;

/**
 * The master's permission to accept, up to a ceiling of clients (the theory is above policy/permits.ts). It learns of
 * each change in the number of clients from the accept loop, which asks whether one more is allowed.
 */
export class Permit {
  readonly #clock: Clock;
  readonly #changed: () => void;
  #state: PermitState = 'none';
  #ceiling = 0;
  /** As last counted. More may be taken while it waits for an answer: see AcceptLoop. */
  #clients = 0;
  #raises = 0;
  #patience: Timer | undefined;

  /** @param changed - called when the permit has raised itself, or asks again */
  constructor(clock: Clock, changed: () => void) {
    this.#clock = clock;
    this.#changed = changed;
  }

  get state(): PermitState {
    return this.#state;
  }

  /** Whether one more client may be taken besides these. */
  allows(clients: number): boolean {
    return this.#state !== 'none' && clients < this.#ceiling;
  }

  /** The master grants a permit with a new ceiling, or answers that the old one stays. */
  grant(ceiling: number, clients: number): void {
    this.#stopWaiting();
    this.#raises = 0;
    this.#ceiling = ceiling;
    this.#clients = clients;
    this.#state = clients < ceiling ? 'held' : 'full';
    if (this.#state === 'full') this.#patience = this.#clock.after(FULL_MS, () => { this.#askAgain(); }, { idle: true });
  }

  withdraw(): void {
    this.#stopWaiting();
    this.#state = 'none';
  }

  /** The number of clients has changed. @returns whether the master has to be asked now */
  count(clients: number): boolean {
    this.#clients = clients;
    if (this.#state === 'none') return false;
    if (clients < this.#ceiling) {
      this.#stopWaiting();
      this.#state = 'held';
      return false;
    }
    if (this.#state !== 'held') return false;
    this.#state = 'spent';
    this.#waitForAnswer();
    return true;
  }

  #waitForAnswer(): void {
    const patience = this.#clock.after(ANSWER_MS, () => {
      // It may have been this process that did not run: then the answer is there, and is read first.
      this.#clock.soon(() => { if (this.#patience === patience) this.#raiseItself(); });
    }, { idle: true });
    this.#patience = patience;
  }

  #askAgain(): void {
    this.#state = 'spent';
    this.#waitForAnswer();
    this.#changed();
  }

  #raiseItself(): void {
    this.#patience = undefined;
    const raise = this.#raises < SMALL_RAISES ? lastingCredit(this.#clients) : Math.min(2 ** (this.#raises - SMALL_RAISES + 1), MOST_RAISE);
    this.#raises += 1;
    this.#ceiling = Math.max(this.#ceiling, this.#clients) + raise;
    this.#state = 'held';
    this.#changed();
  }

  #stopWaiting(): void {
    this.#patience?.cancel();
    this.#patience = undefined;
  }
}
