import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Clock } from '../clock.js';
import type { AnyCallback } from '../options/options.js';
import type { ClientConfig } from './client-config.js';
import { Preparing } from './pre-connect.js';
import type { Session } from './session.js';

/** What preparations need. */
export interface PreparationParts {
  readonly config: ClientConfig;
  readonly clock: Clock;
  /** Reports a fault. */
  readonly failed: (error: Error, where: string) => void;
  /** Begins the session of a connection that is prepared. */
  readonly start: (session: Session, stream: Duplex) => void;
}

/** The connections that ClientPreConnect has, each with the session that it may become. */
export class Preparations {
  readonly #parts: PreparationParts;
  readonly #pending = new Map<Preparing, Session>();

  constructor(parts: PreparationParts) {
    this.#parts = parts;
  }

  /** Lets ClientPreConnect prepare a connection, or replace or reject it. */
  begin(session: Session, socket: Socket, preConnect: AnyCallback): void {
    const { clock, failed, config: { preConnectMs, clientArgs } } = this.#parts;
    const preparing = new Preparing(socket, { failed, prepared: (done, stream) => { this.#prepared(done, stream); } });
    this.#pending.set(preparing, session);
    preparing.start(() => preConnect({ ...session.context, socket, args: clientArgs }), clock, preConnectMs);
  }

  /** Rejects all of them now. */
  abort(): void {
    for (const preparing of this.#pending.keys()) preparing.abort();
  }

  #prepared(preparing: Preparing, stream: Duplex | undefined): void {
    const session = this.#pending.get(preparing);
    this.#pending.delete(preparing);
    if (session === undefined) return;
    if (stream === undefined || session.heap.shutdown) {
      session.reject();
      preparing.socket.destroy();
      return;
    }
    try {
      preparing.watchBelow(stream, session, (failure) => { session.lostBelow(failure); });
      this.#parts.start(session, stream);
      if (!session.isOver) Preparing.release(stream);
    } catch (error) {
      // It may be a stream of the user's: if it throws, its client must not stay connected and counted.
      session.crashed(error);
      preparing.socket.destroy();
    }
  }
}
