import type { Clock, Timer } from '../clock.js';

/**
 * How long keys are used. Anyone who has them can read the tickets, and with TLS 1.2 also the traffic of the sessions; RFC
 * 9325 §3.4 asks for new ones at least once a week.
 */
const PERIOD_MS = 24 * 60 * 60 * 1000;

/**
 * The keys by which TLS sessions are resumed: all workers have the same, since a returning client may come to any of them.
 * Node keeps one set at a time, so after a change an earlier ticket leads to a full handshake, once.
 */
export class TicketKeys {
  readonly #clock: Clock;
  readonly #changed: (keys: string) => void;
  #keys = newKeys();
  #timer: Timer | undefined;

  /** @param changed - has to send the new keys to all workers */
  constructor(clock: Clock, changed: (keys: string) => void) {
    this.#clock = clock;
    this.#changed = changed;
    this.#schedule();
  }

  /** In base64. */
  get current(): string {
    return this.#keys;
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #schedule(): void {
    this.#timer = this.#clock.after(PERIOD_MS, () => {
      this.#keys = newKeys();
      this.#changed(this.#keys);
      this.#schedule();
    }, { idle: true });
  }
}

/** Name, HMAC key and AES key of 16 bytes each (tls.Server's setTicketKeys). */
const newKeys = (): string => process.getBuiltinModule('node:crypto').randomBytes(48).toString('base64');
