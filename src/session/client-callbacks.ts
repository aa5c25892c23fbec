import type { ClientOperation } from '../callbacks.js';
import type { Context, StateContext } from '../kernel.js';
import type { AnyCallback } from '../options/options.js';
import { CallbackRunner, type CallbackHost } from './callback-runner.js';
import type { Common } from './client-config.js';
import { whenSettled, within } from './entry.js';
import type { Fault } from './faults.js';
import type { RecordHandler } from './input-host.js';
import type { EventRunner } from './session-events.js';
import type { OutputListener } from './wheel-host.js';

/** The session, as its callbacks see it. */
export interface CallbacksHost extends CallbackHost {
  /** What callbacks get besides their own arguments. */
  readonly context: Context<object>;
  readonly wheelId: number;
  readonly isOver: boolean;
}

/** The user's callbacks, for one client: what each is called with, and in which async context. */
export class ClientCallbacks extends CallbackRunner implements RecordHandler, OutputListener, EventRunner {
  readonly #host: CallbacksHost;
  readonly #common: Common;
  /** A ClientFlushed has not settled. */
  #isFlushing = false;
  #flushedAgain = false;

  constructor(host: CallbacksHost, common: Common) {
    super(host);
    this.#host = host;
    this.#common = common;
  }

  get wantsFlushed(): boolean {
    return this.#common.config.callbacks.flushed !== undefined;
  }

  isDue(isDirty: boolean, isHigh: boolean): boolean {
    const { flushed, low } = this.#common.config.callbacks;
    return (flushed !== undefined && (isDirty || this.#flushedAgain)) || (low !== undefined && isHigh);
  }

  /** @returns a promise that never rejects, if the callback is asynchronous; `record` does the same */
  connected(): Promise<unknown> | undefined {
    const { callbacks: { connected }, clientArgs } = this.#common.config;
    return connected && this.run('ClientConnected', connected, { ...this.#host.context, args: clientArgs });
  }

  record(record: unknown): Promise<unknown> | undefined {
    // Written out, not spread: this is the hot path.
    const { heap, kernel, session } = this.#host.context;
    return this.run('ClientInput', this.#common.config.callbacks.input, { heap, kernel, session, input: record, wheelId: this.#host.wheelId }, true);
  }

  /** @param fault - called only if ClientError is given: most connections end with a reset */
  failed(operation: ClientOperation, fault: () => Fault): void {
    const { error } = this.#common.config.callbacks;
    if (error !== undefined) void this.#call('ClientError', error, { operation, ...fault() });
  }

  high(): void {
    void this.#call('ClientHigh', this.#common.config.callbacks.high);
  }

  low(): void {
    void this.#call('ClientLow', this.#common.config.callbacks.low);
  }

  /** Calls ClientFlushed, one at a time: if another ran before one that puts more has settled, more would be put twice. */
  flushed(): void {
    if (this.#isFlushing) { this.#flushedAgain = true; return; }
    this.#flushedAgain = false;
    const settled = this.#call('ClientFlushed', this.#common.config.callbacks.flushed);
    if (settled === undefined) return;
    this.#isFlushing = true;
    whenSettled(settled, this.#host, () => {
      this.#isFlushing = false;
      if (this.#flushedAgain && !this.#host.isOver) this.flushed();
    });
  }

  draining(deadline: number): void {
    void this.#call('ClientDraining', this.#common.config.callbacks.draining, { deadline });
  }

  disconnected(isOrderly: boolean): void {
    const { disconnected } = this.#common.config.callbacks;
    const last = isOrderly ? { wheelId: this.#host.wheelId } : {};
    if (disconnected !== undefined) void within(this.#common.scope, () => this.run('ClientDisconnected', disconnected, { ...this.#host.context, ...last }));
  }

  /** Runs a handler of an event. @returns what it returned */
  event(name: string, handler: AnyCallback, own: Partial<StateContext<object>>): unknown {
    let result: unknown;
    void this.run(name, (full) => (result = handler(full)), { ...this.#host.context, ...own });
    return result;
  }

  /** Calls back about the connection, in no client's async context. */
  #call(name: string, callback: AnyCallback | undefined, own: object = {}): Promise<unknown> | undefined {
    if (callback === undefined) return undefined;
    return within(this.#common.scope, () => this.run(name, callback, { ...this.#host.context, wheelId: this.#host.wheelId, ...own }));
  }
}
