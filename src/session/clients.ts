import { AsyncResource } from 'node:async_hooks';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Clock } from '../clock.js';
import { PreforkError, asError } from '../errors.js';
import type { TlsConfig } from '../options/tls.js';
import { AcceptorSide } from './acceptor-side.js';
import type { Admission } from './admission.js';
import { Balancers } from './balancers.js';
import { DEFAULT_LIMITS, type ClientConfig, type ClientLimits, type Common } from './client-config.js';
import { enter, newScope, within, type Guarded } from './entry.js';
import type { EventQueue } from './event-queue.js';
import { Handshakes } from './handshakes.js';
import { LingeringClose } from './lingering-close.js';
import { heapOf, peerOf, type Peer } from './peer.js';
import { Preparations } from './preparations.js';
import type { SessionHost } from './life.js';
import { Session } from './session.js';
import { ignoreErrors } from './stream-entry.js';
import { Sweeper } from './sweeper.js';
import { traceEnd, traceStart } from './tracing.js';
import { Turns } from './turns.js';
import { UnsentOutput } from './unsent-output.js';

/** What clients need besides how they are served. */
export interface ClientParts {
  readonly config: ClientConfig;
  readonly clock: Clock;
  readonly queue: EventQueue;
  readonly alias: string;
  readonly masterAlias: string;
  readonly admission: Admission;
  /** Whether clients come over a Unix socket, which has no addresses. */
  readonly isLocal: () => boolean;
  /** Reports a fault. */
  readonly failed: (error: Error, where: string) => void;
  /** A client has gone, however it went. */
  readonly left: () => void;
}

/** The clients of a worker: it takes connections and knows which clients are there. */
export class Clients implements SessionHost, Guarded {
  readonly #parts: ClientParts;
  readonly #common: Common;
  readonly #sessions = new Set<Session>();
  readonly #preparations: Preparations;
  readonly #acceptorSide: AcceptorSide;
  /** With the option Proxy. */
  readonly #balancers: Balancers | undefined;
  /** With the option Tls. */
  readonly #handshakes: Handshakes | undefined;
  readonly #lingering: LingeringClose;
  #limits: ClientLimits;
  #isDraining = false;
  #deadline = Infinity;
  readonly #sweeper: Sweeper;

  constructor(parts: ClientParts) {
    const { config, clock, queue } = parts;
    const { callbackMs = DEFAULT_LIMITS.callbackMs, maxOutput = DEFAULT_LIMITS.maxOutput } = config;
    this.#parts = parts;
    this.#limits = { callbackMs, maxOutput };
    this.#lingering = new LingeringClose(clock, (error) => { parts.failed(error, 'session'); });
    this.#acceptorSide = new AcceptorSide(parts);
    this.#preparations = new Preparations({ config, clock, failed: parts.failed, start: (session, stream) => { this.#start(session, stream); } });
    if (config.proxy !== undefined) {
      const { failed, isLocal, left } = parts;
      this.#balancers = new Balancers({ rules: config.proxy, clock, failed, isLocal, left, serve: (socket, client) => { this.#serveFor(socket, client); } });
    }
    if (config.tls !== undefined) this.#handshakes = new Handshakes(config.tls, clock, config.preConnectMs);
    this.#sweeper = new Sweeper({ clock, sessions: this.#sessions, guard: this, limits: () => [config.idleMs, this.#limits.callbackMs] });
    this.#common = { config, clock, queue, limits: () => this.#limits, scope: new AsyncResource('PREFORK_CLIENTS'), turns: new Turns(clock), unsent: new UnsentOutput(clock) };
  }

