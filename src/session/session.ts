import type { Duplex } from 'node:stream';
import type { Heap } from '../client.js';
import { PreforkError, asError } from '../errors.js';
import type { Common } from './client-config.js';
import { hasLeft, readInto, resetOf } from './direct-socket.js';
import { errorFault, handshakeFault, systemErrorText } from './faults.js';
import type { InputHost } from './input-host.js';
import { Hold, Input } from './input.js';
import { SessionLife, type SessionHost } from './life.js';
import { Patience, type Late } from './patience.js';
import type { StreamOwner } from './stream-entry.js';
import type { Turns } from './turns.js';
import type { WheelHost } from './wheel-host.js';
import { Wheel } from './wheel.js';

/** One client in its worker: what its connection, its input, its output and its callbacks report, and what follows from that. */
export class Session extends SessionLife implements StreamOwner, InputHost, WheelHost {
  /** Made when time is measured: a client without any time limit needs none. */
  #patience: Patience | undefined;
  #isRefused = false;

  constructor(common: Common, host: SessionHost, heap: Omit<Heap<object>, 'client'>) {
    super(common, host, heap);
    if (common.config.idleMs > 0) this.#patience = new Patience(common.clock.now());
  }

  /** The client is there and can be served. */
  start(stream: Duplex): void {
    const input = this.#connect(stream);
    this.opened();
    this.common.queue.add(this.events);
    readInto(stream, this);
    const settled = this.callbacks.connected();
    if (settled !== undefined) input.wait(settled);
    // The client may have sent everything while ClientPreConnect was at work: 'end' does not come again.
    if (stream.readableEnded) this.finished();
  }

  /** The client did not get as far as being served; its connection is closed. */
  refuse(stream: Duplex, error: Error): void {
    this.#isRefused = true;
    this.#connect(stream);
    this.refused(stream, () => handshakeFault(error));
  }

  #connect(stream: Duplex): Input {
    const { config: { createFilters, marks }, queue, scope, turns } = this.common;
    this.stream = stream;
    const { input: filter, output } = createFilters();
    const input = this.input = new Input({ source: stream, filter, host: this, handler: this.callbacks, scope, turns });
    this.heap.client = this.wheel = new Wheel({ id: queue.nextId(), stream, input, output, marks, host: this, listener: this.callbacks });
    return input;
  }

  // --- The connection -----------------------------------------------------------------------------------------------

  received(chunk: Buffer): void {
    this.input?.push(chunk);
  }

  finished(): void {
    this.input?.finish();
  }

  broke(error: NodeJS.ErrnoException): void {
    const operation = error.syscall === 'write' || error.code === 'EPIPE' ? 'write' : 'read';
    this.failed(operation, () => systemErrorText(error.code, error));
    this.over('at once');
  }

  closed(): void {
    const reset = this.stream === undefined ? undefined : resetOf(this.stream);
    if (reset === undefined) this.over('at once');
    else this.broke(reset);
  }

  /** A callback may have sent the connection to another process: then this one hears no more of it. @returns whether it has */
  endIfSent(): boolean {
    const isSent = this.stream !== undefined && hasLeft(this.stream);
    if (isSent) this.over('at once');
    return isSent;
  }

  /** The connection below the stream that replaced it in ClientPreConnect is gone. */
  lostBelow(failure: NodeJS.ErrnoException | undefined): void {
    if (failure === undefined) this.over('at once');
    else this.broke(failure);
    this.stream?.destroy();
  }

  // --- The input ----------------------------------------------------------------------------------------------------

  pumped(records: number): void {
    if (records > 0) this.#wasActive();
    if (!this.endIfSent()) this.wheel?.flush();
  }

  fault(thrown: unknown): void {
    const error = asError(thrown);
    // Bad input is the client's own fault; a filter that cannot work is the program's, and affects all clients.
    if (error instanceof PreforkError && error.code === 'ERR_PREFORK_FILTER') this.host.failed(error, 'ClientFilter');
    this.failed('input', () => errorFault(error));
  }

  end(): void {
    // Events that were posted before run first: they may put what the client waits for.
    this.common.queue.afterPosted(this, () => { this.inputEnded(); });
  }

  // --- The output ---------------------------------------------------------------------------------------------------

  get maxOutput(): number {
    return this.common.limits().maxOutput;
  }

  get mostHigh(): number {
    return this.common.config.marks.isDefault === true ? this.maxOutput : Infinity;
  }

  get turns(): Turns {
    return this.common.turns;
  }

  overflowed(octets: number): void {
    this.failed('write', () => systemErrorText('ENOBUFS', Object.assign(
      new Error(`${octets} bytes of output are queued for a client that does not take them, more than MaxOutput (${this.maxOutput}). Put less until ClientLow, or raise MaxOutput.`), { code: 'ENOBUFS' },
    )));
    this.over('at once');
  }

  report(error: Error): void {
    // Output for a client that was refused is dropped, as it is for one whose connection broke.
    if (!this.#isRefused) this.host.failed(error, 'put');
  }

  // --- Callbacks ----------------------------------------------------------------------------------------------------

  settled(): void {
    this.#wasActive();
  }

  callbackFailed(name: string, error: Error): void {
    this.host.failed(error, name);
    if (name !== 'ClientError' && name !== 'ClientDisconnected') this.failed('callback', () => errorFault(error));
  }

  // --- Time ---------------------------------------------------------------------------------------------------------

  now(): number {
    return this.common.clock.now();
  }

  get #time(): Patience {
    return this.#patience ??= new Patience(this.now());
  }

  #wasActive(): void {
    if (this.#patience !== undefined) this.#patience.activeAt = this.now();
  }

  /** Ends what has taken too long. To be called periodically. */
  sweep(now: number): void {
    const { idleMs } = this.common.config;
    const { callbackMs } = this.common.limits();
    const { oldest } = this.callbacks;
    const late = oldest && this.#time.late(oldest, now, { callbackMs, idleMs });
    if (late !== undefined) { this.#tooLate(late, now + callbackMs); return; }
    if (this.#patience === undefined) return;
    if (now >= this.#patience.endsAt) this.over('at once');
    if (this.isOver || idleMs === 0) return;
    const isItsTurn = oldest === undefined && this.input?.isHeldBy(Hold.user | Hold.turn) !== true;
    const output = { taken: this.wheel?.octetsTaken ?? 0, unsent: () => this.stream && this.common.unsent.of(this.stream) };
    if (!this.#patience.isIdle(now, idleMs, isItsTurn, output)) return;
    this.failed('read', () => systemErrorText('ETIMEDOUT'));
    // What the client does not take now it will never take.
    if (this.isEnding) this.over('politely');
  }

  protected outlived(): void {
    this.#time.overAt = this.now();
  }

  #tooLate({ running, message, isFinal }: Late, endsAt: number): void {
    const error = new PreforkError('ERR_PREFORK_CALLBACK', message);
    this.host.failed(error, running.name);
    if (!isFinal) return;
    this.failed('callback', () => errorFault(error));
    this.cease();
    // The last output gets as much time as the callback had.
    this.#time.endsAt = endsAt;
    this.callbacks.abandon(running);
  }
}
