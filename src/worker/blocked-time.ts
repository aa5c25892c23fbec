import { listens, NEVER_DEAF, type Deafness } from '../policy/deafness.js';

/**
 * For how long a watched event loop has not turned, in time in which its watcher ran. While the whole process is stopped (SIGSTOP,
 * Ctrl-Z, a sleeping laptop) both stand still, and the loop has had no chance to turn: that time does not count. Milliseconds.
 */
export class BlockedTime {
  #deafness: Deafness = NEVER_DEAF;
  #beatenAt = 0;
  /** For how long the watcher had stood still in all when the loop turned last. */
  #deafAtBeat = 0;

  /**
   * The watcher looks, as it announced or later.
   *
   * @param beatenAt - when the loop turned last
   * @returns for how long it has not turned since
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
