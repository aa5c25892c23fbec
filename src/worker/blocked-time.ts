import { listens, NEVER_DEAF, type Deafness } from '../policy/deafness.js';

/**
 * How long a watched event loop has not turned, counting only time in which its watcher ran, in milliseconds. While the whole process
 * is stopped (SIGSTOP, Ctrl-Z, a sleeping laptop) both stand still, and the loop has no chance to turn: that time does not count.
 */
export class BlockedTime {
  #deafness: Deafness = NEVER_DEAF;
  #beatenAt = 0;
  /** How long, in total, the watcher had stood still when the loop last turned. */
  #deafAtBeat = 0;

  /**
   * The watcher looks, at the time that it announced or later.
   *
   * @param beatenAt - when the loop last turned
   * @returns how long it has not turned since
   */
  look(now: number, beatenAt: number): number {
    const { deafMs: before, dueAt } = this.#deafness;
    this.#deafness = listens(this.#deafness, now);
    const { deafMs } = this.#deafness;
    if (beatenAt !== this.#beatenAt) this.#deafAtBeat = beatenAt < dueAt ? before : deafMs;
    this.#beatenAt = beatenAt;
    return now - beatenAt - (deafMs - this.#deafAtBeat);
  }

  /** The watcher will look again at this time. */
  looksAgainAt(dueAt: number): void {
    this.#deafness = { ...this.#deafness, dueAt };
  }
}
