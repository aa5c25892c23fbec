import type { ServerStatus, WorkerStatus } from '../../src/status.js';

/** A worker of a status, for tests of what is made from one. */
export function workerStatus(changes: Partial<WorkerStatus> = {}): WorkerStatus {
  return {
    id: 1, pid: 4001, release: 1, phase: 'ready', accepting: true, paused: [], permit: true, blocked: false, connections: 0, served: 0,
    startedAt: 1_700_000_000_000, lastHeartbeatAt: 1_700_000_010_000, age: 10, idle: 10, drainReason: undefined, drainDeadline: undefined,
    rss: 60e6, heapUsed: 20e6, loopDelay: 2, ...changes,
  };
}

/** The status of a pool with these workers; totals follow from them unless they are given. */
export function serverStatus(
  { totals, limits, workers = [workerStatus()], ...changes }: Partial<Omit<ServerStatus, 'totals' | 'limits'>> & {
    readonly totals?: Partial<ServerStatus['totals']>; readonly limits?: Partial<ServerStatus['limits']>;
  } = {},
): ServerStatus {
  const inPhase = (phase: WorkerStatus['phase']): WorkerStatus[] => workers.filter((worker) => worker.phase === phase);
  return {
    alias: 'echo', startedAt: 1_700_000_000_000, address: { address: '127.0.0.1', family: 'IPv4', port: 4711 }, paused: false, stopping: false, release: 1, mixed: false,
    limits: {
      MaxServer: 20, StartServer: 5, MinServer: 5, MinSpareServer: 5, MaxSpareServer: 15, MasterHeartBeatTime: 10, ServerHeartBeatTime: 5,
      MaxSessionPerServer: 0, MaxServerExpireTime: 50, GraceExpireTime: 50, ShutdownDelay: 0, MaxServerSpareTime: 0, MaxServerLifeTime: 0, MaxServerLifeTimes: 0,
      MaxSession: 0, Concurrency: -1, MaxServerMemory: 0, ReloadSettleTime: 3, Backlog: 511, ...limits,
    },
    totals: {
      workers: workers.length - inPhase('draining').length,
      starting: inPhase('starting').length, ready: inPhase('ready').length, draining: inPhase('draining').length,
      spare: inPhase('ready').filter(({ connections }) => connections === 0).length,
      connections: workers.reduce((sum, { connections }) => sum + connections, 0),
      served: workers.reduce((sum, { served }) => sum + served, 0),
      queued: 0, born: workers.length,
      exits: {
        lifetime: 0, lifetimes: 0, spare: 0, surplus: 0, memory: 0, expired: 0, boot: 0, asked: 0, shutdown: 0, reload: 0, upgrade: 0, 'killed:trial': 0,
        'killed:grace': 0, 'killed:boot': 0, 'killed:asked': 0, 'boot-failed': 0, crashed: 0,
      },
      ...totals,
    },
    workers, ...changes,
  };
}
