import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

const SINK = Symbol('sink');
const RESET = Symbol('reset');

/** A socket whose bytes do not go through its readable stream. */
interface DirectSocket {
  [SINK]?: ((chunk: Buffer) => void) | undefined;
  [RESET]?: NodeJS.ErrnoException | undefined;
}

/** Sends what comes in on a stream to a function. */
export function readInto(stream: Duplex, sink: (chunk: Buffer) => void): void {
  if (SINK in stream) (stream as DirectSocket)[SINK] = sink;
  else stream.on('data', sink);
}

/** Marks a socket as one that is read directly. */
export function markDirect(socket: Socket): void {
  (socket as DirectSocket)[SINK] = undefined;
  (socket as DirectSocket)[RESET] = undefined;
  socket.destroy = destroyQuietly;
}

/** The reset that ended a connection which is read directly; undefined if something else did. */
export function resetOf(stream: Duplex): NodeJS.ErrnoException | undefined {
  return (stream as DirectSocket)[RESET];
}

/**
 * A reset by the client is an end like any other. Destroying a stream with an error makes Node format its stack
 * (lib/internal/streams/destroy.js, checkError), a twelfth of the CPU time of a short connection. So the error is kept
 * for the session, and the stream is destroyed without it: 'close' follows, 'error' does not.
 */
function destroyQuietly(this: Socket, error?: Error): Socket {
  const { code, syscall } = (error ?? {}) as NodeJS.ErrnoException;
  if (code !== 'ECONNRESET' || syscall !== 'read') return Socket.prototype.destroy.call(this, error);
  (this as DirectSocket)[RESET] = error;
  return Socket.prototype.destroy.call(this);
}

/**
 * The `onread` callback of sockets that are read directly; Node calls it as a method of the socket. The bytes are copied,
 * since filters keep what is not a whole record yet, and the buffer is used for the next read.
 *
 * @returns true: go on reading (https://nodejs.org/api/net.html#socketconnectoptions-connectlistener)
 */
export function deliver(this: Socket, length: number, buffer: Uint8Array): boolean {
  (this as DirectSocket)[SINK]?.(Buffer.from(buffer.subarray(0, length)));
  return true;
}
