import type { Duplex } from 'node:stream';
import type { Clock, Timer } from '../clock.js';
import { asError } from '../errors.js';
import { readInto } from './direct-socket.js';
import { startTimer } from './entry.js';
import type { StreamOwner } from './stream-entry.js';

/** Silence after which a client is assumed to have read what was sent; nginx, lingering_timeout. */
const SILENCE_MS = 5000;
/** How long a client may go on sending; nginx, lingering_time. */
const LONGEST_MS = 30_000;
const SWEEP_MS = 1000;

/** What is told about a connection that is being closed. */
interface LingeringHost {
  /** A listener of the user's failed. */
  readonly failed: (error: Error) => void;
  /** It is closed. */
  readonly removed: (stream: Duplex) => void;
}

/** One connection that is being closed. */
class Lingering implements StreamOwner {
  readonly discards = true;
  readonly stream: Duplex;
  readonly since: number;
  heardAt: number;
  readonly #clock: Clock;
  readonly #host: LingeringHost;

  constructor(stream: Duplex, clock: Clock, host: LingeringHost) {
    this.stream = stream;
    this.#clock = clock;
    this.#host = host;
    this.since = this.heardAt = clock.now();
  }

  received(): void {
    this.heardAt = this.#clock.now();
  }

  finished(): void {
    this.end();
  }

  broke(): void {
    this.end();
  }

  closed(): void {
    this.#host.removed(this.stream);
  }

  crashed(thrown: unknown): void {
    this.#host.failed(asError(thrown));
    this.end();
  }

  /** Closes it. It is gone then: a stream that ClientPreConnect made need not emit 'close', nor let itself be destroyed. */
  end(): void {
    this.#host.removed(this.stream);
    try {
      this.stream.destroy();
    } catch (error) {
      this.#host.failed(asError(error));
    }
  }
}

/**
 * Connections whose session is over, whose output the kernel has, and whose sending side is closed (FIN). Closing them fully
 * while the client still sends would make the kernel answer with a reset, which may overtake the last bytes sent (RFC 1122,
 * 4.2.2.13). So what clients still send is read and discarded, until they close or have been silent for some seconds: what
 * nginx calls lingering_close.
 */
export class LingeringClose {
  readonly #clock: Clock;
  readonly #failed: (error: Error) => void;
  readonly #lingering = new Map<Duplex, Lingering>();
  #timer: Timer | undefined;
  readonly #emptied: (() => void)[] = [];

  /** @param failed - a listener of the user's failed */
  constructor(clock: Clock, failed: (error: Error) => void) {
    this.#clock = clock;
    this.#failed = failed;
  }

  add(stream: Duplex): void {
    if (stream.destroyed) return;
    const lingering = new Lingering(stream, this.#clock, { failed: this.#failed, removed: (closed) => { this.#remove(closed); } });
    this.#lingering.set(stream, lingering);
    readInto(stream, lingering);
    stream.resume();
    this.#startTimer();
    if (stream.readableEnded) lingering.end();
  }

  /** Resolves when the last one is gone. */
  empty(): Promise<void> {
    return this.#lingering.size === 0 ? Promise.resolve() : new Promise((resolve) => this.#emptied.push(resolve));
  }

  /** Closes them now: there is no more time. */
  abort(): void {
    for (const lingering of this.#lingering.values()) lingering.end();
  }

  #remove(stream: Duplex): void {
    this.#lingering.delete(stream);
    if (this.#lingering.size > 0) return;
    this.#timer?.cancel();
    this.#timer = undefined;
    for (const resolve of this.#emptied.splice(0)) resolve();
  }

  #startTimer(): void {
    this.#timer ??= startTimer(this.#clock, SWEEP_MS, { crashed: () => undefined }, () => { this.#sweep(); }, { idle: true });
  }

  #sweep(): void {
    this.#timer = undefined;
    const now = this.#clock.now();
    for (const lingering of this.#lingering.values()) {
      if (now - lingering.heardAt >= SILENCE_MS || now - lingering.since >= LONGEST_MS) lingering.end();
    }
    if (this.#lingering.size > 0) this.#startTimer();
  }
}
