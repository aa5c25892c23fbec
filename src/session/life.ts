import type { Duplex } from 'node:stream';
import type { ClientOperation } from '../callbacks.js';
import type { Heap } from '../client.js';
import type { Context } from '../kernel.js';
import { asError } from '../errors.js';
import { ClientCallbacks, type CallbacksHost } from './client-callbacks.js';
import type { Common } from './client-config.js';
import { errorFault, type Fault } from './faults.js';
import type { Input } from './input.js';
import { SessionKernel } from './kernel.js';
import { SessionEvents, type EventsHost } from './session-events.js';
import type { Wheel } from './wheel.js';

/** The clients of a worker, as each session sees them. */
export interface SessionHost {
  /** Reports a fault. */
  failed(error: Error, where: string): void;
  /** The session no longer needs its connection, which may still have to be closed, politely or at once. */
  released(stream: Duplex, how: 'politely' | 'at once'): void;
  /** The connection is over, but a callback has not settled: its time has to be watched. */
  waiting(): void;
  /** The session has ended: its last callback has settled, or its time is up. */
  ended(session: SessionLife): void;
}

/**
 * The life of a session: which phase it is in, and what moves it to the next.
 *
 * `open`: records are handled. `closing`: no more are handled; when no callback is running, what has been put is sent.
 * `leaving`: ClientDisconnected is called. `over`: the connection is given up. `ended`: the last callback has settled.
 */
export abstract class SessionLife implements CallbacksHost, EventsHost {
  readonly context: Context<object>;
  protected readonly events: SessionEvents;
  protected readonly callbacks: ClientCallbacks;
  protected readonly common: Common;
  protected readonly host: SessionHost;
  protected stream: Duplex | undefined;
  protected input: Input | undefined;
  protected wheel: Wheel | undefined;
  #phase: 'new' | 'open' | 'closing' | 'leaving' | 'over' | 'ended' = 'new';
  #isSending = false;
  /** Whether the end was asked for, in which case ClientDisconnected gets a wheelId. */
  #isOrderly = false;
  #hasFailed = false;
  /** The client has merely ended its side: it is sent whatever ClientFlushed and ClientLow still put. */
  #isHalfClosed = false;

  constructor(common: Common, host: SessionHost, heap: Omit<Heap<object>, 'client'>) {
    this.common = common;
    this.host = host;
    this.callbacks = new ClientCallbacks(this, common);
    this.events = new SessionEvents(this, this.callbacks, common);
    this.context = { heap: heap as Heap<object>, kernel: new SessionKernel(this.events, common), session: this.events.reference };
  }

  get heap(): Heap<object> {
    return this.context.heap;
  }

  get wheelId(): number {
    return this.wheel?.ID ?? 0;
  }

  /** Whether it is over, or about to be: nothing more is sent to the client or taken from it. */
  get isOver(): boolean {
    return this.#phase === 'leaving' || this.#phase === 'over' || this.#phase === 'ended';
  }

  /** Whether it handles no more input. Not read from the heap, which is the user's. */
  protected get isEnding(): boolean {
    return this.#phase === 'closing' || this.isOver;
  }

  /** Whether it is over but for a callback. */
  get isWaiting(): boolean {
    return this.#phase === 'over';
  }

  abstract now(): number;
  abstract settled(): void;
  abstract callbackFailed(name: string, error: Error): void;
  /** The connection is over, but a callback has not settled. */
  protected abstract outlived(): void;

  /** Its client is there: callbacks may be called. */
  protected opened(): void {
    this.#phase = 'open';
  }

  // --- What is asked for --------------------------------------------------------------------------------------------

