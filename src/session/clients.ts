import { setMaxListeners } from 'node:events';
import type { Socket } from 'node:net';
import { isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Heap } from '../callbacks.js';
import type { Clock, Timer } from '../clock.js';
import { PreforkError, asError } from '../errors.js';
import type { AnyCallback } from '../options/options.js';
import type { Admission } from './admission.js';
import { LingeringClose } from './lingering-close.js';
import { Session } from './session.js';
import type { SessionShared } from './session-shared.js';

/** What is made of a connection. */
export interface ClientSettings {
  readonly shared: Omit<SessionShared, 'ended' | 'isTimed'>;
  readonly alias: string;
  readonly masterAlias: string;
  readonly shutdownOnError: boolean;
  readonly acceptor: AnyCallback | undefined;
  readonly preConnect: AnyCallback | undefined;
  /** Infinity = for ever. */
  readonly preConnectMs: number;
  /** 0 = off. */
  readonly idleMs: number;
  readonly admission: Admission;
  /** Whether clients come over a Unix socket, which has no addresses. */
  readonly isLocal: () => boolean;
}

/** The clients of a worker: it takes connections in, and knows who is there. */
export class Clients {
  readonly #settings: ClientSettings;
  readonly #clock: Clock;
  readonly #shared: SessionShared;
  readonly #sessions = new Set<Session>();
  /** What is connected and no session: connections in ClientPreConnect, and those of an Acceptor. */
  readonly #others = new Set<Duplex>();
  readonly #lingering: LingeringClose;
  readonly #draining = new AbortController();
  readonly #left: () => void;
  #deadline = Infinity;
  #sweeper: Timer | undefined;

