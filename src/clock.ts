/** A timer that has not fired yet. */
export interface Timer {
  /** Forgets the timer. Harmless after it fired. */
  cancel(): void;
}

/** Time, injected so that policy and supervision can be tested without waiting. */
export interface Clock {
  /** Monotonic milliseconds since an arbitrary start. Never goes back, whatever happens to the wall clock. */
  now(): number;
  /** Wall-clock milliseconds since 1970, for reports and alarms only. */
  wallNow(): number;
  /**
   * Calls `task` once, `delayMs` from now. With `idle` the timer does not keep the process alive.
   * Delays above 2^31 - 1 ms, which Node would turn into 1 ms, are cut to that.
   */
  after(delayMs: number, task: () => void, options?: { readonly idle?: boolean }): Timer;
  /** Calls `task` once, after the input that is ready now has been handled. */
  soon(task: () => void): void;
}

/** A timer may be this early: its next time must not be the one that it was set for. */
const EARLY_MS = 2;

/**
 * Milliseconds until the next whole multiple of an interval. The clock counts from the boot of the machine, so the processes of a pool
 * do what they do at such times together, and the process that hears of it wakes once for all of them: waking up is what an idle pool
 * costs. (The kernel rounds timers that need not be exact likewise: round_jiffies, https://docs.kernel.org/driver-api/basics.html.)
 */
export function untilNext(everyMs: number, now: number): number {
  const left = everyMs - now % everyMs;
  return left < EARLY_MS ? left + everyMs : left;
}

/** A timer that is this late shows that this process was blocked. */
const BLOCKED_MS = 50;

/**
 * Calls `task` when others have had `delayMs` to do something. Timers come before input that is ready: so if this process was blocked,
 * it is not called before what they have done meanwhile has been read, and they get once more as long as it was late, at most `delayMs`.
 */
export function startDeadline(clock: Clock, delayMs: number, task: () => void, options?: { readonly idle?: boolean }): Timer {
  const dueAt = clock.now() + delayMs;
  let timer = clock.after(delayMs, () => {
    const lateMs = clock.now() - dueAt;
    if (lateMs < BLOCKED_MS) task();
    else timer = clock.after(Math.min(lateMs, delayMs), task, options);
  }, options);
  return { cancel: () => { timer.cancel(); } };
}

// https://nodejs.org/api/timers.html#settimeoutcallback-delay-args: larger delays are set to 1.
const LONGEST_DELAY_MS = 2 ** 31 - 1;

// As they are now: a program that replaces them, as a test with fake timers does, must not stop its pool.
const { clearTimeout, setImmediate, setTimeout } = globalThis;
const nanoseconds = process.hrtime.bigint.bind(process.hrtime);

/** The clock of this machine. The only place that touches timers. */
export const systemClock: Clock = {
  // Not performance.now(): the first use of that loads node:perf_hooks, up to half a megabyte of every worker.
  now: () => Number(nanoseconds()) / 1e6,
  wallNow: () => Date.now(),
  after(delayMs, task, options) {
    const timer = setTimeout(task, Math.min(Math.max(delayMs, 0), LONGEST_DELAY_MS));
    if (options?.idle === true) timer.unref();
    return { cancel: () => { clearTimeout(timer); } };
  },
  soon(task) {
    setImmediate(task);
  },
};