  /** Changes limits, also for clients that are already there. */
  configure(limits: Partial<ClientLimits>): void {
    this.#limits = { ...this.#limits, ...limits };
    if (this.#sessions.size > 0) this.#sweeper.start();
  }

  /** Uses new certificates for clients that come from now on. */
  renewTls(config: TlsConfig): void {
    this.#handshakes?.renew(config);
  }

  /** Uses the keys of TLS tickets that all workers share. */
  setTicketKeys(keys: Buffer): void {
    this.#handshakes?.setTicketKeys(keys);
  }

  /** Whether a connection may become a client at all; if not, it is closed here. To be called before it is counted. */
  admit(socket: Socket): boolean {
    if (this.#balancers === undefined ? this.#mayCome(socket, peerOf(socket)) : this.#balancers.trust(socket)) return true;
    ignoreErrors(socket);
    socket.destroy();
    return false;
  }

  /** Makes a client of a connection that has been counted. */
  take(socket: Socket): void {
    if (this.#balancers === undefined) this.#serve(socket, peerOf(socket));
    else this.#balancers.take(socket);
  }

  /** Tells every client that this worker drains, with the seconds that are left. Later calls may shorten the time. */
  drain(seconds: number): void {
    this.#deadline = Math.min(this.#deadline, this.#parts.clock.now() + seconds * 1000);
    if (this.#isDraining) return;
    this.#isDraining = true;
    this.#balancers?.drain();
    this.#acceptorSide.drain();
    for (const session of this.#sessions) session.drain(seconds);
  }

  /** Ends every client now. */
  abort(): void {
    for (const session of this.#sessions) enter(session, () => { session.abort(); });
    this.#preparations.abort();
    this.#acceptorSide.abort();
    this.#balancers?.abort();
    this.#handshakes?.abort();
    this.#lingering.abort();
  }

  /** Resolves when the connections that are only being closed are gone too. */
  closed(): Promise<void> {
    return this.#lingering.empty();
  }

  /** A connection of an Acceptor no longer counts; undefined = all that were sent to another process, including sessions'. */
  giveBack(socket?: unknown): void {
    this.#acceptorSide.giveBack(socket);
    if (socket === undefined) for (const session of this.#sessions) enter(session, () => { session.endIfSent(); });
  }

  // --- What sessions report -----------------------------------------------------------------------------------------

  failed(error: Error, where: string): void {
    this.#parts.failed(error, where);
  }

  released(stream: Duplex, how: 'politely' | 'at once'): void {
    if (how === 'politely') this.#lingering.add(stream);
    else stream.destroy();
  }

  waiting(): void { this.#sweeper.start(true); }

  ended(session: Session): void {
    // A session that never began is not among them.
    if (this.#sessions.delete(session)) traceEnd(session.context);
    this.#parts.left();
  }

  crashed(thrown: unknown): void {
    this.#parts.failed(thrown instanceof Error ? thrown : new PreforkError('ERR_PREFORK_CALLBACK', 'A step of the clients threw something that is not an Error.'), 'clients');
  }

  // --- Ways in ------------------------------------------------------------------------------------------------------

  #mayCome(socket: Socket, { address }: Peer): boolean {
    // A connection reset before we took it has no address left to judge: refuse it.
    if (address === undefined && !this.#parts.isLocal()) return false;
    try {
      return this.#parts.admission.admit(socket, address);
    } catch (error) {
      this.#parts.failed(asError(error), 'BlockList');
      return false;
    }
  }

  /** Serves the client that a balancer has named, if it is admitted. */
  #serveFor(socket: Socket, client: Peer): void {
    if (this.#mayCome(socket, client)) { this.#serve(socket, client); return; }
    ignoreErrors(socket);
    socket.destroy();
    this.#parts.left();
  }

  /** Serves a client, with Tls once its handshake is done. */
  #serve(socket: Socket, peer: Peer): void {
    if (this.#handshakes === undefined) { this.#apart(() => { this.#begin(socket, peer); }); return; }
    this.#handshakes.begin(socket, {
      secured: (secure) => { this.#apart(() => { this.#begin(secure, peer); }); },
      failed: (stream, error) => { this.#apart(() => { this.#refuse(stream, peer, error); }); },
      crashed: (thrown) => { this.crashed(thrown); },
    });
  }

  /** Lets a client begin in an async scope of its own: that of the listener is the same for all. */
  #apart(step: () => void): void {
    within(within(this.#common.scope, newScope), step);
  }

  #begin(socket: Socket, peer: Peer): void {
    const { acceptor, preConnect } = this.#parts.config;
    if (acceptor !== undefined) { this.#acceptorSide.take(socket, peer, acceptor); return; }
    const session = this.#sessionOf(socket, peer);
    if (session === undefined) return;
    if (preConnect === undefined) this.#start(session, socket);
    else this.#preparations.begin(session, socket, preConnect);
  }

  /** Calls ClientError, if given, with why a client was not served. Its connection is closed. */
  #refuse(stream: Duplex, peer: Peer, error: Error | undefined): void {
    if (error === undefined || this.#parts.config.callbacks.error === undefined) { this.#parts.left(); return; }
    const session = this.#sessionOf(stream, peer);
    if (session === undefined) return;
    this.#sessions.add(session);
    try {
      session.refuse(stream, error);
    } catch (thrown) {
      session.crashed(thrown);
    }
  }

  /** @returns undefined if the user's Heap failed: the client is gone */
  #sessionOf(socket: Duplex, peer: Peer): Session | undefined {
    const { alias, masterAlias, config: { shutdownOnError, createHeap } } = this.#parts;
    try {
      return new Session(this.#common, this, heapOf(peer, { alias, masterAlias, shutdownOnError, createHeap }));
    } catch (error) {
      this.#parts.failed(error as Error, 'Heap');
      ignoreErrors(socket);
      socket.destroy();
      this.#parts.left();
      return undefined;
    }
  }

  #start(session: Session, stream: Duplex): void {
    this.#sessions.add(session);
    traceStart(session.context);
    try {
      session.start(stream);
      // It came while this worker began to drain.
      if (this.#isDraining) session.drain(Math.max(this.#deadline - this.#parts.clock.now(), 0) / 1000);
    } catch (error) {
      session.crashed(error);
    }
    this.#sweeper.start();
  }
}