  /** @param left - called when a client has gone, however it went */
  constructor(settings: ClientSettings, left: () => void) {
    this.#settings = settings;
    this.#clock = settings.shared.clock;
    this.#lingering = new LingeringClose(this.#clock);
    this.#left = left;
    // An Acceptor may listen to it once for each client.
    setMaxListeners(0, this.#draining.signal);
    this.#shared = { ...settings.shared, isTimed: settings.idleMs > 0, ended: (session, stream, how) => { this.#ended(session, stream, how); } };
  }

  /** Whether a connection may become a client at all; if not, it is closed here. To be asked before it is counted. */
  admit(socket: Socket): boolean {
    // One that was reset before it was taken has lost its address: it is nobody, and passes no rule.
    const isNobody = socket.remoteAddress === undefined && !this.#settings.isLocal();
    if (!isNobody && this.#settings.admission.admit(socket)) return true;
    socket.on('error', ignore);
    socket.destroy();
    return false;
  }

  /** Makes a client of a connection that has been counted. */
  take(socket: Socket): void {
    const { acceptor, preConnect } = this.#settings;
    if (acceptor !== undefined) return this.#handOver(socket, acceptor);
    const session = new Session(this.#shared, this.#heapOf(socket));
    if (preConnect === undefined) this.#start(session, socket);
    else void this.#prepare(session, socket, preConnect);
  }

  /** Tells every client that this worker drains, with the seconds it has. */
  drain(seconds: number): void {
    this.#deadline = this.#clock.now() + seconds * 1000;
    this.#draining.abort(new PreforkError('ERR_PREFORK_STATE', 'The worker drains.'));
    for (const session of this.#sessions) session.drain(seconds);
  }

  /** Ends every client now. */
  abort(): void {
    for (const session of this.#sessions) session.abort();
    for (const stream of this.#others) stream.destroy();
    this.#lingering.abort();
  }

  /** Resolves when the connections that are only being closed are gone too. */
  async closed(): Promise<void> {
    await this.#lingering.empty();
  }

  #heapOf(socket: Socket): Omit<Heap<object>, 'client'> {
    const { alias, masterAlias, shutdownOnError } = this.#settings;
    const { remoteAddress, remotePort } = socket;
    const host = remoteAddress !== undefined && isIP(remoteAddress) === 6 ? `[${remoteAddress}]` : remoteAddress;
    return {
      remote_ip: remoteAddress ?? 'LOCAL',
      remote_port: remotePort,
      remote_addr: host === undefined ? 'LOCAL' : `${host}:${remotePort ?? ''}`,
      shutdown: false,
      shutdown_on_error: shutdownOnError,
      got_an_error: false,
      alias,
      master_alias: masterAlias,
    };
  }

  #start(session: Session, stream: Duplex): void {
    this.#sessions.add(session);
    session.start(stream);
    // It came while this worker began to drain.
    if (this.#draining.signal.aborted) session.drain(Math.max(this.#deadline - this.#clock.now(), 0) / 1000);
    if (this.#settings.idleMs > 0) this.#sweeper ??= this.#clock.after(this.#sweepMs, () => { this.#sweep(); }, { idle: true });
  }

  #ended(session: Session, stream: Duplex, how: 'politely' | 'at once'): void {
    this.#sessions.delete(session);
    if (how === 'politely') this.#lingering.add(stream);
    else stream.destroy();
    this.#left();
  }

  /** Gives a connection to the user's Acceptor. It counts until it is closed. */
  #handOver(socket: Socket, acceptor: AnyCallback): void {
    this.#others.add(socket);
    // As net.createServer gives it away: what ends with its client does not stay half open for ever. The Acceptor may set it.
    socket.allowHalfOpen = false;
    // Without it, a reset would end the worker of an Acceptor that does not listen, with all its clients.
    socket.on('error', ignore);
    socket.once('close', () => {
      this.#others.delete(socket);
      this.#left();
    });
    const { remoteAddress, remotePort } = socket;
    this.#shared.active();
    const failed = (error: unknown): void => {
      socket.destroy();
      this.#shared.failed(asError(error), 'Acceptor');
    };
    try {
      Promise.resolve(acceptor({ socket, remoteAddress, remotePort, draining: this.#draining.signal })).catch(failed);
    } catch (error) {
      failed(error);
    }
  }

  /** Lets ClientPreConnect prepare a connection, or replace or reject it. */
  async #prepare(session: Session, socket: Socket, preConnect: AnyCallback): Promise<void> {
    this.#others.add(socket);
    socket.on('error', ignore);
    const gone = new Promise<undefined>((resolve) => { socket.once('close', () => { resolve(undefined); }); });
    let timer: Timer | undefined;
    const late = new Promise<undefined>((resolve) => {
      const { preConnectMs } = this.#settings;
      if (preConnectMs !== Infinity) timer = this.#clock.after(preConnectMs, () => { resolve(undefined); });
    });
    let stream: unknown;
    try {
      this.#shared.active();
      stream = await Promise.race([preConnect({ ...session.context, socket, args: this.#shared.clientArgs }), late, gone]);
    } catch (error) {
      this.#shared.failed(asError(error), 'ClientPreConnect');
    }
    timer?.cancel();
    this.#others.delete(socket);
    if (isStream(stream) && !socket.destroyed && !stream.destroyed && !session.heap.shutdown) {
      if (stream !== socket) stream.once('close', () => { socket.destroy(); });
      this.#start(session, stream); return;
    }
    session.reject();
    socket.destroy();
    this.#left();
  }

  /** One timer for all clients: at 10,000 of them, a timer each would cost more than the clients do. */
  #sweep(): void {
    this.#sweeper = undefined;
    const now = this.#clock.now();
    for (const session of this.#sessions) {
      if (session.isIdle(now, this.#settings.idleMs)) session.timeOut();
    }
    if (this.#sessions.size > 0) this.#sweeper = this.#clock.after(this.#sweepMs, () => { this.#sweep(); }, { idle: true });
  }

  get #sweepMs(): number {
    return Math.min(Math.max(this.#settings.idleMs / 8, 10), 1000);
  }
}

const isStream = (value: unknown): value is Duplex => (
  typeof value === 'object' && value !== null && typeof (value as Partial<Duplex>).write === 'function' && typeof (value as Partial<Duplex>).on === 'function'
);

function ignore(): void {
  // The connection's 'close' follows and tells all there is to know.
}
