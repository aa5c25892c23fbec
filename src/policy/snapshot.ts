import type { DrainReason, KillReason } from './reasons.js';

/** Where a worker is in its life. It changes only on evidence from the process itself, or when a drain is ordered. */
export type WorkerPhase = 'starting' | 'ready' | 'draining';

/** What the plan knows about one worker. Times are the master's monotonic milliseconds. */
export interface WorkerSnapshot {
  readonly id: number;
  readonly phase: WorkerPhase;
  readonly bornAt: number;
  /** When it was last heard from; until then, its birth. */
  readonly heardAt: number;
  /** The interval of reports that it has confirmed, in milliseconds. */
  readonly reportMs: number;
  /** How long, in total, the master had not listened when it was last heard from, and when it was born. */
  readonly deafAtHeard: number;
  readonly deafAtBirth: number;
  /** Its event loop is blocked (silence.ts). */
  readonly blocked: boolean;
  /** Since when it has had no client; undefined while it has one. */
  readonly idleSince: number | undefined;
  /** Clients now. */
  readonly clients: number;
  /** When it must be gone, fixed when the drain begins; undefined unless draining. */
  readonly drainDeadline: number | undefined;
  /** Whether it has been killed and only its exit is outstanding. */
  readonly killed: boolean;
  /** How long it is meant to live, in milliseconds, including its jitter; Infinity = no limit. */
  readonly lifeMs: number;
  /** Resident memory in bytes as of its last heartbeat; 0 until then. */
  readonly rss: number;
  /** It runs a release other than the pool is to run: it is relieved, and takes up no place when it drains. */
  readonly outdated: boolean;
  /** It runs a release that has not proved itself yet: until then it does not belong to the pool. */
  readonly trial: boolean;
}

/** What the plan knows about the pool. */
export interface PoolSnapshot {
  readonly workers: readonly WorkerSnapshot[];
  /** The pool is ending: nothing is forked. */
  readonly stopping: boolean;
  /** It is ending, and clients in the kernel's queue are still taken: workers that start may be the only ones that can. */
  readonly lastCall: boolean;
  /** How long, in total, the master has not listened, in milliseconds (deafness.ts). */
  readonly deafMs: number;
  /** When an idle worker was last retired as surplus; -Infinity if never. */
  readonly shrunkAt: number;
  /** Since when there have been more spare workers than MaxSpareServer; undefined while there are not. */
  readonly surplusSince: number | undefined;
  /** Clients in the kernel's queue, if no worker is free (demand.ts); undefined where that is unknown. */
  readonly waiting: number | undefined;
  /** If the last start failed: when the next one may be tried. */
  readonly retryAt: number | undefined;
}

/** The thresholds of the pool, checked and in milliseconds. */
export interface PoolConfig {
  readonly maxWorkers: number;
  readonly startWorkers: number;
  readonly minWorkers: number;
  readonly minSpare: number;
  readonly maxSpare: number;
  readonly heartbeatMs: number;
  /** Between two reports of an idle worker. */
  readonly reportMs: number;
  readonly expireMs: number;
  readonly graceMs: number;
  /** 0 = off. */
  readonly maxIdleMs: number;
  /** 0 = off. */
  readonly maxLifeMs: number;
  /** Resident memory in bytes from which a worker is replaced; 0 = off. */
  readonly maxRss: number;
  /** Clients of the pool at once; 0 = unlimited. */
  readonly maxPoolClients: number;
  /** Clients that one new worker can take, from MaxSessionPerServer, Concurrency and MaxServerLifeTimes; Infinity = unlimited. */
  readonly clientsPerWorker: number;
  /** Workers that may be starting at the same time. */
  readonly maxStarting: number;
  /** A worker that is not ready by then is killed. */
  readonly bootMs: number;
  /** How long the first worker of a release has to live before the pool accepts the release. */
  readonly settleMs: number;
  /** How long a pool that has been asked to stop goes on before it drains. */
  readonly shutdownDelayMs: number;
}

/** The part of the configuration that workers are sent. */
export interface WorkerConfig {
  readonly heartbeatMs: number;
  /** How long its clients have once it drains; null = no limit. */
  readonly graceMs: number | null;
  /** Clients at once, from MaxSessionPerServer; null = unlimited. */
  readonly maxClients: number | null;
  /** Clients at once, from Concurrency; null = unlimited. */
  readonly concurrency: number | null;
  /** Clients in its life; null = unlimited. */
  readonly maxServed: number | null;
  /** What `configure()` has changed for clients; undefined = nothing. */
  readonly client?: ClientChange | undefined;
}

/** Options of clients that `configure()` has changed. Where a field is undefined, the worker's own options apply. */
export interface ClientChange {
  /** ClientCallbackTimeout; null = off. */
  readonly callbackMs?: number | null | undefined;
  /** MaxOutput; null = no bound. */
  readonly maxOutput?: number | null | undefined;
  /** The entries of BlockList. */
  readonly blockList?: readonly string[] | undefined;
  /** Tls, as text. It holds private keys: never to be shown. */
  readonly tls?: string | undefined;
}

/** What the plan wants done. */
export type Action = { readonly kind: 'fork'; readonly count: number } | WorkerAction;

/** What it wants done to one worker. */
export type WorkerAction =
  | { readonly kind: 'drain'; readonly workerId: number; readonly reason: DrainReason }
  | { readonly kind: 'kill'; readonly workerId: number; readonly reason: KillReason };
