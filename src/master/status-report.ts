import type { Clock } from '../clock.js';
import type { ListenAddress } from '../ipc/protocol.js';
import { isLiving } from '../policy/census.js';
import { EXIT_REASONS } from '../policy/reasons.js';
import type { ExitReason } from '../policy/reasons.js';
import type { AdminStatus, PoolLimits, PoolTotals, ServerStatus, WorkerStatus } from '../status.js';
import type { Roster } from './roster.js';
import { heardByWall, isBlockedWorker, type WorkerRecord } from './worker-record.js';

/** What the master counts over the life of the server. */
export interface Tally {
  /** Workers forked. */
  born: number;
  /** Clients taken by workers that have gone. */
  servedByGone: number;
  readonly exits: Record<ExitReason, number>;
}

export const newTally = (): Tally => ({
  born: 0,
  servedByGone: 0,
  exits: Object.fromEntries(EXIT_REASONS.map((reason) => [reason, 0])) as Record<ExitReason, number>,
});

/** What a status is made from. */
export interface StatusSource {
  readonly alias: string;
  readonly startedAt: number;
  readonly address: ListenAddress | undefined;
  readonly paused: boolean;
  readonly stopping: boolean;
  readonly admin?: AdminStatus | undefined;
  readonly limits: PoolLimits;
  /** Clients that wait in the kernel's queue, if known. */
  readonly queued: number | undefined;
  readonly release: Pick<ServerStatus, 'release' | 'mixed' | 'reloading' | 'lastReload' | 'reloads'>;
  readonly roster: Roster;
  readonly tally: Tally;
  readonly clock: Clock;
}

/** Makes the snapshot that `status()` returns. */
export function reportStatus({ alias, startedAt, address, paused, stopping, admin, limits, queued, release, roster, tally, clock }: StatusSource): ServerStatus {
  const workers = roster.all().map((record) => reportWorker(record, clock));
  const living = roster.workers(clock.now()).filter(isLiving).length;
  const totals = { ...sum(workers, tally), workers: living, queued };
  return deepFreeze({ alias, startedAt, address, paused, stopping, ...release, admin, limits, totals, workers });
}

/** What `status()` says about one worker. */
export function reportWorker(record: WorkerRecord, clock: Clock): WorkerStatus {
  const now = clock.now();
  const seconds = (sinceMs: number): number => Math.max(now - sinceMs, 0) / 1000;
  const { state, vitals, drain } = record;
  return {
    id: record.id,
    release: record.release,
    pid: record.pid,
    phase: record.phase,
    accepting: state.accepting && record.phase === 'ready',
    paused: [...state.paused],
    permit: state.permit === 'held',
    blocked: isBlockedWorker(record, now),
    connections: state.clients,
    served: state.served,
    startedAt: record.bornAtWall,
    lastHeartbeatAt: heardByWall(record, { now, wallNow: clock.wallNow() }),
    age: seconds(record.bornAt),
    idle: record.idleSince === undefined ? undefined : seconds(record.idleSince),
    drainReason: drain?.reason,
    drainDeadline: drain === undefined || drain.deadline === Infinity ? undefined : Math.max(drain.deadline - now, 0) / 1000,
    rss: vitals?.rss,
    heapUsed: vitals?.heapUsed,
    loopDelay: vitals?.loopDelayMs,
  };
}

function sum(workers: readonly WorkerStatus[], tally: Tally): Omit<PoolTotals, 'workers' | 'queued'> {
  const count = (holds: (worker: WorkerStatus) => boolean): number => workers.filter(holds).length;
  const add = (value: (worker: WorkerStatus) => number): number => workers.reduce((total, worker) => total + value(worker), 0);
  return {
    starting: count(({ phase }) => phase === 'starting'),
    ready: count(({ phase }) => phase === 'ready'),
    draining: count(({ phase }) => phase === 'draining'),
    spare: count(({ phase, connections, blocked }) => phase === 'ready' && connections === 0 && !blocked),
    connections: add(({ connections }) => connections),
    served: tally.servedByGone + add(({ served }) => served),
    born: tally.born,
    exits: { ...tally.exits },
  };
}

function deepFreeze<T extends object>(value: T): T {
  for (const inner of Object.values(value) as unknown[]) {
    if (typeof inner === 'object' && inner !== null && !Object.isFrozen(inner)) deepFreeze(inner);
  }
  return Object.freeze(value);
}
