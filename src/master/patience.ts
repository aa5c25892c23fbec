import type { Clock, Timer } from '../clock.js';

/** How long a worker may be overdue: longer than a garbage collection or a busy machine delays it. */
export const PATIENCE_MS = 5000;
/** A timer this late shows that the master itself was held up, and that messages of the worker may be waiting to be read. */
const ASLEEP_MS = 1000;

/** Calls `late` after this time, if the master has been listening; Infinity = never. Its timer does not keep the process alive; workers do. */
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
