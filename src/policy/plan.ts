import { isComing, isServing, takeCensus } from './census.js';
import { mayLackWorkers, QUEUE_LOOK_MS } from './demand.js';
import { bootDeadline, expiryOf, judgeLiveness } from './liveness.js';
import { beingRelieved, retireRelieved, retireUnused } from './recycling.js';
import { countForks, retireSurplus, shrinkAt } from './scaling.js';
import type { Action, PoolConfig, PoolSnapshot, WorkerSnapshot } from './snapshot.js';

/** What to do now, and when to look again if nothing happens until then. */
export interface Plan {
  readonly actions: readonly Action[];
  readonly nextAt: number;
}

/** Decides what the pool needs. Pure: the same snapshot, configuration and time give the same plan. */
export function plan(snapshot: PoolSnapshot, config: PoolConfig, now: number): Plan {
  return { actions: decide(snapshot, config, now), nextAt: nextLook(snapshot, config, now) };
}

function decide(snapshot: PoolSnapshot, config: PoolConfig, now: number): readonly Action[] {
  const lost = judgeLiveness(snapshot, config, now);
  const given = new Set(lost.map(({ workerId }) => workerId));
  const remaining = snapshot.workers.filter(({ id }) => !given.has(id));
  if (snapshot.stopping) {
    const leaving = snapshot.lastCall ? remaining.filter((worker) => !isComing(worker)) : remaining;
    const drains = leaving.filter(isServing).map(({ id }): Action => ({ kind: 'drain', workerId: id, reason: 'shutdown' }));
    return [...lost, ...drains];
  }

  const census = takeCensus({ workers: remaining });
  const relieved = beingRelieved(census, config, now);
  const leaving = new Set(relieved);
  const staying = { ...takeCensus({ workers: remaining.filter((worker) => !leaving.has(worker)) }), processes: takeCensus(snapshot).processes };

  // Never forks and retires in the same plan: a pool that is short of workers has none to spare.
  const count = countForks(staying, snapshot, config, now);
  if (count > 0) return [...lost, { kind: 'fork', count }];
  const aged = retireRelieved(relieved, staying, config, now);
  if (aged.length > 0) return [...lost, ...aged];
  const unused = retireUnused(staying, config, now);
  return [...lost, ...(unused.length > 0 ? unused : retireSurplus(staying, snapshot, config, now))];
}

/** The earliest time at which a rule that does nothing now may act; at the latest one heartbeat from now. */
function nextLook(snapshot: PoolSnapshot, config: PoolConfig, now: number): number {
  let earliest = now + config.heartbeatMs;
  const consider = (time: number): void => {
    if (time > now && time < earliest) earliest = time;
  };
  consider(snapshot.retryAt ?? Infinity);
  consider(shrinkAt(snapshot, config));
  const census = takeCensus(snapshot);
  if (census.starting > 0 && mayLackWorkers(census, config)) consider(now + QUEUE_LOOK_MS);
  for (const worker of snapshot.workers) {
    if (!worker.killed) considerDeadlines(worker, snapshot, config, consider);
  }
  return earliest;
}

function considerDeadlines(worker: WorkerSnapshot, { deafMs }: PoolSnapshot, config: PoolConfig, consider: (time: number) => void): void {
  switch (worker.phase) {
    case 'starting': return consider(bootDeadline(worker, config, deafMs));
    case 'draining': return consider(worker.drainDeadline ?? Infinity);
    case 'ready':
      consider(expiryOf(worker, config, deafMs));
      consider(worker.bornAt + worker.lifeMs);
      if (config.maxIdleMs > 0) consider((worker.idleSince ?? Infinity) + config.maxIdleMs);
  }
}
