import type { PoolConfig, PoolSnapshot, WorkerSnapshot } from '../../src/policy/snapshot.js';

/** A time at which nothing in {@link CONFIG} is due for workers made by this file. */
export const NOW = 1_000_000;

/** Round numbers, all different, so that a rule that reads the wrong one shows. */
export const CONFIG: PoolConfig = {
  maxWorkers: 12, startWorkers: 4, minWorkers: 3, minSpare: 2, maxSpare: 5,
  heartbeatMs: 10_000, reportMs: 5000, expireMs: 50_000, graceMs: 40_000, maxIdleMs: 0, maxLifeMs: 0, maxRss: 0,
  maxPoolClients: 0, clientsPerWorker: Infinity, maxStarting: 6, bootMs: 60_000, settleMs: 3000, shutdownDelayMs: 0,
};

/** A ready worker without a client, except for what is given. */
export function worker(id: number, given: Partial<WorkerSnapshot> = {}): WorkerSnapshot {
  const clients = given.clients ?? 0;
  return {
    id, phase: 'ready', bornAt: NOW - 1000 + id, heardAt: NOW, idleSince: clients > 0 ? undefined : NOW - 500,
    clients, drainDeadline: undefined, killed: false, lifeMs: Infinity,
    rss: 0, reportMs: 5000, deafAtHeard: 0, deafAtBirth: 0, blocked: false, outdated: false, trial: false, ...given,
  };
}

/** What a case needs to know of a worker, in a word. */
export type Kind = 'starting' | 'idle' | 'busy' | 'draining' | 'killed';

const KINDS: Readonly<Record<Kind, Partial<WorkerSnapshot>>> = {
  starting: { phase: 'starting' },
  idle: {},
  busy: { clients: 2 },
  draining: { phase: 'draining', clients: 1, drainDeadline: NOW + 40_000 },
  killed: { killed: true },
};

/** Workers with ids from 1, the older ones first. */
export const workers = (...kinds: readonly Kind[]): WorkerSnapshot[] => kinds.map((kind, index) => worker(index + 1, KINDS[kind]));

/** This many workers of one kind. */
export const many = (count: number, kind: Kind): Kind[] => Array.from({ length: count }, () => kind);

/** A pool in which nothing has happened lately. */
export function pool(members: readonly WorkerSnapshot[], given: Partial<PoolSnapshot> = {}): PoolSnapshot {
  return {
    workers: members, stopping: false, lastCall: false, deafMs: 0, shrunkAt: -Infinity, surplusSince: undefined, waiting: 0, retryAt: undefined,
    ...given,
  };
}
