import type { PreforkError } from './errors.js';
import type { ListenAddress } from './ipc/protocol.js';
import type { DrainReason, ExitReason, PauseReason } from './policy/reasons.js';
import type { WorkerPhase } from './policy/snapshot.js';

/** One worker, as the master last heard of it. */
export interface WorkerStatus {
  /** Counts the workers of this server from 1. Unlike a pid it never comes again. */
  readonly id: number;
  readonly pid: number;
  /** The release that it runs. */
  readonly release: number;
  readonly phase: WorkerPhase;
  /** Whether it may take clients now. */
  readonly accepting: boolean;
  /** Why it does not accept although it is ready; empty if nothing but a permit is missing. */
  readonly paused: readonly PauseReason[];
  /** Whether the master lets it accept: not while it has more clients than the others, nor, in a crowd of short-lived clients, while a few others do. */
  readonly permit: boolean;
  /** Whether its event loop stands still: it has missed its pulse, or did not answer. A blocked worker is not spare. */
  readonly blocked: boolean;
  /** Clients now. */
  readonly connections: number;
  /** Clients taken since it started. */
  readonly served: number;
  /** When it was forked, in milliseconds since 1970. */
  readonly startedAt: number;
  /** When it was last heard of, in milliseconds since 1970. */
  readonly lastHeartbeatAt: number;
  /** Seconds since it was forked. */
  readonly age: number;
  /** Seconds without a client; undefined while it has one. */
  readonly idle: number | undefined;
  /** Why it drains; undefined unless it does. */
  readonly drainReason: DrainReason | undefined;
  /** Seconds until it is ended, at the latest; undefined unless it drains with a deadline. */
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
  readonly starting: number;
  readonly ready: number;
  readonly draining: number;
  /** Ready workers without a client whose event loop turns. */
  readonly spare: number;
  /** Clients now. */
  readonly connections: number;
  /**
   * Clients that have connected and wait in the kernel's queue for a worker that accepts them. Undefined where the kernel
   * does not say: Unix sockets, systems without /proc (macOS), before the first worker listens and after shutdown() has begun.
   */
  readonly queued: number | undefined;
  /** Clients taken since the server started, by workers that have gone too. */
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
  readonly MaxServer: number;
  readonly StartServer: number;
  readonly MinServer: number;
  readonly MinSpareServer: number;
  readonly MaxSpareServer: number;
  readonly MasterHeartBeatTime: number;
  readonly ServerHeartBeatTime: number;
  readonly MaxSessionPerServer: number;
  readonly MaxServerExpireTime: number;
  readonly GraceExpireTime: number;
  readonly MaxServerSpareTime: number;
  readonly MaxServerLifeTime: number;
  readonly MaxServerLifeTimes: number;
  readonly MaxSession: number;
  readonly Concurrency: number;
  readonly MaxServerMemory: number;
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
  readonly alias: string;
  /** When the server was constructed, in milliseconds since 1970. */
  readonly startedAt: number;
  /** Where it listens; undefined until it is bound. */
  readonly address: ListenAddress | undefined;
  /** Whether `pause()` is in force. */
  readonly paused: boolean;
  /** Whether the server is shutting down or has. */
  readonly stopping: boolean;
  /** The release that serves: counts reloads from 1. */
  readonly release: number;
  /** Whether its script has been overwritten in place since it was loaded: workers that start anew run other code than the rest, and there is no way back. */
  readonly mixed: boolean;
  /** Whether a reload is under way. */
  readonly reloading?: boolean | undefined;
  /** The outcome of the last reload; undefined before the first. */
  readonly lastReload?: LastReload | undefined;
  /** Reloads that have ended, by outcome. */
  readonly reloads?: Readonly<Record<LastReload['result'], number>> | undefined;
  /** Where the pool can be looked at; undefined without the option Admin, and before that listens. */
  readonly admin?: AdminStatus | undefined;
  readonly limits: PoolLimits;
  readonly totals: PoolTotals;
  readonly workers: readonly WorkerStatus[];
}

/** A worker was forked. */
export interface WorkerBornEvent {
  readonly pid: number;
  readonly id: number;
}

/** A worker has started. It accepts when it has a permit, which follows at once if it is its turn. */
export interface WorkerReadyEvent {
  readonly pid: number;
  readonly id: number;
  /** Seconds since it was forked. */
  readonly after: number;
}

