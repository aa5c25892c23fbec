import type { Clock, Timer } from '../clock.js';

/** Characters that may wait before it matters whether the other side reads: as many bytes as MaxOutput allows for a client. */
const MOST_WAITING = 16 * 1024 * 1024;
/** The other side counts as not reading if it has taken nothing for this long, while this process was running. */
const STALL_MS = 5000;

/** @param who - the other side, at the head of a sentence */
export const stalledText = (who: string): string => `${who} has read nothing for ${STALL_MS / 1000} s, and ${MOST_WAITING / 2 ** 20} MiB of messages wait for it: what is sent to it from now on is lost, until it reads again.`;

/**
 * Counts the program's own messages that wait on a channel until the other side reads. They all take memory of this process; and a
 * worker that hangs, with a long GraceExpireTime, or a master that is stopped reads nothing for minutes, while others go on sending.
 * A burst is not lost, however large: only time shows that the other side does not read.
 */
export class Backlog {
  readonly #clock: Clock;
  readonly #stalled: () => void;
  #waiting = 0;
  /** Messages that have been taken. */
  #taken = 0;
  #isStalled = false;
  #timer: Timer | undefined;

  /** @param stalled - called each time the other side turns out not to read */
  constructor(clock: Clock, stalled: () => void) {
    this.#clock = clock;
    this.#stalled = stalled;
  }

  /** @returns a function to call when the message has been taken; undefined if it must not be sent */
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
      // It may have been this process that was blocked: then what has been taken meanwhile is noticed first.
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
