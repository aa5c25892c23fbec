import * as net from 'node:net';
import type { Socket } from 'node:net';

/** A worker's own copy of the listening handle, as it arrives over the channel. */
export interface HandleCopy {
  close(): void;
}

/** Takes connections from a copy of the handle, as far as the accept loop needs it. */
export interface Listener {
  /** Starts to accept on a copy, which it owns from now on. @throws the system's error if it cannot listen */
  open(copy: HandleCopy): void;
  /** Stops at once: nothing is accepted after it. The copy is gone. */
  close(): void;
}

/** What a listener tells. */
export interface ListenerEvents {
  connection(socket: Socket): void;
  /** The kernel refused to listen. */
  error(error: NodeJS.ErrnoException): void;
}

/** How sockets are made for clients. */
export interface SocketSettings {
  readonly noDelay: boolean;
  readonly keepAlive: boolean;
  readonly backlog: number;
}

/**
 * Listens with net.Server. Closing it inside the connection callback is what makes limits exact: libuv accepts one
 * connection for each poll event (since 1.45), so no other is taken after it.
 */
export function netListener({ noDelay, keepAlive, backlog }: SocketSettings, events: ListenerEvents): Listener {
  // allowHalfOpen: what a client has sent before its FIN is answered. The session closes our side.
  const server = net.createServer({ allowHalfOpen: true, noDelay, keepAlive }, (socket) => { events.connection(socket); });
  server.on('error', (error) => { events.error(error); });
  return {
    open(copy) {
      server.listen(copy, backlog);
    },
    close() {
      // Closes the descriptor at once; its callback would wait for the last client, so there is none:
      // https://nodejs.org/api/net.html#serverclosecallback
      server.close();
    },
  };
}
