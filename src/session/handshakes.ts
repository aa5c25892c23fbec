import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Server, TLSSocket } from 'node:tls';
import type { Clock, Timer } from '../clock.js';
import { asError } from '../errors.js';
import type { TlsConfig } from '../options/tls.js';
import { enter, listenToHandshakes, startPatience, type Guarded } from './entry.js';
import { ignoreErrors } from './stream-entry.js';

/** How a handshake ends: one of the first two is called, once. */
export interface HandshakeHost extends Guarded {
  /** It is done, and the client has been verified. */
  secured(secure: TLSSocket): void;
  /** It has failed, and the connection is closed; undefined = it was aborted, which need not be reported. */
  failed(stream: Duplex, error: Error | undefined): void;
}

/** A connection during its handshake. */
export class Handshake implements Guarded {
  readonly #socket: Socket;
  readonly #host: HandshakeHost;
  readonly #over: (handshake: Handshake) => void;
  #timer: Timer | undefined;
  #isOver = false;

  constructor(socket: Socket, host: HandshakeHost, over: (handshake: Handshake) => void) {
    this.#socket = socket;
    this.#host = host;
    this.#over = over;
  }

  start(server: Server, clock: Clock, mostMs: number): void {
    if (this.#socket.destroyed) { this.failed(this.#socket, Object.assign(new Error('The client has left.'), { code: 'ECONNRESET' })); return; }
    // There is nothing to answer to a client that leaves in the middle of it.
    this.#socket.allowHalfOpen = false;
    this.#timer = startPatience(clock, mostMs, this, () => { this.failed(this.#socket, timeout(mostMs)); });
    server.emit('connection', this.#socket);
  }

  secured(secure: TLSSocket): void {
    if (!this.#end()) return;
    secure.allowHalfOpen = true;
    this.#host.secured(secure);
  }

  failed(stream: Duplex, error: Error | undefined): void {
    if (!this.#end()) return;
    // Later errors do not matter.
    ignoreErrors(stream);
    stream.destroy();
    this.#host.failed(stream, error);
  }

  crashed(thrown: unknown): void {
    if (this.#isOver) this.#host.crashed(thrown);
    else this.failed(this.#socket, asError(thrown));
  }

  /** Ends it: there is no more time. */
  abort(): void {
    this.failed(this.#socket, undefined);
  }

  /** @returns false if it was over */
  #end(): boolean {
    if (this.#isOver) return false;
    this.#isOver = true;
    this.#timer?.cancel();
    this.#over(this);
    return true;
  }
}

/** The handshakes of a worker. */
export class Handshakes {
  readonly #clock: Clock;
  readonly #preConnectMs: number;
  readonly #pending = new Map<Duplex, Handshake>();
  readonly #heard = new WeakSet<Server>();
  #config: TlsConfig;
  #ticketKeys: Buffer | undefined;

  /** @param preConnectMs - ClientPreConnectTimeout; Infinity = off */
  constructor(config: TlsConfig, clock: Clock, preConnectMs: number) {
    this.#clock = clock;
    this.#preConnectMs = preConnectMs;
    this.#config = config;
    this.#listen(config.server);
  }

  /** Begins the handshake on a connection that has not been read from, or whose bytes have been put back. */
  begin(socket: Socket, host: HandshakeHost): void {
    const { server, handshakeMs } = this.#config;
    const handshake = new Handshake(socket, host, () => { this.#pending.delete(socket); });
    this.#pending.set(socket, handshake);
    enter(handshake, () => { handshake.start(server, this.#clock, Math.min(this.#preConnectMs, handshakeMs)); });
  }

  /** Uses new certificates and rules for clients that come from now on. */
  renew(config: TlsConfig): void {
    this.#config = config;
    this.#listen(config.server);
    this.#setTicketKeys();
  }

  /** Lets sessions be resumed in every process that has these keys; sessions begun with other keys no longer are. */
  setTicketKeys(keys: Buffer): void {
    this.#ticketKeys = keys;
    this.#setTicketKeys();
  }

  /** Ends all unfinished ones. */
  abort(): void {
    for (const handshake of this.#pending.values()) handshake.abort();
  }

  #setTicketKeys(): void {
    const { server, given } = this.#config;
    if (this.#ticketKeys !== undefined && given.ticketKeys === undefined) server.setTicketKeys(this.#ticketKeys);
  }

  #listen(server: Server): void {
    if (this.#heard.has(server)) return;
    this.#heard.add(server);
    listenToHandshakes(server, {
      secured: (socket, secure) => {
        const handshake = this.#pending.get(socket);
        if (handshake !== undefined) enter(handshake, () => { handshake.secured(secure); });
      },
      failed: (socket, secure, error) => {
        const handshake = this.#pending.get(socket);
        if (handshake !== undefined) enter(handshake, () => { handshake.failed(secure, reasonOf(error, secure)); });
      },
    });
  }
}

/** Node closes a connection whose certificate it refuses without saying why (onServerSocketSecure); the reason is on the socket. */
function reasonOf(error: Error, { authorizationError: refusal }: { readonly authorizationError?: Error | string | null }): Error {
  if (refusal === null || refusal === undefined) return error;
  const code = typeof refusal === 'string' ? refusal : refusal.message;
  const advice = /SELF_SIGNED|LEAF_SIGNATURE|ISSUER/.test(code) ? ' (no certificate of Tls.ca has signed it)' : '';
  return Object.assign(new Error(`The client's certificate was refused: ${code}${advice}.`), { code });
}

const timeout = (ms: number): Error => Object.assign(new Error(`The TLS handshake was not done within ${ms / 1000} s.`), { code: 'ERR_TLS_HANDSHAKE_TIMEOUT' });
