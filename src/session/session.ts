import type { Duplex } from 'node:stream';
import type {
  CallbackResult, ClientOperation, Context, Heap, Kernel, SessionReference, StateContext,
} from '../callbacks.js';
import { PreforkError, asError } from '../errors.js';
import { RESERVED_EVENTS } from '../options/table.js';
import type { AnyCallback } from '../options/options.js';
import { Alarms } from './alarms.js';
import { CallbackRunner } from './callback-runner.js';
import { Wheel } from './wheel.js';
import { readInto, resetOf } from './direct-socket.js';
import { systemErrorText } from './faults.js';
import { Input } from './input.js';
import { SessionKernel, type KernelSession } from './kernel.js';
import type { SessionShared } from './session-shared.js';

/** What ClientError tells of a fault. */
interface Fault {
  readonly errno: number;
  readonly errstr: string;
  readonly error: Error | undefined;
}

/** One client in its worker, from the connection to the end of it. */
export class Session implements KernelSession {
  readonly ID: number;
  readonly heap: Heap<object>;
  readonly kernel: Kernel;
  /** When the client last did something: completed a record or took output. Monotonic milliseconds. */
  activeAt: number;
  readonly #shared: SessionShared;
  #states: ReadonlyMap<string, AnyCallback>;
  #alarms: Alarms | undefined;
  #names: Set<string> | undefined;
  #octetsLeft = 0;
  #input: Input | undefined;
  #wheel: Wheel | undefined;
  #stream: Duplex | undefined;
  #phase: 'new' | 'open' | 'closing' | 'over' = 'new';
  readonly #runner = new CallbackRunner(this);

  constructor(shared: SessionShared, heap: Omit<Heap<object>, 'client'>) {
    this.#shared = shared;
    this.#states = shared.callbacks.states;
    this.ID = shared.queue.nextId();
    this.heap = heap as Heap<object>;
    this.kernel = new SessionKernel(this, shared);
    this.activeAt = shared.clock.now();
  }

