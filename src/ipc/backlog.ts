import type { Clock, Timer } from '../clock.js';

/** Characters that may wait before it matters whether the other side reads: as much as MaxOutput lets wait for a client. */
const MOST_WAITING = 16 * 1024 * 1024;
/** The other side does not read if it has taken nothing for so long, in which this process has looked. */
const STALL_MS = 5000;

/** @param who - the other side, at the head of a sentence */
export const stalledText = (who: string): string => `${who} has read nothing for ${STALL_MS / 1000} s, and ${MOST_WAITING / 2 ** 20} MiB of messages wait for it: what is sent to it from now on is lost, until it reads again.`;

/**
 * Counts what waits of the program's own messages on a channel until the other side reads. All of it is memory of this process;
 * and a worker that hangs, with a long GraceExpireTime, or a master that is stopped reads nothing for minutes, while others go on to
 * send. A burst is not lost, however large: that the other side does not read shows only when time has passed.
 */
export class Backlog {
  readonly #clock: Clock;
  readonly #stalled: () => void;
  #waiting = 0;
  /** Messages that have been taken. */
  #taken = 0;
  #isStalled = false;
  #timer: Timer | undefined;

  /** @param stalled - called each time that the other side turns out not to read */
  constructor(clock: Clock, stalled: () => void) {
    this.#clock = clock;
    this.#stalled = stalled;
  }

  /** @returns what is to be called when the message has been taken; undefined if it must not be sent */
  add(length: number): (() => void) | undefined {
    if (this.#isStalled) return undefined;
    this.#waiting += length;
    if (this.#waiting > MOST_WAITING && this.#timer === undefined) this.#watch();
    return () => {
      this.#waiting -= length;
      this.#taken += 1;
      this.#isStalled = false;
    };
  }

  #watch(): void {
    const taken = this.#taken;
    this.#timer = this.#clock.after(STALL_MS, () => {
      // This process may have been the one that stood still: then what has been taken meanwhile is noticed first.
      this.#clock.soon(() => {
        this.#timer = undefined;
        if (this.#waiting <= MOST_WAITING) return;
        if (this.#taken !== taken) { this.#watch(); return; }
        this.#isStalled = true;
        this.#stalled();
      });
    }, { idle: true });
  }
}
