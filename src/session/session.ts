import type { Duplex } from 'node:stream';
import type { ClientOperation, Context, Heap } from '../callbacks.js';
import { PreforkError, asError } from '../errors.js';
import { ClientCallbacks, type CallbacksHost } from './client-callbacks.js';
import type { Common } from './client-config.js';
import { readInto, resetOf } from './direct-socket.js';
import type { StreamOwner } from './entry.js';
import { errorFault, systemErrorText, type Fault } from './faults.js';
import { Hold, Input, type InputHost } from './input.js';
import { SessionKernel } from './kernel.js';
import { Patience, type Late } from './patience.js';
import { SessionEvents, type EventsHost } from './session-events.js';
import { Wheel, type WheelHost } from './wheel.js';

/** The clients of a worker, as each session sees them. */
export interface SessionHost {
  /** A fault that is to be reported. */
  failed(error: Error, where: string): void;
  /** The session needs its connection no longer; it may still have to be closed, with patience or at once. */
  released(stream: Duplex, how: 'politely' | 'at once'): void;
  /** The connection is over, but a callback of it has not settled: time has to be watched. */
  waiting(): void;
  /** The session has ended: its last callback has settled, or had no more time. */
  ended(session: Session): void;
}

/**
 * One client in its worker, from the connection to the end of it.
 *
 * `open`: records are handled. `closing`: none is handled any more; when no callback is running, what has been put is sent.
 * `leaving`: ClientDisconnected is called. `over`: the connection is given up. `ended`: the last callback has settled.
 */
export class Session implements StreamOwner, InputHost, WheelHost, CallbacksHost, EventsHost {
  readonly context: Context<object>;
  readonly #events: SessionEvents;
  readonly #callbacks: ClientCallbacks;
  readonly #common: Common;
  readonly #host: SessionHost;
  /** Made when time is measured: a client that may be idle as long as it likes needs none. */
  #patience: Patience | undefined;
  #input: Input | undefined;
  #wheel: Wheel | undefined;
  #stream: Duplex | undefined;
  #phase: 'new' | 'open' | 'closing' | 'leaving' | 'over' | 'ended' = 'new';
  #isSending = false;
  /** Whether the end was asked for, which ClientDisconnected shows by its wheelId. */
  #isOrderly = false;

  constructor(common: Common, host: SessionHost, heap: Omit<Heap<object>, 'client'>) {
    this.#common = common;
    this.#host = host;
    this.#callbacks = new ClientCallbacks(this, common);
    this.#events = new SessionEvents(this, this.#callbacks, common);
    if (common.config.idleMs > 0) this.#patience = new Patience(common.clock.now());
    this.context = { heap: heap as Heap<object>, kernel: new SessionKernel(this.#events, common), session: this.#events.reference };
  }

  get heap(): Heap<object> {
    return this.context.heap;
  }

  /** The client is there and may be talked to. */
  start(stream: Duplex): void {
    const { config: { createFilters, marks }, queue, scope } = this.#common;
    this.#stream = stream;
    const { input, output } = createFilters();
    this.#phase = 'open';
    this.#input = new Input({ source: stream, filter: input, host: this, handler: this.#callbacks, scope });
    this.#wheel = new Wheel({ id: queue.nextId(), stream, input: this.#input, output, marks, host: this, listener: this.#callbacks });
    this.heap.client = this.#wheel;
    queue.add(this.#events);
    readInto(stream, this);
    const settled = this.#callbacks.connected();
    if (settled !== undefined) this.#input.wait(settled);
    // The client may have said everything while ClientPreConnect was at work: 'end' does not come again.
    if (stream.readableEnded) this.finished();
  }

  // --- The connection -----------------------------------------------------------------------------------------------

  received(chunk: Buffer): void {
    this.#input?.push(chunk);
  }

  finished(): void {
    this.#input?.finish();
  }

  broke(error: NodeJS.ErrnoException): void {
    const operation = error.syscall === 'write' || error.code === 'EPIPE' ? 'write' : 'read';
    this.#failed(operation, () => systemErrorText(error.code, error));
    this.#over('at once');
  }

  closed(): void {
    const reset = this.#stream === undefined ? undefined : resetOf(this.#stream);
    if (reset === undefined) this.#over('at once');
    else this.broke(reset);
  }

  /** The connection below a stream that ClientPreConnect put in its place is gone. */
  lostBelow(failure: NodeJS.ErrnoException | undefined): void {
    if (failure === undefined) this.#over('at once');
    else this.broke(failure);
    this.#stream?.destroy();
  }

  // --- The input ----------------------------------------------------------------------------------------------------

  pumped(records: number): void {
    if (records > 0) this.#wasActive();
    this.#wheel?.flush();
  }

  fault(error: unknown): void {
    this.#failed('input', () => errorFault(asError(error)));
  }

  end(): void {
    this.#failed('read', () => ({ errno: 0, errstr: '', error: undefined }));
    // Also if errors do not end it: a client that sends no more gets what has been put for it, and leaves.
    this.#close();
  }

  // --- The output ---------------------------------------------------------------------------------------------------

  get wheelId(): number {
    return this.#wheel?.ID ?? 0;
  }

  get maxOutput(): number {
    return this.#common.limits().maxOutput;
  }

  overflowed(octets: number): void {
    this.#failed('write', () => systemErrorText('ENOBUFS', Object.assign(
      new Error(`${octets} bytes of output are queued for a client that does not take them, more than MaxOutput (${this.maxOutput}). Put less until ClientLow, or raise MaxOutput.`), { code: 'ENOBUFS' },
    )));
    this.#over('at once');
  }

