import type { ListenAddress } from './ipc/protocol.js';
import type { DrainReason, ExitReason, PauseReason } from './policy/reasons.js';
import type { WorkerPhase } from './policy/snapshot.js';

/** One worker, as it last reported to the master. */
export interface WorkerStatus {
  /** Counts the workers of this server from 1. Unlike a pid, it is never used again. */
  readonly id: number;
  /** The worker's process. */
  readonly pid: number;
  /** The release that it runs. */
  readonly release: number;
  /** 'starting', 'ready' or 'draining'. */
  readonly phase: WorkerPhase;
  /** Whether it may take clients now. */
  readonly accepting: boolean;
  /** Why it does not accept although it is ready; empty if nothing but a permit is missing. */
  readonly paused: readonly PauseReason[];
  /** Whether the master lets it accept: not while it has more clients than the others, nor, when short-lived clients come in a crowd, while a few others accept. */
  readonly permit: boolean;
  /** Whether its event loop is blocked: it has missed its pulse, or did not answer. A blocked worker is not spare. */
  readonly blocked: boolean;
  /** Clients now. */
  readonly connections: number;
  /** Clients taken since it started. */
  readonly served: number;
  /** When it was forked, in milliseconds since 1970. */
  readonly startedAt: number;
  /** When it was last heard from, in milliseconds since 1970. */
  readonly lastHeartbeatAt: number;
  /** Seconds since it was forked. */
  readonly age: number;
  /** Seconds without a client; undefined while it has one. */
  readonly idle: number | undefined;
  /** Why it drains; undefined unless it does. */
  readonly drainReason: DrainReason | undefined;
  /** Seconds until it is killed, at the latest; undefined unless it drains with a deadline. */
  readonly drainDeadline: number | undefined;
  /** Resident memory in bytes, as of its last heartbeat. */
  readonly rss: number | undefined;
  /** JavaScript heap in use, in bytes, as of its last heartbeat. */
  readonly heapUsed: number | undefined;
  /** How late its last heartbeat was, in milliseconds: how long its event loop was kept busy. */
  readonly loopDelay: number | undefined;
}

/** The pool, all workers together. */
export interface PoolTotals {
  /** Workers that neither drain nor are being killed. */
  readonly workers: number;
  /** Workers that are not ready yet. */
  readonly starting: number;
  /** Workers that are ready and do not drain. */
  readonly ready: number;
  /** Workers that accept no more and let their clients finish. */
  readonly draining: number;
  /** Ready workers without a client whose event loop is not blocked. */
  readonly spare: number;
  /** Clients now. */
  readonly connections: number;
  /**
   * Clients that have connected and wait in the kernel's queue to be accepted. Undefined where their number is not known: Unix
   * sockets, systems without /proc (macOS), before the first worker listens and after shutdown() has begun.
   */
  readonly queued: number | undefined;
  /** Clients taken since the server started, including those of workers that have gone. */
  readonly served: number;
  /** Workers forked since the server started. */
  readonly born: number;
  /** Workers that have gone, by reason. */
  readonly exits: Readonly<Record<ExitReason, number>>;
}

/**
 * Thresholds and limits in force, by the names of their options: defaults filled in, `configure()` applied, times in
 * seconds. `Infinity` (never) is null in JSON.
 */
export interface PoolLimits {
  /** The option MaxServer in force. */
  readonly MaxServer: number;
  /** The option StartServer in force. */
  readonly StartServer: number;
  /** The option MinServer in force. */
  readonly MinServer: number;
  /** The option MinSpareServer in force. */
  readonly MinSpareServer: number;
  /** The option MaxSpareServer in force. */
  readonly MaxSpareServer: number;
  /** The option MasterHeartBeatTime in force. */
  readonly MasterHeartBeatTime: number;
  /** The option ServerHeartBeatTime in force. */
  readonly ServerHeartBeatTime: number;
  /** The option MaxSessionPerServer in force. */
  readonly MaxSessionPerServer: number;
  /** The option MaxServerExpireTime in force. */
  readonly MaxServerExpireTime: number;
  /** The option GraceExpireTime in force. */
  readonly GraceExpireTime: number;
  /** The option ShutdownDelay in force. */
  readonly ShutdownDelay: number;
  /** The option MaxServerSpareTime in force. */
  readonly MaxServerSpareTime: number;
  /** The option MaxServerLifeTime in force. */
  readonly MaxServerLifeTime: number;
  /** The option MaxServerLifeTimes in force. */
  readonly MaxServerLifeTimes: number;
  /** The option MaxSession in force. */
  readonly MaxSession: number;
  /** The option Concurrency in force. */
  readonly Concurrency: number;
  /** The option MaxServerMemory in force. */
  readonly MaxServerMemory: number;
  /** The option ReloadSettleTime in force. */
  readonly ReloadSettleTime: number;
  /** Clients that may wait in the kernel's queue: the option Backlog, cut by the kernel's somaxconn. */
  readonly Backlog: number;
}

/** How the last reload went. */
export interface LastReload {
  /** 'done': the new release serves. 'failed': the one before it still does. */
  readonly result: 'done' | 'failed';
  /** The release that was tried. */
  readonly release: number;
  /** When it ended, in milliseconds since 1970. */
  readonly at: number;
  /** How long it took, in seconds. */
  readonly seconds: number;
  /** Why it failed, in words. */
  readonly text?: string | undefined;
}

/** Where the admin side listens. */
export interface AdminStatus {
  /** The page's address, its port resolved; undefined without Admin.Port. */
  readonly url: string | undefined;
  /** The path of its Unix socket; undefined without Admin.Path. */
  readonly path: string | undefined;
  /** The port of HAProxy's agent-check; undefined without Admin.AgentPort. */
  readonly agentPort: number | undefined;
}

/** A snapshot of the server; frozen, and fit for JSON. */
export interface ServerStatus {
  /** The server's Alias. */
  readonly alias: string;
  /** When the server was constructed, in milliseconds since 1970. */
  readonly startedAt: number;
  /** Where it listens; undefined until it is bound. */
  readonly address: ListenAddress | undefined;
  /** Whether `pause()` is in force. */
  readonly paused: boolean;
  /** Whether the server is shutting down or has shut down; during ShutdownDelay its workers still take clients. */
  readonly stopping: boolean;
  /** The release that serves: counts reloads from 1. */
  readonly release: number;
  /** Whether its script has been overwritten in place since it was loaded: new workers run different code from the others, and there is no way back. */
  readonly mixed: boolean;
  /** Whether a reload is under way. */
  readonly reloading?: boolean | undefined;
  /** The outcome of the last reload; undefined before the first. */
  readonly lastReload?: LastReload | undefined;
  /** Reloads that have ended, by outcome. */
  readonly reloads?: Readonly<Record<LastReload['result'], number>> | undefined;
  /** Where the pool can be looked at; undefined without the option Admin, and until it listens. */
  readonly admin?: AdminStatus | undefined;
  /** Thresholds and limits in force. */
  readonly limits: PoolLimits;
  /** The workers and clients of the pool, counted. */
  readonly totals: PoolTotals;
  /** Every worker, the oldest first. */
  readonly workers: readonly WorkerStatus[];
}
