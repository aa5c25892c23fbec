import type { RunningCallback } from './callback-runner.js';

/** A callback whose time is up. */
export interface Late {
  readonly running: RunningCallback;
  readonly message: string;
  /** Whether it is no longer waited for. */
  readonly isFinal: boolean;
}

/** After this time a callback that outlives its client is reported, if no option limits it. */
const NOTICE_MS = 60_000;

/** The kernel takes less than this at any time: then there is no need to ask how much it still has. */
const KERNEL_STEP = 65_536;

/** The progress of a client's output, in octets. */
export interface Output {
  /** What the kernel has taken so far. */
  readonly taken: number;
  /** How much of it the kernel still has; undefined if unknown. */
  readonly unsent: () => number | undefined;
}

/** How long one client, and its callbacks, may take. */
export class Patience {
  /** When the client last did something: completed a record or took output. Monotonic milliseconds. */
  activeAt: number;
  /** By when the last output has to be sent. */
  endsAt: number;
  /** When the connection ended. */
  overAt: number | undefined;
  #taken = 0;
  /** How much had been taken when the kernel last had none of it left. */
  #confirmed = 0;
  /** How much the kernel had not sent when it was last asked. */
  #unsent: number | undefined;
  #isNoticed = false;

  constructor(now: number) {
    this.activeAt = now;
    this.endsAt = Infinity;
  }

  /** Whether the client has been idle for too long although it is its turn: no whole record, and no output taken. */
  isIdle(now: number, idleMs: number, isItsTurn: boolean, output: Output): boolean {
    if (!isItsTurn || output.taken > this.#taken) this.#isActive(now);
    this.#taken = output.taken;
    // From half of its time on, since a first answer says nothing yet.
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
    // For a Unix socket it will not be known the next time either.
    if (unsent === undefined) this.#confirmed = Infinity;
  }

  /** What to report about the longest-running callback, if it is late. */
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