  // Most sessions use neither timers nor names, so both are made when they are asked for.
  get alarms(): Alarms {
    if (this.#alarms === undefined) {
      this.#alarms = new Alarms(this.#shared.clock, (event, args) => { this.handle(event, args, this); });
      if (this.#phase === 'over') this.#alarms.end();
    }
    return this.#alarms;
  }

  get names(): Set<string> {
    this.#names ??= new Set();
    return this.#names;
  }

  /** What callbacks get besides their own arguments. */
  get context(): Context<object> {
    return { heap: this.heap, kernel: this.kernel, session: this };
  }

  /** The client is there and may be talked to. */
  start(stream: Duplex): void {
    const { callbacks, createFilters, marks, queue, clientArgs } = this.#shared;
    const { input, output } = createFilters();
    this.#phase = 'open';
    this.#stream = stream;
    this.#input = new Input(stream, input, this);
    this.#wheel = new Wheel({ id: queue.nextId(), stream, input: this.#input, output, marks, host: this });
    this.heap.client = this.#wheel;
    queue.add(this);
    readInto(stream, (chunk) => { this.#input?.push(chunk); });
    stream.on('end', () => { this.#input?.finish(); });
    stream.on('error', (error) => { this.#socketFailed(error); });
    stream.on('close', () => { this.#closed(stream); });
    if (callbacks.connected !== undefined) {
      const settled = this.#runner.run('ClientConnected', callbacks.connected, { ...this.context, args: clientArgs });
      if (settled !== undefined) this.#input.wait(settled);
    }
    // The client may have said everything while ClientPreConnect was at work: 'end' does not come again.
    if (stream.readableEnded) this.#input.finish();
  }

  // --- What the input tells -----------------------------------------------------------------------------------------

  record(record: unknown): Promise<unknown> | undefined {
    // Written out, not spread: this is the hot path.
    const context = { heap: this.heap, kernel: this.kernel, session: this, input: record, wheelId: this.#wheelId };
    return this.#runner.run('ClientInput', this.#shared.callbacks.input, context);
  }

  pumped(records: number): void {
    if (records > 0) this.activeAt = this.#shared.clock.now();
    this.#wheel?.flush();
  }

  fault(error: unknown): void {
    const fault = asError(error);
    this.#failed('input', () => ({ errno: 0, errstr: fault.message, error: fault }));
  }

  end(): void {
    this.#failed('read', () => ({ errno: 0, errstr: '', error: undefined }));
  }

  // --- What the wheel tells -----------------------------------------------------------------------------------------

  get wantsFlushed(): boolean {
    return this.#shared.isTimed || this.#shared.callbacks.flushed !== undefined;
  }

  high(): void {
    this.#tell('ClientHigh', this.#shared.callbacks.high);
  }

  low(): void {
    this.activeAt = this.#shared.clock.now();
    this.#tell('ClientLow', this.#shared.callbacks.low);
  }

  flushed(): void {
    this.activeAt = this.#shared.clock.now();
    if (this.#phase !== 'over') this.#tell('ClientFlushed', this.#shared.callbacks.flushed);
  }

  report(error: Error): void {
    this.#shared.failed(error, 'put');
  }

  // --- Events -------------------------------------------------------------------------------------------------------

  expect(event: string): void {
    if (event !== 'shutdown') return;
    this.heap.shutdown = true;
    this.#input?.discard();
  }

  handle(event: string, args: readonly unknown[], sender: SessionReference): void {
    void this.call(event, args, sender);
  }

  call(event: string, args: readonly unknown[], sender: SessionReference): unknown {
    if (this.#phase === 'over') return undefined;
    if (event === 'shutdown') { this.shutdown(); return; }
    const handler = this.#states.get(event);
    if (handler === undefined) return undefined;
    const context: Partial<StateContext<object>> = { args, state: event, sender };
    let result: unknown;
    void this.#runner.run(event, (full) => (result = handler(full)), { ...this.context, ...context });
    return result;
  }

  setState(event: string, handler: ((context: never) => CallbackResult) | undefined): void {
    if (RESERVED_EVENTS.has(event)) {
      throw new PreforkError('ERR_PREFORK_STATE', `kernel.state cannot change '${event}': it is an event of the session itself. Choose another name.`);
    }
    const states = new Map(this.#states);
    if (handler === undefined) states.delete(event);
    else states.set(event, handler as AnyCallback);
    this.#states = states;
  }

  // --- The end ------------------------------------------------------------------------------------------------------

  /** Handles no more input, sends what is queued, and ends. */
  shutdown(): void {
    if (this.#phase === 'open') this.#close({ wheelId: this.#wheelId });
  }

  /** Tells the client's handler that its worker drains. */
  drain(deadline: number): void {
    if (this.#phase === 'open') this.#tell('ClientDraining', this.#shared.callbacks.draining, { deadline });
  }

  /** Ends now: the worker has no more time. */
  abort(): void {
    this.#over();
  }

  /** The client has been idle for too long. */
  timeOut(): void {
    this.#failed('read', () => systemErrorText('ETIMEDOUT'));
    // What it does not take now it will never take.
    if (this.heap.shutdown) this.#over('politely');
  }

  /** Whether the client has done nothing for so long, although it is its turn: no whole record, and no output taken. */
  isIdle(now: number, idleMs: number): boolean {
    const left = this.#stream === undefined ? 0 : octetsLeft(this.#stream);
    if (this.#runner.isBusy || left < this.#octetsLeft) this.activeAt = now;
    this.#octetsLeft = left;
    if (now - this.activeAt < idleMs) return false;
    this.activeAt = now;
    return true;
  }

  /** Nothing comes of it: ClientPreConnect has not let it in. */
  reject(): void {
    this.heap.shutdown = true;
    this.#phase = 'over';
    this.#forget();
  }

  get isOver(): boolean {
    return this.#phase === 'over';
  }

  #closed(stream: Duplex): void {
    const reset = resetOf(stream);
    if (reset === undefined) this.#over();
    else this.#socketFailed(reset);
  }

  #socketFailed(error: NodeJS.ErrnoException): void {
    const operation = error.syscall === 'write' || error.code === 'EPIPE' ? 'write' : 'read';
    if (this.#phase !== 'over') this.#failed(operation, () => systemErrorText(error.code, error));
    this.#over();
  }

  /** @param fault - is asked only if somebody wants to know: most connections end with a reset */
  #failed(operation: ClientOperation, fault: () => Fault): void {
    const { error: callback } = this.#shared.callbacks;
    // What fails after a first error, while its goodbye is still being sent, is the same end.
    if (this.#phase !== 'open' && this.heap.got_an_error) return;
    if (callback !== undefined) this.#tell('ClientError', callback, { operation, ...fault() });
    if (!this.heap.shutdown_on_error) return;
    this.heap.got_an_error = true;
    // A broken stream takes no goodbye; whoever found it so ends the session.
    if (this.#phase === 'open' && this.#stream?.destroyed === false) this.#close({});
  }

  #close(last: { readonly wheelId?: number }): void {
    this.#phase = 'closing';
    this.heap.shutdown = true;
    this.#input?.discard();
    // If the stream fails meanwhile, its 'error' and 'close' tell.
    this.#wheel?.end((error) => { if (error == null) this.#over('politely', last); });
  }

  #over(how: 'politely' | 'at once' = 'at once', last: { readonly wheelId?: number } = {}): void {
    if (this.#phase === 'over' || this.#stream === undefined) return;
    const { disconnected } = this.#shared.callbacks;
    this.heap.shutdown = true;
    this.#input?.discard();
    this.#phase = 'closing';
    if (disconnected !== undefined) void this.#runner.run('ClientDisconnected', disconnected, { ...this.context, ...last });
    this.#phase = 'over';
    this.#wheel?.close();
    this.#forget();
    this.#shared.ended(this, this.#stream, how);
  }

  #forget(): void {
    this.#alarms?.end();
    this.#shared.queue.remove(this, this.#names ?? []);
  }

  get #wheelId(): number {
    return this.#wheel?.ID ?? 0;
  }

  /** Calls back about the connection; nothing waits for it. */
  #tell(name: string, callback: AnyCallback | undefined, own: object = {}): void {
    if (callback !== undefined) void this.#runner.run(name, callback, { ...this.context, wheelId: this.#wheelId, ...own });
  }

  // --- What the runner of callbacks tells ---------------------------------------------------------------------------

  active(): void {
    this.#shared.active();
  }

  settled(): void {
    this.activeAt = this.#shared.clock.now();
  }

  callbackFailed(name: string, error: Error): void {
    this.#shared.failed(error, name);
    if (name === 'ClientError' || name === 'ClientDisconnected' || this.#phase === 'over') return;
    this.#failed('callback', () => ({ errno: 0, errstr: error.message, error }));
  }
}

/** A measure of the output that the client has not taken: it falls with everything that it takes, whatever the size of a write. */
function octetsLeft(stream: Duplex): number {
  const { _handle: handle } = stream as { _handle?: { readonly writeQueueSize?: number } | null };
  return stream.writableLength + (handle?.writeQueueSize ?? 0);
}