  /** Handles no more input, lets running callbacks finish, sends what has been put, and ends. */
  shutdown(): void {
    if (this.#phase === 'open') this.#isOrderly = true;
    this.cease();
  }

  /** Calls ClientDraining: its worker drains. A client that has half-closed may be served for long, too. */
  drain(deadline: number): void {
    if (this.#phase === 'open' || (this.#isHalfClosed && !this.#isSending && !this.isOver)) this.callbacks.draining(deadline);
  }

  /** Ends now, whatever is still running: there is no more time. */
  abort(): void {
    this.over('at once');
    this.#end();
  }

  /** Ends a session that never began: its client was rejected, or left. */
  reject(): void {
    if (this.#phase !== 'new') return;
    this.#show('shutdown');
    this.#phase = 'over';
    this.events.end();
    if (this.stream !== undefined) this.host.released(this.stream, 'at once');
    this.#end();
  }

  discardInput(): void {
    this.#show('shutdown');
    this.input?.discard();
  }

  // --- What happens -------------------------------------------------------------------------------------------------

  /** No callback is running any more: what waited for that goes on. */
  idle(): void {
    if (this.#phase === 'over') this.#end();
    if (this.#phase !== 'closing' || this.#isSending || (this.#isHalfClosed && (this.events.isDue || this.wheel?.mayGrow === true))) return;
    this.#isSending = true;
    this.wheel?.finish(() => { this.over('politely'); });
  }

  /** Events of its own may have put more for a client that had half-closed. */
  eventsHandled(): void {
    if (this.#phase === 'closing' && !this.callbacks.isBusy) this.idle();
  }

  crashed(thrown: unknown): void {
    const error = asError(thrown);
    const { isBusy } = this.callbacks;
    attempt(() => { this.host.failed(error, this.#phase === 'new' ? 'ClientFilter' : 'session'); });
    attempt(() => { this.failed('callback', () => errorFault(error)); });
    attempt(() => { this.over('at once'); });
    attempt(() => { this.stream?.destroy(); });
    this.reject();
    // Even if something failed on the way.
    if (this.#phase !== 'ended') this.#phase = 'over';
    if (!isBusy) this.#end();
  }

  /** The client sends no more, and every record has been handled. */
  protected inputEnded(): void {
    // An event that was posted before may have ended the session.
    if (this.#phase !== 'open') return;
    this.#isHalfClosed = true;
    this.#fail('read', () => ({ errno: 0, errstr: '', error: undefined }));
    // Even if errors do not end the session: a client that sends no more gets what is put for it, and leaves.
    this.close();
  }

  /** Calls ClientError, and begins to end unless errors do not end a session. */
  protected failed(operation: ClientOperation, fault: () => Fault): void {
    if (this.heap.shutdown_on_error) this.#isHalfClosed = false;
    this.#fail(operation, fault);
  }

  #fail(operation: ClientOperation, fault: () => Fault): void {
    // What fails after a first error, while the last output is still being sent, is part of the same end.
    if (this.#phase === 'new' || this.isOver || (this.#phase === 'closing' && this.#hasFailed)) return;
    this.callbacks.failed(operation, fault);
    if (!this.heap.shutdown_on_error) return;
    this.#hasFailed = true;
    this.#show('got_an_error');
    // A broken stream takes no more output; the code that found it broken ends the session.
    if (this.stream?.destroyed === false) this.close();
  }

  /** As `close`, and what ClientFlushed would put does not matter any more. */
  protected cease(): void {
    this.#isHalfClosed = false;
    this.close();
  }

  /** Handles no more input; what has been put is still sent. */
  protected close(): void {
    if (this.#phase !== 'open') return;
    this.#phase = 'closing';
    this.discardInput();
    if (!this.callbacks.isBusy) this.idle();
  }

  /** Calls ClientDisconnected and gives the connection up. */
  protected over(how: 'politely' | 'at once'): void {
    if (this.isOver || this.#phase === 'new' || this.stream === undefined) return;
    this.#leave(this.stream, how, () => { this.callbacks.disconnected(how === 'politely' && this.#isOrderly); });
  }

  /** Calls ClientError alone: the session never began, and its connection is closed. */
  protected refused(stream: Duplex, fault: () => Fault): void {
    this.#show('got_an_error');
    this.#leave(stream, 'at once', () => { this.callbacks.failed('read', fault); });
  }

  #leave(stream: Duplex, how: 'politely' | 'at once', lastWord: () => void): void {
    this.discardInput();
    this.#phase = 'leaving';
    lastWord();
    this.wheel?.close();
    this.events.end();
    this.#phase = 'over';
    this.host.released(stream, how);
    if (!this.callbacks.isBusy) { this.#end(); return; }
    this.outlived();
    this.host.waiting();
  }

  /** Sets a field of the heap, for callbacks to see. The heap is theirs: it may be frozen, or have setters that throw. */
  #show(field: 'shutdown' | 'got_an_error'): void {
    attempt(() => { this.heap[field] = true; });
  }

  #end(): void {
    if (this.#phase !== 'over') return;
    this.#phase = 'ended';
    this.host.ended(this);
  }
}

/** A step on the way out: what fails there must not keep the next one from being taken. */
function attempt(step: () => void): void {
  try {
    step();
  } catch {
    // The fault that led here has been reported, as far as it can be.
  }
}
