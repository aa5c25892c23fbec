import type { Clock, Timer } from '../clock.js';
import type { AcceptLoop } from './accept-loop.js';

/** How soon a worker that cannot accept looks again. */
const LOOK_MS = 5;

/** A worker that accepts for this long without a break has taken all who were there at first: those that come now come later. */
const LONG_MS = 200;

/**
 * The end of accepting when the whole pool stops: whoever waits in the kernel's queue is taken first, since closing the socket
 * would reset them. It is over when no one came in a whole turn of the event loop, and after a while in any case.
 */
export class LastCall {
  readonly #clock: Clock;
  readonly #loop: AcceptLoop;
  readonly #over: () => void;
  readonly #timer: Timer;
  #isOver = false;
  /** Since when it accepts. */
  #openedAt: number | undefined;

  constructor({ clock, loop, ms, over }: { readonly clock: Clock; readonly loop: AcceptLoop; readonly ms: number; readonly over: () => void }) {
    this.#clock = clock;
    this.#loop = loop;
    this.#over = over;
    this.#timer = clock.after(ms, () => { this.end(); });
    this.#look();
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
      this.#openedAt = undefined;
      this.#clock.after(LOOK_MS, () => { this.#look(); });
      return;
    }
    this.#openedAt ??= this.#clock.now();
    if (this.#clock.now() - this.#openedAt >= LONG_MS) return this.end();
    // Two, since the first comes in this turn: between them lies one look at the socket.
    this.#clock.soon(() => {
      this.#clock.soon(() => {
        if (this.#loop.accepting && this.#loop.served === served) this.end();
        else this.#look();
      });
    });
  }
}
