import type { Census } from './census.js';
import { isIdle } from './census.js';
import type { Action, PoolConfig, WorkerSnapshot } from './snapshot.js';

const isOld = ({ bornAt, lifeMs }: WorkerSnapshot, now: number): boolean => now >= bornAt + lifeMs;
/** A limit below what a fresh worker needs must not cause endless replacement: each lives for at least a heartbeat. */
const isLarge = ({ rss, bornAt }: WorkerSnapshot, { maxRss, heartbeatMs }: PoolConfig, now: number): boolean => (
  maxRss > 0 && rss >= maxRss && now >= bornAt + heartbeatMs
);

/** Why a healthy worker is to be replaced; undefined if it is not. */
function reliefOf(worker: WorkerSnapshot, config: PoolConfig, now: number): 'reload' | 'lifetime' | 'memory' | undefined {
  if (worker.outdated) return 'reload';
  if (isOld(worker, now)) return 'lifetime';
  return isLarge(worker, config, now) ? 'memory' : undefined;
}

/**
 * The workers past their life or memory limit, or of another release, that are being relieved now, oldest first: at most a quarter of MaxServer at a
 * time, so that workers born together are not all replaced at once. They go on accepting until their successors are ready, and count neither as living
 * nor as spare meanwhile.
 */
export function beingRelieved(census: Census, config: PoolConfig, now: number): readonly WorkerSnapshot[] {
  return census.living
    .filter((worker) => worker.phase === 'ready' && reliefOf(worker, config, now) !== undefined)
    .sort((one, other) => one.bornAt - other.bornAt)
    .slice(0, Math.max(1, Math.floor(config.maxWorkers / 4)));
}

/** Drains the relieved workers once enough of those that stay are ready. */
export function retireRelieved(relieved: readonly WorkerSnapshot[], staying: Census, config: PoolConfig, now: number): readonly Action[] {
  const ready = staying.living.length - staying.starting;
  const busy = staying.living.length - staying.spare;
  const needed = Math.min(Math.max(config.minWorkers, busy + config.minSpare, 1), config.maxWorkers);
  if (ready < needed) return [];
  return relieved.map((worker) => ({ kind: 'drain', workerId: worker.id, reason: reliefOf(worker, config, now) ?? 'memory' }));
}

/** Drains workers that have had no client for MaxServerSpareTime, the longest idle first, down to MinServer and MinSpareServer. */
export function retireUnused(census: Census, config: PoolConfig, now: number): readonly Action[] {
  if (config.maxIdleMs === 0) return [];
  // One that is still starting does not make another one superfluous: it may never be ready.
  const allowed = Math.min(census.living.length - config.minWorkers, census.spare - config.minSpare) - census.starting;
  const dueAt = ({ idleSince = Infinity }: WorkerSnapshot): number => idleSince + config.maxIdleMs;
  return census.living
    .filter((worker) => isIdle(worker) && now >= dueAt(worker))
    .sort((one, other) => dueAt(one) - dueAt(other))
    .slice(0, Math.max(allowed, 0))
    .map(({ id }) => ({ kind: 'drain', workerId: id, reason: 'spare' }));
}
