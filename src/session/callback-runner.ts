import { asError } from '../errors.js';
import type { AnyCallback } from '../options/options.js';
import { isThenable } from './faults.js';

/** Who wants to know how callbacks go. */
export interface CallbackHost {
  /** The user's code is about to run. */
  active(): void;
  /** A callback threw or rejected. */
  callbackFailed(name: string, error: Error): void;
  /** An asynchronous callback has settled, well or badly. */
  settled(): void;
}

/** Runs the callbacks of one client. A fault of one costs this client and nobody else. */
export class CallbackRunner {
  readonly #host: CallbackHost;
  #unsettled = 0;

  constructor(host: CallbackHost) {
    this.#host = host;
  }

  /** Whether a callback has not settled yet. */
  get isBusy(): boolean {
    return this.#unsettled > 0;
  }

  /** @returns a promise that never rejects, if the callback is asynchronous */
  run(name: string, callback: AnyCallback, context: object): Promise<unknown> | undefined {
    this.#host.active();
    let result: unknown;
    try {
      result = callback(context);
    } catch (error) {
      this.#host.callbackFailed(name, asError(error));
      return undefined;
    }
    if (!isThenable(result)) return undefined;
    this.#unsettled += 1;
    return Promise.resolve(result).catch((error: unknown) => { this.#host.callbackFailed(name, asError(error)); }).finally(() => {
      this.#unsettled -= 1;
      this.#host.settled();
    });
  }
}
