import type { Duplex } from 'node:stream';
import type { Clock } from '../clock.js';
import { inodeOf, TCP_TABLES, tcpRows } from '../tcp-table.js';

/** A table counts as fresh for this long, or for longer if that is needed to keep reading it below a twentieth of the time. */
const FRESH_MS = 50;
const SHARE = 20;

/**
 * How much of a client's output the kernel still has. It takes output in large steps, a third of its buffer, which may have
 * grown to 4 MiB (tcp(7), tcp_wmem): between two of them, a client that reads steadily looks like one that does not.
 */
export class UnsentOutput {
  readonly #clock: Clock;
  readonly #bySocket = new Map<string, number>();
  #freshUntil = -Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Octets that the client's side has not confirmed; undefined where that is unknown: Unix sockets, no /proc. */
  of(stream: Duplex): number | undefined {
    const inode = inodeOf((stream as { _handle?: unknown })._handle);
    if (inode === undefined) return undefined;
    if (this.#clock.now() >= this.#freshUntil) this.#read();
    return this.#bySocket.get(inode);
  }

  #read(): void {
    const startedAt = this.#clock.now();
    this.#bySocket.clear();
    for (const path of TCP_TABLES) for (const { inode, unsent } of tcpRows(path)) this.#bySocket.set(inode, unsent);
    const now = this.#clock.now();
    this.#freshUntil = now + Math.max(FRESH_MS, SHARE * (now - startedAt));
  }
}
