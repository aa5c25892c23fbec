import type { Socket } from 'node:net';
import type { AnyCallback } from '../options/options.js';
import type { Admission } from './admission.js';
import { HandedOver } from './handed-over.js';
import type { Peer } from './peer.js';

/** What counts the connections of an Acceptor. */
export interface AcceptorSideParts {
  readonly admission: Pick<Admission, 'release'>;
  readonly failed: (error: Error, where: string) => void;
  /** A connection no longer counts. */
  readonly left: () => void;
}

/** The connections that the user's Acceptor has. */
export class AcceptorSide {
  readonly #parts: AcceptorSideParts;
  readonly #handedOver = new Set<HandedOver>();
  #isDraining = false;

  constructor(parts: AcceptorSideParts) {
    this.#parts = parts;
  }

  /** Gives a connection to the Acceptor. */
  take(socket: Socket, peer: Peer, acceptor: AnyCallback): void {
    const { admission, failed, left } = this.#parts;
    const handed = new HandedOver(socket, peer, { failed, gone: (gone) => {
      this.#handedOver.delete(gone);
      admission.release(socket);
      left();
    } });
    this.#handedOver.add(handed);
    if (this.#isDraining) handed.drain();
    try {
      handed.start(acceptor);
    } catch (error) {
      handed.crashed(error);
    }
  }

  /** The worker drains: the signal of each connection is aborted. */
  drain(): void {
    this.#isDraining = true;
    for (const handed of this.#handedOver) handed.drain();
  }

  /** Ends them now. */
  abort(): void {
    for (const handed of this.#handedOver) handed.abort();
  }

  /** This connection no longer counts; undefined = all that were sent to another process. */
  giveBack(socket?: unknown): void {
    for (const handed of this.#handedOver) {
      if (socket === undefined ? handed.hasLeft : handed.isOf(socket)) handed.giveBack();
    }
  }
}
