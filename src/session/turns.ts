import type { Clock } from '../clock.js';
import { nextTurn, type Guarded } from './entry.js';

/** How long one client's records are handled while the event loop, and so every other client, waits. */
const TURN_MS = 2;
/** The first look at the clock is before this step: most reads have a single record. */
const FIRST_LOOK = 3;
/** Steps between two looks, which take some 100 ns each: the more the less they have taken, since any of them may be the first slow one. */
const FEWEST_BETWEEN = 4;
const MOST_BETWEEN = 16;
/** A turn that lasted longer has shown that quick steps may be followed by slow ones. */
const TOO_LONG_MS: number = 2 * TURN_MS;
/** Steps that took less are quick. */
const QUICK_MS: number = TURN_MS / 8;

/**
 * Shares the event loop of a worker between its clients: one that sends thousands of records at once has them handled in turns,
 * between which others are accepted, read and answered. A turn ends only between two records: a single long callback is not interrupted.
 */
export class Turns {
  readonly #clock: Clock;
  /** How often it has been asked since the turn began. */
  #asked = 0;
  #nextLook = FIRST_LOOK;
  #between = FEWEST_BETWEEN;
  #mostBetween = MOST_BETWEEN;
  #startedAt = 0;
  #lookedAt = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The event loop has given a client its turn. */
  begin(): void {
    this.#asked = 0;
    this.#nextLook = FIRST_LOOK;
    this.#between = FEWEST_BETWEEN;
  }

  /** Whether it is others' turn; asked before each step. */
  isOver(): boolean {
    this.#asked += 1;
    return this.#asked === this.#nextLook && this.#look();
  }

  #look(): boolean {
    const now = this.#clock.now();
    if (this.#asked === FIRST_LOOK) this.#startedAt = now;
    else this.#between = now - this.#lookedAt < QUICK_MS ? Math.min(2 * this.#between, this.#mostBetween) : FEWEST_BETWEEN;
    this.#lookedAt = now;
    this.#nextLook = this.#asked + this.#between;
    const lasted = now - this.#startedAt;
    if (lasted < TURN_MS) return false;
    this.#mostBetween = lasted > TOO_LONG_MS ? FEWEST_BETWEEN : MOST_BETWEEN;
    return true;
  }

  /** Goes on with a client when the others have had their turn. */
  giveWay(target: Guarded, goOn: () => void): void {
    nextTurn(this.#clock, target, () => {
      this.begin();
      goOn();
    });
  }
}
