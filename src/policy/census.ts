import type { PoolSnapshot, WorkerSnapshot } from './snapshot.js';

/** The workers of a pool, counted the way every rule counts them. */
export interface Census {
  /** Neither draining, killed nor on trial: the workers that MinServer and MaxServer refer to. */
  readonly living: readonly WorkerSnapshot[];
  /** Living and starting. */
  readonly starting: number;
  /** Living, without a client and not blocked; a starting one counts, otherwise every plan until it is ready would fork one more. */
  readonly spare: number;
  /**
   * What counts against the limit of processes: draining and killed ones too, but neither one on trial nor those that a
   * reload has drained, which must not hold up the next reload for as long as their clients stay.
   */
  readonly processes: number;
}

/** Neither draining nor killed. */
export const isServing = (worker: WorkerSnapshot): boolean => worker.phase !== 'draining' && !worker.killed;

export const isLiving = (worker: WorkerSnapshot): boolean => isServing(worker) && !worker.trial;

/** Will be ready to serve. */
export const isComing = (worker: Pick<WorkerSnapshot, 'phase' | 'killed' | 'trial'>): boolean => worker.phase === 'starting' && !worker.killed && !worker.trial;

export const isSpare = (worker: WorkerSnapshot): boolean => worker.phase === 'starting' || (worker.clients === 0 && !worker.blocked);

/** Ready and without a client: may be retired unnoticed. One whose event loop is blocked is not idle, it hangs. */
export const isIdle = (worker: WorkerSnapshot): boolean => worker.phase === 'ready' && worker.clients === 0 && !worker.blocked;

/** Counts the pool. */
export function takeCensus({ workers }: Pick<PoolSnapshot, 'workers'>): Census {
  const living = workers.filter(isLiving);
  return {
    living,
    starting: living.filter(({ phase }) => phase === 'starting').length,
    spare: living.filter(isSpare).length,
    processes: workers.filter(({ phase, outdated, trial }) => !trial && !(outdated && phase === 'draining')).length,
  };
}
