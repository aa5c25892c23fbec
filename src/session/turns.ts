import type { Clock } from '../clock.js';
import { nextTurn, type Guarded } from './entry.js';

/** How long one client's records are handled while the event loop, and so every other client, waits. */
const TURN_MS = 2;

/**
 * Shares the event loop of a worker between its clients: one that sends thousands of records at once has them handled in turns,
 * between which others are accepted, read and answered. A turn ends only between two records: a single long callback is not interrupted.
 */
export class Turns {
  readonly #clock: Clock;
  /** How often it has been asked since the turn began. */
  #asked = 0;
  #startedAt = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The event loop has given a client its turn. */
  begin(): void {
    this.#asked = 0;
  }

  /**
   * Whether it is others' turn; asked before each step. Reading the clock takes some 100 ns, so it is read only at every fourth
   * step, and not for a single record, which is what most reads have.
   */
  isOver(): boolean {
    this.#asked += 1;
    if (this.#asked % 4 !== 3) return false;
    const now = this.#clock.now();
    if (this.#asked === 3) this.#startedAt = now;
    return now - this.#startedAt >= TURN_MS;
  }

  /** Goes on with a client when the others have had their turn. */
  giveWay(target: Guarded, goOn: () => void): void {
    nextTurn(this.#clock, target, () => {
      this.begin();
      goOn();
    });
  }
}
