import type { Clock, Timer } from '../clock.js';

/** How long a worker may be silent beyond its time: longer than a garbage collection, or a busy machine, takes. */
export const PATIENCE_MS = 5000;
/** A timer that is so late says that the master itself was held up, and what the worker said may be waiting to be read. */
const ASLEEP_MS = 1000;

/** Calls `late` after this time, in which the master has listened; Infinity = never. It does not keep the process alive, which workers do. */
export function patiently(clock: Clock, delayMs: number, late: () => void): Timer {
  if (delayMs === Infinity) return { cancel: () => undefined };
  let timer: Timer;
  const wait = (waitMs: number): void => {
    const dueAt = clock.now() + waitMs;
    timer = clock.after(waitMs, () => {
      if (clock.now() - dueAt > ASLEEP_MS) wait(PATIENCE_MS);
      else late();
    }, { idle: true });
  };
  wait(delayMs);
  return { cancel: () => { timer.cancel(); } };
}
