import { performance } from 'node:perf_hooks';
import { Waiters as BoundedWaiters, within as bounded } from '../../src/testing/waiters.js';

/** How long one wait may take, in milliseconds: far above what is needed, and below the limit of a test. */
export const PATIENCE_MS = 30_000;

/** Settles as the promise does, or rejects after a while with what `describe` says then. */
export const within = async <T>(promise: Promise<T>, describe: () => string, boundMs: number = PATIENCE_MS): Promise<T> => bounded(promise, describe, boundMs);

/** Asks every few milliseconds until the answer is true. For facts that come without an event, such as the end of a process. */
export async function poll(ask: () => boolean | Promise<boolean>, describe: () => string, boundMs: number = PATIENCE_MS): Promise<void> {
  const end = performance.now() + boundMs;
  while (!(await ask())) {
    if (performance.now() > end) throw new Error(`Waited ${boundMs} ms for ${describe()}`);
    await new Promise((resolve) => { setTimeout(resolve, 5); });
  }
}

/** Resolves when a master that has heard of a signal takes the next one for another request (src/master/signals.ts). */
export async function nextSignal(): Promise<void> {
  const heardAt = performance.now();
  await poll(() => performance.now() - heardAt > 500, () => 'half a second to pass');
}

/** Waits for facts about something that calls `notify()` when it has changed. */
export class Waiters extends BoundedWaiters {
  constructor() {
    super(PATIENCE_MS);
  }
}