  report(error: Error): void {
    this.#host.failed(error, 'put');
  }

  discardInput(): void {
    this.heap.shutdown = true;
    this.#input?.discard();
  }

  // --- Callbacks ----------------------------------------------------------------------------------------------------

  settled(): void {
    this.#wasActive();
  }

  callbackFailed(name: string, error: Error): void {
    this.#host.failed(error, name);
    if (name !== 'ClientError' && name !== 'ClientDisconnected') this.#failed('callback', () => errorFault(error));
  }

  /** No callback is running any more: whatever waited for that goes on. */
  idle(): void {
    if (this.#phase === 'over') this.#end();
    if (this.#phase !== 'closing' || this.#isSending) return;
    this.#isSending = true;
    this.#wheel?.finish(() => { this.#over('politely'); });
  }

  // --- Time ---------------------------------------------------------------------------------------------------------

  now(): number {
    return this.#common.clock.now();
  }

  get #time(): Patience {
    return this.#patience ??= new Patience(this.now());
  }

  #wasActive(): void {
    if (this.#patience !== undefined) this.#patience.activeAt = this.now();
  }

  /** Ends what has taken too long. To be called now and then. */
  sweep(now: number): void {
    const { idleMs } = this.#common.config;
    const { callbackMs } = this.#common.limits();
    const { oldest } = this.#callbacks;
    const late = oldest && this.#time.late(oldest, now, { callbackMs, idleMs });
    if (late !== undefined) { this.#tooLate(late, now + callbackMs); return; }
    if (this.#patience === undefined) return;
    if (now >= this.#patience.endsAt) this.#over('at once');
    if (this.isOver || idleMs === 0) return;
    const isItsTurn = oldest === undefined && this.#input?.isHeldBy(Hold.user) !== true;
    if (!this.#patience.isIdle(now, idleMs, isItsTurn, this.#wheel?.octetsTaken ?? 0)) return;
    this.#failed('read', () => systemErrorText('ETIMEDOUT'));
    // What it does not take now it will never take.
    if (this.heap.shutdown) this.#over('politely');
  }

  /** Whether it is over but for a callback. */
  get isWaiting(): boolean {
    return this.#phase === 'over';
  }

  #tooLate({ running, message, isFinal }: Late, endsAt: number): void {
    const error = new PreforkError('ERR_PREFORK_CALLBACK', message);
    this.#host.failed(error, running.name);
    if (!isFinal) return;
    this.#failed('callback', () => errorFault(error));
    this.#close();
    // The goodbye has as much time as the callback had.
    this.#time.endsAt = endsAt;
    this.#callbacks.abandon(running);
  }

  // --- The end ------------------------------------------------------------------------------------------------------

  get isOver(): boolean {
    return this.#phase === 'leaving' || this.#phase === 'over' || this.#phase === 'ended';
  }

  /** Handles no more input, lets running callbacks finish, sends what has been put, and ends. */
  shutdown(): void {
    if (this.#phase === 'open') this.#isOrderly = true;
    this.#close();
  }

  /** Calls ClientDraining: its worker drains. */
  drain(deadline: number): void {
    if (this.#phase === 'open') this.#callbacks.draining(deadline);
  }

  /** Ends now, whatever is still running: there is no more time. */
  abort(): void {
    this.#over('at once');
    this.#end();
  }

  /** Ends a session that never began: its client was rejected, or left. */
  reject(): void {
    if (this.#phase !== 'new') return;
    this.heap.shutdown = true;
    this.#phase = 'over';
    this.#events.end();
    if (this.#stream !== undefined) this.#host.released(this.#stream, 'at once');
    this.#end();
  }

  crashed(thrown: unknown): void {
    const error = asError(thrown);
    const { isBusy } = this.#callbacks;
    attempt(() => { this.#host.failed(error, this.#phase === 'new' ? 'ClientFilter' : 'session'); });
    attempt(() => { this.#failed('callback', () => errorFault(error)); });
    attempt(() => { this.#over('at once'); });
    attempt(() => { this.#stream?.destroy(); });
    this.reject();
    // Whatever failed on the way there.
    if (this.#phase !== 'ended') this.#phase = 'over';
    if (!isBusy) this.#end();
  }

  #failed(operation: ClientOperation, fault: () => Fault): void {
    // What fails after a first error, while its goodbye is still being sent, is the same end.
    if (this.#phase === 'new' || this.isOver || (this.#phase === 'closing' && this.heap.got_an_error)) return;
    this.#callbacks.failed(operation, fault);
    if (!this.heap.shutdown_on_error) return;
    this.heap.got_an_error = true;
    // A broken stream takes no goodbye; whoever found it so ends the session.
    if (this.#stream?.destroyed === false) this.#close();
  }

  #close(): void {
    if (this.#phase !== 'open') return;
    this.#phase = 'closing';
    this.discardInput();
    if (!this.#callbacks.isBusy) this.idle();
  }

  #over(how: 'politely' | 'at once'): void {
    if (this.isOver || this.#phase === 'new' || this.#stream === undefined) return;
    this.discardInput();
    this.#phase = 'leaving';
    this.#callbacks.disconnected(how === 'politely' && this.#isOrderly);
    this.#wheel?.close();
    this.#events.end();
    this.#phase = 'over';
    this.#host.released(this.#stream, how);
    if (!this.#callbacks.isBusy) { this.#end(); return; }
    this.#time.overAt = this.now();
    this.#host.waiting();
  }

  #end(): void {
    if (this.#phase !== 'over') return;
    this.#phase = 'ended';
    this.#host.ended(this);
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
