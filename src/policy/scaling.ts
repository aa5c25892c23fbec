import type { Census } from './census.js';
import { isIdle } from './census.js';
import { workersNeeded } from './demand.js';
import type { Action, PoolConfig, PoolSnapshot, WorkerSnapshot } from './snapshot.js';

/**
 * How many workers to fork now: enough for MinServer, MinSpareServer and the waiting clients at once, but limited to
 *
 * - MaxServer living workers (draining and relieved ones aside),
 * - twice MaxServer processes of any kind, so that workers which do not finish draining cannot pile up,
 * - `maxStarting` that are starting at the same time (starting takes processor time; the next follows when one is ready),
 * - one at a time, with growing pauses, while starts fail; and none while a worker that hung at its start is being
 *   killed: its imminent exit decides when the next may be tried.
 */
export function countForks(staying: Census, snapshot: PoolSnapshot, config: PoolConfig, now: number): number {
  if (snapshot.stopping || snapshot.workers.some((worker) => hasJustHung(worker, config, now))) return 0;
  const spare = config.minSpare + workersNeeded(snapshot, config);
  const wanted = Math.max(config.minWorkers - staying.living.length, spare - staying.spare);
  const room = Math.min(
    config.maxWorkers - staying.living.length,
    2 * config.maxWorkers - staying.processes,
    config.maxStarting - staying.starting,
  );
  const count = Math.max(Math.min(wanted, room), 0);
  if (snapshot.retryAt === undefined) return count;
  return now >= snapshot.retryAt && staying.starting === 0 ? Math.min(count, 1) : 0;
}

/** Whether a start has exceeded its time limit within the last heartbeat. (A process that survives SIGKILL for longer than that holds nothing up.) */
function hasJustHung({ phase, bornAt, trial }: WorkerSnapshot, { bootMs, heartbeatMs }: PoolConfig, now: number): boolean {
  return phase === 'starting' && !trial && now >= bornAt + bootMs && now < bornAt + bootMs + heartbeatMs;
}

/**
 * Retires idle workers, oldest first and never a busy one: those above MaxServer (if it was lowered) at once; those
 * above MaxSpareServer one by one, a quarter of a heartbeat apart, after a whole heartbeat of surplus. Growing is quick
 * and shrinking slow, so that the pool does not flap when the load comes and goes.
 */
export function retireSurplus(census: Census, snapshot: PoolSnapshot, config: PoolConfig, now: number): readonly Action[] {
  const idle = census.living.filter(isIdle).sort((one, other) => one.bornAt - other.bornAt);
  const excess = census.living.length - config.maxWorkers;
  if (excess > 0) return idle.slice(0, excess).map(retire);

  if (!hasSurplus(census, config) || census.starting > 0 || now < shrinkAt(snapshot, config)) return [];
  return idle.slice(0, 1).map(retire);
}

/** Whether there are more spare workers than MaxSpareServer, and more workers than MinServer. */
export function hasSurplus({ living, spare }: Census, { maxSpare, minWorkers }: PoolConfig): boolean {
  return spare > maxSpare && living.length > minWorkers;
}

/** When a surplus of spare workers may be reduced by one. */
export function shrinkAt({ surplusSince, shrunkAt }: PoolSnapshot, { heartbeatMs }: PoolConfig): number {
  return surplusSince === undefined ? Infinity : Math.max(surplusSince + heartbeatMs, shrunkAt + heartbeatMs / 4);
}

const retire = ({ id }: WorkerSnapshot): Action => ({ kind: 'drain', workerId: id, reason: 'surplus' });
