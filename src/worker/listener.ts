import * as net from 'node:net';
import type { Socket } from 'node:net';
import { builtIn } from '../built-ins.js';
import { deliver, markDirect } from '../session/direct-socket.js';

/** A worker's own copy of the listening handle, as it arrives over the channel. */
export interface HandleCopy {
  close(): void;
}

/** Takes connections from a copy of the handle: what the accept loop needs of a listener. */
export interface Listener {
  /** Starts to accept on a copy, which it owns from now on. */
  open(copy: HandleCopy): void;
  /** Stops at once: nothing is accepted after it. The copy is gone. */
  close(): void;
  /** Stops the kernel's queue, which all copies share, from growing, as far as possible; clients in it stay. */
  narrow(): void;
}

/** What a listener reports. */
export interface ListenerEvents {
  connection(socket: Socket): void;
  /** The kernel refused to listen; the copy is gone. */
  error(error: NodeJS.ErrnoException): void;
  /** One connection could not be taken; the next may. */
  lost(error: NodeJS.ErrnoException): void;
}

/** How sockets are made for clients. */
export interface SocketSettings {
  readonly noDelay: boolean;
  readonly keepAlive: boolean;
  readonly backlog: number;
  /** Input goes straight to a session (session/direct-socket.ts); false = sockets are read as streams. */
  readonly direct: boolean;
}

/** libuv's server handle, as far as we need it: what net.Server itself is built on. */
interface NativeHandle extends HandleCopy {
  listen(backlog: number): number;
  onconnection: (status: number, client: object | undefined) => void;
}

/** All reads of all clients share a buffer of this size: each takes its bytes out before the next read. */
const READ_BYTES = 64 * 1024;

/**
 * Listens on the handle itself. net.Server would do the same (lib/net.js, onconnection), but its sockets cannot be read
 * without the readable stream's machinery and a fresh 64 KiB allocation for each read: on connections that send one line,
 * a fifth of all processor time.
 *
 * Closing the copy inside the connection callback is what makes limits exact: libuv accepts one connection for each poll
 * event (since 1.45), so no further one is taken.
 */
export function handleListener(settings: SocketSettings, events: ListenerEvents): Listener {
  const { noDelay, keepAlive, backlog, direct } = settings;
  // allowHalfOpen: what a client has sent before its FIN is answered; the session closes our side.
  const options = {
    allowHalfOpen: true, readable: true, writable: true,
    ...(direct ? { onread: { buffer: Buffer.allocUnsafeSlow(READ_BYTES), callback: deliver } } : {}),
  };
  let current: NativeHandle | undefined;
  let room = backlog;
  const accepted = (status: number, client: object | undefined): void => {
    if (status < 0 || client === undefined) return events.lost(systemError('accept', status));
    const socket = new net.Socket({ ...options, handle: client } as net.SocketConstructorOpts);
    // Set through the socket, which then knows what to undo. A Unix socket has neither.
    if (noDelay) socket.setNoDelay(true);
    if (keepAlive) socket.setKeepAlive(true);
    if (direct) markDirect(socket);
    events.connection(socket);
  };
  return {
    open(copy) {
      current = copy as NativeHandle;
      current.onconnection = accepted;
      const status = current.listen(room);
      if (status === 0) return;
      current.close();
      current = undefined;
      events.error(systemError('listen', status));
    },
    close() {
      current?.close();
      current = undefined;
    },
    narrow() {
      // A client for which the kernel has no room is not connected yet: when it tries again it is refused, or connected to the
      // next server.
      room = 0;
      current?.listen(room);
    },
  };
}

function systemError(syscall: string, status: number): NodeJS.ErrnoException {
  const code = status < 0 ? builtIn('node:util').getSystemErrorName(status) : 'EIO';
  return Object.assign(new Error(`${syscall} ${code}`), { code, errno: status, syscall });
}
