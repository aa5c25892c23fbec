import type { RunningCallback } from './callback-runner.js';

/** A callback that has had its time. */
export interface Late {
  readonly running: RunningCallback;
  readonly message: string;
  /** Whether it is waited for no longer. */
  readonly isFinal: boolean;
}

/** After which time a callback that outlives its client is reported where no option bounds it. */
const NOTICE_MS = 60_000;

/** Less than this the kernel takes at any time: it need not be asked for the rest of it. */
const KERNEL_STEP = 65_536;

/** How the output of a client goes, in octets. */
export interface Output {
  /** What the kernel has taken so far. */
  readonly taken: number;
  /** What of it the kernel still has; undefined if it does not say. */
  readonly unsent: () => number | undefined;
}

/** How long one client, and the callbacks of it, may take. */
export class Patience {
  /** When the client last did something: completed a record or took output. Monotonic milliseconds. */
  activeAt: number;
  /** When the goodbye has to be sent. */
  endsAt: number;
  /** When the connection was over. */
  overAt: number | undefined;
  #taken = 0;
  /** What had been taken when the kernel had none of it any more. */
  #confirmed = 0;
  /** What the kernel had not sent when it was asked last. */
  #unsent: number | undefined;
  #isNoticed = false;

  constructor(now: number) {
    this.activeAt = now;
    this.endsAt = Infinity;
  }

  /** Whether the client has done nothing for its time, although it is its turn: no whole record, and no output taken. */
  isIdle(now: number, idleMs: number, isItsTurn: boolean, output: Output): boolean {
    if (!isItsTurn || output.taken > this.#taken) this.#isActive(now);
    this.#taken = output.taken;
    // From half of its time on: a first answer says nothing yet.
    if (now - this.activeAt >= idleMs / 2 && output.taken - this.#confirmed >= KERNEL_STEP) this.#ask(now, output);
    if (now - this.activeAt < idleMs) return false;
    this.activeAt = now;
    return true;
  }

  #isActive(now: number): void {
    this.activeAt = now;
    this.#unsent = undefined;
  }

  #ask(now: number, output: Output): void {
    const before = this.#unsent;
    const unsent = output.unsent();
    if (unsent !== undefined && before !== undefined && unsent < before) this.#isActive(now);
    this.#unsent = unsent;
    if (unsent === 0) this.#confirmed = output.taken;
    // Of a Unix socket the kernel does not say it the next time either.
    if (unsent === undefined) this.#confirmed = Infinity;
  }

  /** What is to be said of the callback that has been running longest, if it is late. */
  late(running: RunningCallback, now: number, { callbackMs, idleMs }: { readonly callbackMs: number; readonly idleMs: number }): Late | undefined {
    if (callbackMs < Infinity) {
      if (now - running.since < callbackMs) return undefined;
      return { running, isFinal: true, message: `${running.name} has not settled within ClientCallbackTimeout (${callbackMs / 1000} s); its client was ended, and the server no longer waits for it.` };
    }
    if (this.overAt === undefined) return undefined;
    const gone = `${running.name} has not settled, although its client left ${Math.round((now - this.overAt) / 100) / 10} s ago`;
    if (idleMs > 0) {
      return now - this.overAt < idleMs ? undefined : { running, isFinal: true, message: `${gone}; the server no longer waits for it (ClientTimeout).` };
    }
    if (this.#isNoticed || now - this.overAt < NOTICE_MS) return undefined;
    this.#isNoticed = true;
    return { running, isFinal: false, message: `${gone}; until it settles, the client counts. ClientCallbackTimeout bounds it.` };
  }
}
