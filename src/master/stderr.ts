import { Buffer } from 'node:buffer';
import { closeSync, constants, fstatSync, openSync, writeSync } from 'node:fs';
import { systemClock, type Clock } from '../clock.js';

const STDERR = 2;

/** libuv's handle of a socket. */
interface Handle {
  setBlocking(on: boolean): number;
}

let own: number | undefined;
/** Set if stderr is a socket, which cannot be opened anew. */
let socket: Handle | undefined;

/** How long no write is tried after one for which there was no room. */
const FULL_MS = 1000;

/** Writes what there is room for now; the rest is lost. */
export class LossyWriter {
  readonly #write: (bytes: Uint8Array) => number;
  readonly #clock: Clock;
  #fullAt = -Infinity;

  /** @param write - returns how many bytes there was room for, or throws */
  constructor(write: (bytes: Uint8Array) => number, clock: Clock) {
    this.#write = write;
    this.#clock = clock;
  }

  write(data: string | Uint8Array): void {
    if (this.#clock.now() - this.#fullAt < FULL_MS) return;
    const bytes = typeof data === 'string' ? Buffer.from(data) : data;
    try {
      if (this.#write(bytes) === bytes.length) return;
    } catch {
      // EPIPE: the reader has gone. EAGAIN: it does not read.
    }
    this.#fullAt = this.#clock.now();
  }
}

const stderr = new LossyWriter((bytes) => {
  own ??= openOwn();
  // Each time, because a worker that ends resets the socket to how it found it (node::ResetStdio). If that happens just now,
  // and there is no room, this process is blocked until there is: so it does not try often while there is none.
  socket?.setBlocking(false);
  return writeSync(own, bytes);
}, systemClock);

/**
 * Writes to stderr for the master. A reader that has gone or does not read must neither end nor block the process that runs the pool, so what
 * cannot be written at once is lost.
 *
 * A pipe or a terminal is opened anew for that: O_NONBLOCK belongs to the open file, and the workers, which have inherited
 * this one, do not expect it. (Parents that are Node programs pass a socket.)
 */
export function writeToStderr(data: string | Uint8Array): void {
  stderr.write(data);
}

function openOwn(): number {
  try {
    const kind = fstatSync(STDERR);
    // Node also makes it non-blocking for its own stream, as in every worker that writes to its stderr.
    if (kind.isSocket()) socket = (process.stderr as unknown as { readonly _handle?: Handle })._handle;
    if (!kind.isFIFO() && !kind.isCharacterDevice()) return STDERR;
    const { O_WRONLY, O_NONBLOCK, O_NOCTTY } = constants;
    const opened = openSync('/proc/self/fd/2', O_WRONLY | O_NONBLOCK | O_NOCTTY);
    if (opened > STDERR) return opened;
    closeSync(opened);
  } catch {
    // No /proc, or the pipe belongs to another user: then the inherited one must do.
  }
  return STDERR;
}
