import type { Clock } from '../clock.js';
import type { Roster } from './roster.js';
import type { WorkerRecord } from './worker-record.js';

/** A signal to a whole process group reaches the master at the same moment; from a program that signals one process after the other, soon. */
const TOGETHER_MS = 100;

/** What decides about a worker that got SIGTERM. */
export interface SignalledParts {
  readonly clock: Clock;
  readonly roster: Roster;
  /** Whether the pool ends, or will after ShutdownDelay. */
  readonly isEnding: () => boolean;
  /** A worker drains that had no order to. */
  readonly drain: (record: WorkerRecord) => unknown;
}

/**
 * Answers a worker that got SIGTERM. If it went to the whole group, as systemd, timeout(1) and shells send it, the pool ends
 * in its own order: it goes on accepting during ShutdownDelay, and then takes the clients in the kernel's queue. If workers
 * drained at once, none would be left to do that. If it went to this worker alone, the worker drains.
 */
export function answerSignalled(workerId: number, { clock, roster, isEnding, drain }: SignalledParts): void {
  clock.after(TOGETHER_MS, () => {
    const record = roster.get(workerId);
    if (record === undefined) return;
    if (isEnding()) record.process.send({ type: 'stay' });
    else drain(record);
  });
}
