import type { PoolConfig, WorkerConfig } from '../policy/snapshot.js';
import type { PoolLimits } from '../status.js';

/** The thresholds and limits in force, by the names of their options: every default filled in, times in seconds. */
export function reportLimits({ pool, worker, backlog }: {
  readonly pool: PoolConfig; readonly worker: WorkerConfig; readonly backlog: number;
}): PoolLimits {
  return {
    MaxServer: pool.maxWorkers,
    StartServer: pool.startWorkers,
    MinServer: pool.minWorkers,
    MinSpareServer: pool.minSpare,
    MaxSpareServer: pool.maxSpare,
    MasterHeartBeatTime: pool.heartbeatMs / 1000,
    ServerHeartBeatTime: worker.heartbeatMs / 1000,
    MaxSessionPerServer: worker.maxClients ?? 0,
    MaxServerExpireTime: pool.expireMs / 1000,
    GraceExpireTime: pool.graceMs / 1000,
    ShutdownDelay: pool.shutdownDelayMs / 1000,
    MaxServerSpareTime: pool.maxIdleMs / 1000,
    MaxServerLifeTime: pool.maxLifeMs / 1000,
    MaxServerLifeTimes: worker.maxServed ?? 0,
    MaxSession: pool.maxPoolClients,
    Concurrency: worker.concurrency ?? -1,
    MaxServerMemory: pool.maxRss,
    ReloadSettleTime: pool.settleMs / 1000,
    Backlog: backlog,
  };
}
