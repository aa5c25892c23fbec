import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { attach, deliverTo, type StreamOwner } from './stream-entry.js';

const RESET = Symbol('reset');

/** A socket whose bytes do not go through its readable stream. */
interface DirectSocket {
  [RESET]?: NodeJS.ErrnoException | undefined;
}

/** Sends what comes in on a stream, and the end, to an owner. */
export function readInto(stream: Duplex, owner: StreamOwner): void {
  attach(stream, owner, isDirect(stream));
}

/** Whether a socket is read directly. */
export const isDirect = (stream: Duplex): boolean => RESET in stream;

/** Marks a socket as one that is read directly. */
export function markDirect(socket: Socket): void {
  (socket as DirectSocket)[RESET] = undefined;
  socket.destroy = destroyQuietly;
}

/** Whether a socket was sent to another process: the socket here no longer has a handle, and never closes. */
export function hasLeft(stream: Duplex): boolean {
  return !stream.destroyed && (stream as { _handle?: unknown })._handle === null;
}

/** The reset that ended a directly read connection; undefined if something else did. */
export function resetOf(stream: Duplex): NodeJS.ErrnoException | undefined {
  return (stream as DirectSocket)[RESET];
}

/**
 * A reset by the client is an end like any other. Destroying a stream with an error makes Node format its stack
 * (lib/internal/streams/destroy.js, checkError), a twelfth of the processor time of a short connection. So the error is
 * kept for the session, and the stream is destroyed without it: 'close' follows, 'error' does not.
 */
function destroyQuietly(this: Socket, error?: Error): Socket {
  const { code, syscall } = (error ?? {}) as NodeJS.ErrnoException;
  if (code !== 'ECONNRESET' || syscall !== 'read') return Socket.prototype.destroy.call(this, error);
  (this as DirectSocket)[RESET] = error;
  return Socket.prototype.destroy.call(this);
}

/**
 * The `onread` callback of sockets that are read directly; Node calls it as a method of the socket. The buffer is
 * reused for the next read.
 *
 * @returns true: go on reading (https://nodejs.org/api/net.html#socketconnectoptions-connectlistener)
 */
export function deliver(this: Socket, length: number, buffer: Uint8Array): boolean {
  deliverTo(this, buffer.subarray(0, length));
  return true;
}
