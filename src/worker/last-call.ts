import type { Clock, Timer } from '../clock.js';
import type { AcceptLoop } from './accept-loop.js';

/** How soon a worker that cannot accept looks again. */
const LOOK_MS = 5;

/** How long, at most, it goes on taking waiting clients after another worker has found the queue empty. */
const FINISH_MS = 100;

/**
 * The end of accepting when the whole pool stops: clients that wait in the kernel's queue are taken first, since closing the
 * socket would reset them. The queue must not grow meanwhile: if clients come all the time, some are always waiting. It is
 * over when no client came in a whole turn of the event loop, and after a while in any case.
 */
export class LastCall {
  readonly #clock: Clock;
  readonly #loop: AcceptLoop;
  readonly #over: () => void;
  #timer: Timer;
  #isFinishing = false;
  #isOver = false;

  constructor({ clock, loop, ms, over }: { readonly clock: Clock; readonly loop: AcceptLoop; readonly ms: number; readonly over: () => void }) {
    this.#clock = clock;
    this.#loop = loop;
    this.#over = over;
    loop.narrow();
    this.#timer = clock.after(ms, () => { this.end(); });
    this.#look();
  }

  /** Another worker has found the queue empty, or the time is up: takes the clients that have come since, and accepts no more. */
  finish(): void {
    if (this.#isOver || this.#isFinishing) return;
    this.#isFinishing = true;
    this.#timer.cancel();
    this.#timer = this.#clock.after(FINISH_MS, () => { this.end(); });
  }

  /** Accepts no more. */
  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#timer.cancel();
    this.#loop.stop();
    this.#over();
  }

  #look(): void {
    if (this.#isOver) return;
    const { accepting, served } = this.#loop;
    if (!accepting) {
      // One that has taken as many clients as it may in its life cannot go on; others can.
      if (this.#isFinishing || this.#loop.isWornOut) return this.end();
      this.#clock.after(LOOK_MS, () => { this.#look(); });
      return;
    }
    // Two, since the first still runs in this turn: the socket is looked at once between them.
    this.#clock.soon(() => {
      this.#clock.soon(() => {
        if (this.#loop.accepting && this.#loop.served === served) this.end();
        else this.#look();
      });
    });
  }
}
