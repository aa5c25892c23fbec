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

/** How long one client, and the callbacks of it, may take. */
export class Patience {
  /** When the client last did something: completed a record or took output. Monotonic milliseconds. */
  activeAt: number;
  /** When the goodbye has to be sent. */
  endsAt: number;
  /** When the connection was over. */
  overAt: number | undefined;
  #octetsTaken = 0;
  #isNoticed = false;

  constructor(now: number) {
    this.activeAt = now;
    this.endsAt = Infinity;
  }

  /** Whether the client has done nothing for its time, although it is its turn: no whole record, and no output taken. */
  isIdle(now: number, idleMs: number, isItsTurn: boolean, octetsTaken: number): boolean {
    if (!isItsTurn || octetsTaken > this.#octetsTaken) this.activeAt = now;
    this.#octetsTaken = octetsTaken;
    if (now - this.activeAt < idleMs) return false;
    this.activeAt = now;
    return true;
  }

  /** What is to be said of the callback that has been running longest, if it is late. */
  late(running: RunningCallback, now: number, { callbackMs, idleMs }: { readonly callbackMs: number; readonly idleMs: number }): Late | undefined {
    if (callbackMs < Infinity) {
      if (now - running.since < callbackMs) return undefined;
      return { running, isFinal: true, message: `${running.name} has not settled within ClientCallbackTimeout (${callbackMs / 1000} s); its client is ended, and it is waited for no longer.` };
    }
    if (this.overAt === undefined) return undefined;
    const gone = `${running.name} has not settled, although its client left ${Math.round((now - this.overAt) / 100) / 10} s ago`;
    if (idleMs > 0) {
      return now - this.overAt < idleMs ? undefined : { running, isFinal: true, message: `${gone} (ClientTimeout); it is waited for no longer.` };
    }
    if (this.#isNoticed || now - this.overAt < NOTICE_MS) return undefined;
    this.#isNoticed = true;
    return { running, isFinal: false, message: `${gone}; until it settles, the client counts. ClientCallbackTimeout bounds it.` };
  }
}
