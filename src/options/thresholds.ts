import { builtIn } from '../built-ins.js';
import type { PoolConfig, WorkerConfig } from '../policy/snapshot.js';
import type { PoolOptions } from './options.js';

/** The thresholds, with every default filled in. */
export interface Thresholds {
  readonly pool: PoolConfig;
  readonly worker: WorkerConfig;
}

/** Fills in the defaults. They are adjusted to the values that were given, so that they never contradict them. */
export function resolveThresholds(given: PoolOptions): Thresholds {
  const most = given.MaxServer ?? 20;
  const start = given.StartServer ?? Math.min(given.MinServer ?? 5, most);
  const least = given.MinServer ?? start;
  // A pool that may shrink to nothing still keeps one worker ready, or the first client would find none.
  const minSpare = given.MinSpareServer ?? Math.min(Math.max(least, 1), given.MaxSpareServer ?? most);
  const maxSpare = given.MaxSpareServer ?? Math.max(most - least, minSpare);
  // A heartbeat that was not given has to be shorter than an expiry that was.
  const heartbeat = given.MasterHeartBeatTime ?? Math.min(10, (given.MaxServerExpireTime ?? 50) / 2);
  const expire = given.MaxServerExpireTime ?? 5 * heartbeat;
  const grace = given.GraceExpireTime ?? expire;
  const report = given.ServerHeartBeatTime ?? heartbeat / 2;
  const maxClients = orUnlimited(given.MaxSessionPerServer ?? 0, 0);
  const concurrency = orUnlimited(given.Concurrency ?? -1, -1);
  const maxServed = orUnlimited(given.MaxServerLifeTimes ?? 0, 0);
  return {
    pool: {
      maxWorkers: most,
      startWorkers: start,
      minWorkers: least,
      minSpare,
      maxSpare,
      heartbeatMs: heartbeat * 1000,
      reportMs: report * 1000,
      expireMs: expire * 1000,
      graceMs: grace * 1000,
      maxIdleMs: (given.MaxServerSpareTime ?? 0) * 1000,
      maxLifeMs: (given.MaxServerLifeTime ?? 0) * 1000,
      maxRss: given.MaxServerMemory ?? 0,
      maxPoolClients: given.MaxSession ?? 0,
      clientsPerWorker: Math.min(maxClients ?? Infinity, concurrency ?? Infinity, maxServed ?? Infinity),
      // Starting a worker takes a core for about 50 ms; starting more than twice as many at once as there are cores
      // only delays all of them.
      maxStarting: 2 * builtIn('node:os').availableParallelism(),
      // A start loads the user's whole program: allow time for that, whatever the expiry of a running worker.
      bootMs: Math.max(30_000, expire * 1000),
      settleMs: (given.ReloadSettleTime ?? 3) * 1000,
      shutdownDelayMs: (given.ShutdownDelay ?? 0) * 1000,
    },
    worker: {
      heartbeatMs: report * 1000,
      graceMs: grace === Infinity ? null : grace * 1000,
      maxClients,
      concurrency,
      maxServed,
    },
  };
}

/** For a running pool: a change cannot contradict the number of workers that it started with. */
export function asRunning(given: PoolOptions): PoolOptions {
  const { StartServer, MinServer = 0, MaxServer = Infinity } = given;
  return StartServer === undefined ? given : { ...given, StartServer: clamp(StartServer, MinServer, MaxServer) };
}

const clamp = (value: number, least: number, most: number): number => Math.min(Math.max(value, least), most);
const orUnlimited = (value: number, unlimited: number): number | null => (value === unlimited ? null : value);