/** A worker accepts no more and lets its clients finish. */
export interface WorkerDrainEvent {
  readonly pid: number;
  readonly id: number;
  readonly reason: DrainReason;
  /** Clients it still has, as last reported. */
  readonly connections: number;
}

/** A worker's process is gone. */
export interface WorkerExitEvent {
  readonly pid: number;
  readonly id: number;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly reason: ExitReason;
  /** The same in words. */
  readonly text: string;
  /** Clients it had when it was last heard of. */
  readonly connections: number;
  readonly served: number;
}

/** Something failed in a worker, or a worker failed. */
export interface WorkerErrorEvent {
  readonly pid: number;
  readonly id: number;
  /** The callback or step that failed. */
  readonly where: string;
  readonly error: Error;
}

/** Where the main thread of a worker is stuck. */
export interface HungFrame {
  /** The function's name; empty for an anonymous one. */
  readonly functionName: string;
  /** File or URL. */
  readonly url: string;
  /** Counted from 1. */
  readonly line: number;
  readonly column: number;
}

/** The event loop of a worker is blocked. */
export interface WorkerHungEvent {
  readonly pid: number;
  readonly id: number;
  /** Seconds since the event loop turned last. */
  readonly blockedFor: number;
  /** The JavaScript call frames, innermost first; empty if the thread is not in JavaScript, as in a synchronous wait. */
  readonly stack: readonly HungFrame[];
}

/** A message of the user's own, from a worker. */
export interface WorkerMessageEvent {
  readonly pid: number;
  readonly id: number;
  readonly message: unknown;
  /**
   * Answers `ask()`; the first answer counts, now or later. Does nothing for a message of `send()`.
   *
   * @returns false if nothing is asked, or the worker has gone
   * @throws PreforkError ERR_PREFORK_MESSAGE if JSON cannot carry the value
   */
  readonly answer: (value?: unknown) => boolean;
}

/** A reload is under way. */
export interface ReloadEvent {
  /** Counts the releases that were tried, from 1. */
  readonly release: number;
  /** The file that its workers run, symbolic links resolved. */
  readonly script: string;
}

/** The first worker of a release. */
export interface ReloadCanaryEvent extends ReloadEvent {
  readonly pid: number;
  readonly id: number;
}

/** What a reload has done. */
export interface ReloadResult extends ReloadEvent {
  /** Workers of older releases that have made way. */
  readonly replaced: number;
  /** Those of them that still finish with their clients. */
  readonly draining: number;
  /** Options of the new script that the pool has adopted. */
  readonly adopted: readonly string[];
  /** Options of the new script that a reload cannot change. */
  readonly needsUpgrade: readonly string[];
  /** How long it took, in seconds. */
  readonly seconds: number;
}

/** A reload that came to nothing; `reload()` rejects with the same error. */
export interface ReloadFailedEvent {
  readonly release: number;
  readonly error: PreforkError;
}

/** The events of the server in the master, and what each carries. */
export interface ServerEvents {
  /** The socket is bound: clients that connect wait until a worker is ready. */
  listening: [ListenAddress];
  'worker:born': [WorkerBornEvent];
  'worker:ready': [WorkerReadyEvent];
  'worker:drain': [WorkerDrainEvent];
  'worker:exit': [WorkerExitEvent];
  'worker:error': [WorkerErrorEvent];
  /** A worker's event loop is blocked (HangReport). */
  'worker:hung': [WorkerHungEvent];
  /** A worker has called `send()` or `ask()`. */
  'worker:message': [WorkerMessageEvent];
  /** In a worker: a message of the master's `send()`, or of anyone's `broadcast()`. Those that come while it starts are kept until there is a listener, or ServerStarted is done. */
  message: [unknown];
  /** A reload has begun. */
  'reload:start': [ReloadEvent];
  /** The first worker of the new release was started; it serves nobody until it has proved itself. */
  'reload:canary': [ReloadCanaryEvent];
  /** The last worker of the old release has begun to drain. */
  'reload:done': [ReloadResult];
  /** The new release was not taken. */
  'reload:failed': [ReloadFailedEvent];
  /** The server cannot listen, or no worker can start; `ready()` rejects with the same. */
  error: [Error];
  /** The status may have changed. At most one for each turn of the event loop; ask `status()`. */
  status: [];
}
