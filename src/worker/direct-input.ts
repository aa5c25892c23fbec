import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

const SINK = Symbol('sink');

/** A socket whose bytes do not go through its readable stream. */
interface DirectSocket {
  [SINK]?: ((chunk: Buffer) => void) | undefined;
}

/** Sends what comes in on a stream to a function. */
export function readInto(stream: Duplex, sink: (chunk: Buffer) => void): void {
  if (SINK in stream) (stream as DirectSocket)[SINK] = sink;
  else stream.on('data', sink);
}

/** Marks a socket as one that is read directly. */
export function markDirect(socket: Socket): void {
  (socket as DirectSocket)[SINK] = undefined;
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
