import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Clock, Timer } from '../clock.js';
import { show } from '../checks.js';
import { PreforkError, asError } from '../errors.js';
import { door, startPatience, whenSettled, type Guarded } from './entry.js';
import { guardListeners } from './lent.js';
import { ignoreErrors, listenOnce, watchReaders } from './stream-entry.js';

/** What is told about a connection in ClientPreConnect. */
export interface PreConnectHost {
  failed(error: Error, where: string): void;
  /** ClientPreConnect has returned the stream to go on with; undefined = the client was rejected, was too slow, or has left. */
  prepared(preparing: Preparing, stream: Duplex | undefined): void;
}

/** A connection while ClientPreConnect has it. */
export class Preparing implements Guarded {
  readonly socket: Socket;
  readonly #host: PreConnectHost;
  #timer: Timer | undefined;
  #isDone = false;
  #unwatch: (() => void) | undefined;
  #failure: NodeJS.ErrnoException | undefined;
  #wasPaused = false;

  constructor(socket: Socket, host: PreConnectHost) {
    this.socket = socket;
    this.#host = host;
  }

  /** @param preConnect - calls the user's function */
  start(preConnect: () => unknown, clock: Clock, mostMs: number): void {
    const { socket } = this;
    ignoreErrors(socket);
    listenOnce(socket, 'error', this, (error) => { this.#failure = error; });
    listenOnce(socket, 'close', this, () => { this.#done(undefined); });
    guardListeners(socket, this);
    if (mostMs !== Infinity) this.#timer = startPatience(clock, mostMs, this, () => { this.#done(undefined); });
    // A stream that flows without a listener loses what it reads, but the bytes after those that were taken belong to the session.
    this.#unwatch = watchReaders(socket, this, {
      added: () => {
        if (this.#wasPaused) socket.resume();
        this.#wasPaused = false;
      },
      removed: () => {
        if (socket.isPaused()) return;
        this.#wasPaused = true;
        socket.pause();
      },
    });
    let result: unknown;
    try {
      result = preConnect();
    } catch (error) {
      this.crashed(error); return;
    }
    whenSettled(result, this, (stream) => { this.#done(checkedStream(stream)); }, (error) => { this.crashed(error); });
  }

  /** The error that ended the connection, if it was one. */
  get failure(): NodeJS.ErrnoException | undefined {
    return this.#failure;
  }

  crashed(thrown: unknown): void {
    this.#host.failed(asError(thrown), 'ClientPreConnect');
    // The connection below a stream that has replaced it ends with that stream.
    if (this.#isDone) this.socket.destroy();
    this.#done(undefined);
  }

  /** Rejects it: there is no more time. */
  abort(): void {
    this.#done(undefined);
  }

  /** Lets a stream flow to its session, whatever ClientPreConnect did with it. To be called when the session listens. */
  static release(stream: Duplex): void {
    // If a listener of this kind were left, 'data' would never come.
    if (stream.listenerCount('readable') > 0) stream.removeAllListeners('readable');
    if (stream.isPaused()) stream.resume();
  }

  /** Calls back when the connection below a stream that has replaced it is gone: not every stream notices. */
  watchBelow(stream: Duplex, session: Guarded, gone: (failure: NodeJS.ErrnoException | undefined) => void): void {
    if (stream === this.socket) return;
    const { socket } = this;
    listenOnce(stream, 'close', session, () => { socket.destroy(); });
    listenOnce(socket, 'close', session, door(session, () => { gone(this.#failure); }));
  }

  #done(stream: Duplex | undefined): void {
    if (this.#isDone) return;
    this.#isDone = true;
    this.#timer?.cancel();
    this.#unwatch?.();
    const isUsable = stream !== undefined && !this.socket.destroyed && !stream.destroyed;
    this.#host.prepared(this, isUsable ? stream : undefined);
  }
}

/** The stream to go on with; undefined if the client is rejected. */
function checkedStream(value: unknown): Duplex | undefined {
  if (value === undefined || value === null || value === false) return undefined;
  if (isStream(value)) return value;
  throw new PreforkError('ERR_PREFORK_CALLBACK', `ClientPreConnect returned ${show(value)}; it must return the socket or another stream to go on with, or undefined or false to reject the client.`);
}

const isStream = (value: unknown): value is Duplex => STREAM_METHODS.every((method) => typeof (value as Partial<Duplex>)[method] === 'function');

const STREAM_METHODS = ['on', 'once', 'off', 'write', 'end', 'pause', 'resume', 'destroy'] as const;
