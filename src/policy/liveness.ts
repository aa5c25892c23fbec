import type { PoolConfig, PoolSnapshot, WorkerAction, WorkerSnapshot } from './snapshot.js';

/**
 * Finds workers that are silent, that hang while starting, or that have exceeded their drain deadline.
 *
 * Silence counts only while the master listens. While the master itself stands still (SIGSTOP, a debugger, a sleeping
 * laptop, a host program busy for seconds), every worker seems silent; that time does not count. And a worker is judged
 * by the interval of reports that it has confirmed: one that was sent a shorter interval a moment ago may not have
 * heard of it.
 */
export function judgeLiveness(snapshot: PoolSnapshot, config: PoolConfig, now: number): readonly WorkerAction[] {
  const { deafMs } = snapshot;
  return snapshot.workers.flatMap((worker): WorkerAction[] => {
    if (worker.killed) return [];
    const { id: workerId } = worker;
    switch (worker.phase) {
      case 'starting':
        return now >= bootDeadline(worker, config, deafMs) ? [{ kind: 'kill', workerId, reason: 'boot' }] : [];
      case 'ready':
        return now >= expiryOf(worker, config, deafMs) ? [{ kind: 'drain', workerId, reason: 'expired' }] : [];
      case 'draining':
        return now >= (worker.drainDeadline ?? Infinity) ? [{ kind: 'kill', workerId, reason: 'grace' }] : [];
    }
  });
}

/** When a worker that says nothing more is taken for dead. */
export function expiryOf(worker: WorkerSnapshot, { expireMs, reportMs }: PoolConfig, deafMs: number): number {
  const patience = Math.max(worker.reportMs - reportMs, 0);
  return worker.heardAt + (deafMs - worker.deafAtHeard) + expireMs + patience;
}

/** When a worker that is still not ready is taken for hung. */
export function bootDeadline(worker: WorkerSnapshot, { bootMs }: PoolConfig, deafMs: number): number {
  return worker.bornAt + (deafMs - worker.deafAtBirth) + bootMs;
}
