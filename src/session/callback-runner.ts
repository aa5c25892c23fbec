import { isThenable } from '../checks.js';
import { asError } from '../errors.js';
import type { AnyCallback } from '../options/options.js';
import { newScope, whenSettled, type Guarded } from './entry.js';

/** Observes the callbacks of one client. */
export interface CallbackHost extends Guarded {
  /** A callback threw or rejected. */
  callbackFailed(name: string, error: Error): void;
  /** An asynchronous callback has settled, either way. */
  settled(): void;
  /** No callback is running any more. */
  idle(): void;
  now(): number;
}

/** A callback that has not settled yet. */
export interface RunningCallback {
  readonly name: string;
  readonly since: number;
}

/** Runs the callbacks of one client. A fault in one costs this client and no other. */
export class CallbackRunner {
  readonly #host: CallbackHost;
  /** Oldest first; made when the first asynchronous callback runs. */
  #running: Set<RunningCallback> | undefined;
  /** How many callbacks are on the stack: they may cause others to be called. */
  #depth = 0;

  constructor(host: CallbackHost) {
    this.#host = host;
  }

  /** Whether a callback is running or has not settled yet. */
  get isBusy(): boolean {
    return this.#depth > 0 || this.isWaiting;
  }

  /** Whether an asynchronous callback has not settled yet. */
  get isWaiting(): boolean {
    return this.#running !== undefined && this.#running.size > 0;
  }

  /** The callback that has been running longest. */
  get oldest(): RunningCallback | undefined {
    if (this.#running !== undefined) for (const running of this.#running) return running;
    return undefined;
  }

  /** Stops waiting for a callback. */
  abandon(running: RunningCallback): void {
    if (this.#running?.delete(running) === true) this.#idleIfDone();
  }

  /**
   * Runs a callback in an async scope of its own: what one puts into an AsyncLocalStorage must not be visible to the next.
   *
   * @param isApart - it already runs in such a scope
   * @returns a promise that never rejects, if the callback is asynchronous
   */
  run(name: string, callback: AnyCallback, context: object, isApart = false): Promise<unknown> | undefined {
    this.#depth += 1;
    let settled: Promise<unknown> | undefined;
    try {
      const result: unknown = isApart ? callback(context) : newScope().runInAsyncScope(callback, undefined, context);
      if (isThenable(result)) settled = this.#wait(name, result);
    } catch (error) {
      this.#host.callbackFailed(name, asError(error));
    } finally {
      this.#depth -= 1;
    }
    if (settled === undefined) this.#idleIfDone();
    return settled;
  }

  #wait(name: string, result: PromiseLike<unknown>): Promise<unknown> {
    const running = { name, since: this.#host.now() };
    this.#running ??= new Set();
    this.#running.add(running);
    return new Promise((resolve) => {
      const done = (): void => {
        resolve(undefined);
        // An abandoned one has already been reported.
        if (this.#running?.delete(running) !== true) return;
        this.#host.settled();
        this.#idleIfDone();
      };
      whenSettled(result, this.#host, done, (error) => {
        this.#host.callbackFailed(name, asError(error));
        done();
      });
    });
  }

  #idleIfDone(): void {
    if (!this.isBusy) this.#host.idle();
  }
}
