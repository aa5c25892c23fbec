import type { PoolConfig, PoolSnapshot, WorkerAction } from './snapshot.js';

/** How late a round may be before the master itself counts as having been asleep, beyond one heartbeat. */
const ASLEEP_SLACK_MS = 1000;

/**
 * Finds workers that are silent, that hang while starting, and that outstay their drain deadline.
 *
 * After the master itself was stopped (SIGSTOP, a debugger, a sleeping laptop, a host program busy for seconds) every
 * worker looks silent, while its reports wait unread. So a round after such a gap judges nobody.
 */
export function judgeLiveness(snapshot: PoolSnapshot, config: PoolConfig, now: number): readonly WorkerAction[] {
  if (wasAsleep(snapshot, config, now)) return [];
  return snapshot.workers.flatMap((worker): WorkerAction[] => {
    if (worker.killed) return [];
    const { id: workerId } = worker;
    switch (worker.phase) {
      case 'starting':
        return now >= worker.bornAt + config.bootMs ? [{ kind: 'kill', workerId, reason: 'boot' }] : [];
      case 'ready':
        return now >= worker.heardAt + config.expireMs ? [{ kind: 'drain', workerId, reason: 'expired' }] : [];
      case 'draining':
        return now >= (worker.drainDeadline ?? Infinity) ? [{ kind: 'kill', workerId, reason: 'grace' }] : [];
    }
  });
}

/** Whether the master made no plan for longer than its heartbeat allows. */
export function wasAsleep({ plannedAt }: PoolSnapshot, { heartbeatMs }: PoolConfig, now: number): boolean {
  return plannedAt !== undefined && now - plannedAt > heartbeatMs + ASLEEP_SLACK_MS;
}
