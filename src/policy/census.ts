import type { PoolSnapshot, WorkerSnapshot } from './snapshot.js';

/** The workers of a pool, counted the way every rule counts them. */
export interface Census {
  /** Neither draining nor killed: what MinServer and MaxServer are about. */
  readonly living: readonly WorkerSnapshot[];
  /** Living and starting. */
  readonly starting: number;
  /** Living, without a client and not blocked; a starting one counts, or every plan until it is ready would fork one more. */
  readonly spare: number;
  /** Everything that is a process, the draining and the killed too. */
  readonly processes: number;
}

export const isLiving = (worker: WorkerSnapshot): boolean => worker.phase !== 'draining' && !worker.killed;

export const isSpare = (worker: WorkerSnapshot): boolean => worker.phase === 'starting' || (worker.clients === 0 && !worker.blocked);

/** Ready and without a client: what may be retired unnoticed. One whose event loop stands still is not idle, it hangs. */
export const isIdle = (worker: WorkerSnapshot): boolean => worker.phase === 'ready' && worker.clients === 0 && !worker.blocked;

/** Counts the pool. */
export function takeCensus({ workers }: Pick<PoolSnapshot, 'workers'>): Census {
  const living = workers.filter(isLiving);
  return {
    living,
    starting: living.filter(({ phase }) => phase === 'starting').length,
    spare: living.filter(isSpare).length,
    processes: workers.length,
  };
}
