import type { Duplex } from 'node:stream';
import type { Clock, Timer } from '../clock.js';

/** How long a client has to close its side after we closed ours. */
const LINGER_MS = 500;

/**
 * Connections whose session is over and whose output the kernel has. Closing them while input of theirs is unread would
 * make the kernel send a reset, which may overtake the last bytes we sent (RFC 1122, 4.2.2.13). So what they still send
 * is thrown away until they close, for a moment at the most.
 */
export class LingeringClose {
  readonly #clock: Clock;
  /** Each with the time when its patience ends, in this order. */
  readonly #streams = new Map<Duplex, number>();
  #timer: Timer | undefined;
  readonly #emptied: (() => void)[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(stream: Duplex): void {
    if (stream.destroyed) return;
    this.#streams.set(stream, this.#clock.now() + LINGER_MS);
    stream.resume();
    stream.once('end', () => { stream.destroy(); });
    stream.once('close', () => { this.#remove(stream); });
    if (stream.readableEnded) stream.destroy();
    this.#timer ??= this.#clock.after(LINGER_MS, () => { this.#sweep(); }, { idle: true });
  }

  /** Resolves when the last one is gone. */
  async empty(): Promise<void> {
    if (this.#streams.size > 0) await new Promise<void>((resolve) => this.#emptied.push(resolve));
  }

  /** Closes them now: there is no more time. */
  abort(): void {
    for (const stream of this.#streams.keys()) stream.destroy();
  }

  #remove(stream: Duplex): void {
    this.#streams.delete(stream);
    if (this.#streams.size === 0) for (const resolve of this.#emptied.splice(0)) resolve();
  }

  #sweep(): void {
    this.#timer = undefined;
    const now = this.#clock.now();
    for (const [stream, until] of this.#streams) {
      if (until > now) {
        this.#timer = this.#clock.after(until - now, () => { this.#sweep(); }, { idle: true });
        return;
      }
      stream.destroy();
    }
  }
}
