import { closeSync, constants, fstatSync, openSync, writeSync } from 'node:fs';

const STDERR = 2;

/** libuv's handle of a socket. */
interface Handle {
  setBlocking(on: boolean): number;
}

let own: number | undefined;
/** Of a socket: it cannot be opened anew. */
let socket: Handle | undefined;

/**
 * Writes to stderr for the master. A reader that has gone or does not read must neither end nor stop the process that keeps the pool, so what
 * cannot be written at once is lost.
 *
 * A pipe or a terminal is opened anew for that: O_NONBLOCK belongs to the open file, and the workers, which have inherited
 * this one, do not expect it. (Parents that are Node programs give a socket.)
 */
export function writeToStderr(data: string | Uint8Array): void {
  own ??= openOwn();
  try {
    // Each time: a worker that ends gives the socket back as it found it (node::ResetStdio).
    socket?.setBlocking(false);
    // One call for a text and one for bytes: its overloads know no union.
    if (typeof data === 'string') writeSync(own, data);
    else writeSync(own, data);
  } catch {
    // EPIPE: the reader has gone. EAGAIN: it does not read.
  }
}

function openOwn(): number {
  try {
    const kind = fstatSync(STDERR);
    // Node makes it non-blocking for its own stream too, as in every worker that writes to its stderr.
    if (kind.isSocket()) socket = (process.stderr as unknown as { readonly _handle?: Handle })._handle;
    if (!kind.isFIFO() && !kind.isCharacterDevice()) return STDERR;
    const { O_WRONLY, O_NONBLOCK, O_NOCTTY } = constants;
    const opened = openSync('/proc/self/fd/2', O_WRONLY | O_NONBLOCK | O_NOCTTY);
    if (opened > STDERR) return opened;
    closeSync(opened);
  } catch {
    // No /proc, or the pipe belongs to another user: then the inherited one has to do.
  }
  return STDERR;
}
