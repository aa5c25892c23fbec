import type { Socket } from 'node:net';
import type { AcceptorContext } from '../callbacks.js';
import { PreforkError, asError } from '../errors.js';
import type { AnyCallback } from '../options/options.js';
import { hasLeft } from './direct-socket.js';
import { whenSettled, type Guarded } from './entry.js';
import { guardListeners, guardSignal } from './lent.js';
import type { Peer } from './peer.js';
import { ignoreErrors, listenOnce } from './stream-entry.js';

/** What counts the connections that an Acceptor has. */
export interface AcceptorHost {
  failed(error: Error, where: string): void;
  /** A connection no longer counts. */
  gone(handed: HandedOver): void;
}

/** A connection that the user's Acceptor has. It counts until it is closed or given back. */
export class HandedOver implements Guarded {
  readonly #socket: Socket;
  readonly #peer: Peer;
  readonly #host: AcceptorHost;
  /** Made when the Acceptor asks for it. */
  #draining: AbortController | undefined;
  #isDraining = false;
  #isGone = false;

  constructor(socket: Socket, peer: Peer, host: AcceptorHost) {
    this.#socket = socket;
    this.#peer = peer;
    this.#host = host;
  }

  start(acceptor: AnyCallback): void {
    const socket = this.#socket;
    // As net.createServer hands it out: it does not stay half open when its client ends. The Acceptor may change that.
    socket.allowHalfOpen = false;
    // Otherwise a reset would end the worker with all its clients if the Acceptor does not listen to 'error'.
    ignoreErrors(socket);
    listenOnce(socket, 'close', this, () => { this.giveBack(); });
    guardListeners(socket, this);
    const result: unknown = acceptor(this.#context());
    whenSettled(result, this, () => undefined, (error) => { this.crashed(error); });
  }

  /** Whether the socket has gone to another process. */
  get hasLeft(): boolean {
    return hasLeft(this.#socket);
  }

  isOf(socket: unknown): boolean {
    return socket === this.#socket;
  }

  /** It no longer counts. */
  giveBack(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#host.gone(this);
  }

  drain(): void {
    this.#isDraining = true;
    this.#draining?.abort(drained());
  }

  abort(): void {
    this.#socket.destroy();
    // If it has left this process, or its 'close' listener was removed, no event will come.
    this.giveBack();
  }

  crashed(thrown: unknown): void {
    this.#host.failed(asError(thrown), 'Acceptor');
    this.abort();
  }

  #context(): AcceptorContext {
    const signal = (): AbortSignal => this.#signal();
    const { address: remoteAddress, port: remotePort, proxy } = this.#peer;
    return {
      socket: this.#socket, remoteAddress, remotePort, proxy,
      // Made only for an Acceptor that asks for it.
      get draining() { return signal(); },
      disconnected: () => { this.giveBack(); },
    };
  }

  #signal(): AbortSignal {
    if (this.#draining === undefined) {
      this.#draining = new AbortController();
      guardSignal(this.#draining.signal, this);
      if (this.#isDraining) this.#draining.abort(drained());
    }
    return this.#draining.signal;
  }
}

const drained = (): PreforkError => new PreforkError('ERR_PREFORK_STATE', 'The worker drains.');
