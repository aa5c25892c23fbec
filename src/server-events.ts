import type { PreforkError } from './errors.js';
import type { ListenAddress } from './ipc/protocol.js';
import type { DrainReason, ExitReason } from './policy/reasons.js';

/** A worker was forked. */
export interface WorkerBornEvent {
  /** The worker's process. */
  readonly pid: number;
  /** Counts the workers of this server from 1. */
  readonly id: number;
}

/** A worker has started. It accepts when it has a permit, which follows at once if it is its turn. */
export interface WorkerReadyEvent {
  /** The worker's process. */
  readonly pid: number;
  /** Counts the workers of this server from 1. */
  readonly id: number;
  /** Seconds since it was forked. */
  readonly after: number;
}

/** A worker accepts no more and lets its clients finish. */
export interface WorkerDrainEvent {
  /** The worker's process. */
  readonly pid: number;
  /** Counts the workers of this server from 1. */
  readonly id: number;
  /** Why; the words for each are in the README. */
  readonly reason: DrainReason;
  /** Clients it still has, as last reported. */
  readonly connections: number;
}

/** A worker's process is gone. */
export interface WorkerExitEvent {
  /** The worker's process. */
  readonly pid: number;
  /** Counts the workers of this server from 1. */
  readonly id: number;
  /** Its exit code; null if a signal ended it. */
  readonly code: number | null;
  /** The signal that ended it; null if none did. */
  readonly signal: NodeJS.Signals | null;
  /** Why, as one word. */
  readonly reason: ExitReason;
  /** The same in words. */
  readonly text: string;
  /** Clients it had when it was last heard from. */
  readonly connections: number;
  /** Clients taken in its life, when it was last heard from. */
  readonly served: number;
}

/** Something failed in a worker, or a worker failed. */
export interface WorkerErrorEvent {
  /** The worker's process. */
  readonly pid: number;
  /** Counts the workers of this server from 1. */
  readonly id: number;
  /** The callback or step that failed. */
  readonly where: string;
  /** What was thrown, with its name, message, stack and code. */
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
  /** Counted from 1. */
  readonly column: number;
}

/** The event loop of a worker is blocked. */
export interface WorkerHungEvent {
  /** The worker's process. */
  readonly pid: number;
  /** Counts the workers of this server from 1. */
  readonly id: number;
  /** Seconds since the event loop last turned. */
  readonly blockedFor: number;
  /**
   * The JavaScript call frames, innermost first. Empty if the thread is not in JavaScript, as in a synchronous system call; when
   * that returns, the event is emitted once more, with the frames.
   */
  readonly stack: readonly HungFrame[];
}

/** A message of the user's own, from a worker. */
export interface WorkerMessageEvent {
  /** The worker's process. */
  readonly pid: number;
  /** Counts the workers of this server from 1. */
  readonly id: number;
  /** What was sent, as JSON carries it. */
  readonly message: unknown;
  /**
   * Answers `ask()`, at once or later; only the first answer counts. Does nothing for a message of `send()`.
   *
   * @returns false if nothing was asked, or the worker has gone
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
  /** The worker's process. */
  readonly pid: number;
  /** Counts the workers of this server from 1. */
  readonly id: number;
}

/** What a reload has done. */
export interface ReloadResult extends ReloadEvent {
  /** Workers of older releases that have made way. */
  readonly replaced: number;
  /** Those of them that are still serving their last clients. */
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
  /** Counts the releases that were tried, from 1. */
  readonly release: number;
  /** Why: the error that `reload()` rejects with. */
  readonly error: PreforkError;
}

/** The process that has taken over. */
export interface UpgradeResult {
  /** The successor: the process that is the master from now on. */
  readonly pid: number;
}

/** An upgrade that came to nothing. */
export interface UpgradeFailedEvent {
  /** ERR_PREFORK_UPGRADE with its reason, exit and last lines on stderr: what upgrade() rejects with. */
  readonly error: PreforkError;
}

/** The events of the server in the master, and what each carries. */
export interface ServerEvents {
  /** The socket is bound: clients that connect wait until a worker is ready. */
  listening: [ListenAddress];
  /** A worker was forked. */
  'worker:born': [WorkerBornEvent];
  /** A worker has started. */
  'worker:ready': [WorkerReadyEvent];
  /** A worker accepts no more and lets its clients finish. */
  'worker:drain': [WorkerDrainEvent];
  /** A worker's process is gone. */
  'worker:exit': [WorkerExitEvent];
  /** Something failed in a worker, or a worker failed. Without a listener it goes to stderr. */
  'worker:error': [WorkerErrorEvent];
  /** A worker's event loop is blocked (HangReport). */
  'worker:hung': [WorkerHungEvent];
  /** A worker has called `send()` or `ask()`. A listener that throws, or whose promise rejects, makes `ask()` reject, and is reported as worker:error with 'worker:message'. */
  'worker:message': [WorkerMessageEvent];
  /** In a worker: a message of the master's `send()`, or of anyone's `broadcast()`. Those that come while it starts are kept until there is a listener, or until ServerStarted is done. A listener that throws, or whose promise rejects, is reported as worker:error with 'message'. */
  message: [unknown];
  /** A reload has begun. */
  'reload:start': [ReloadEvent];
  /** The first worker of the new release has been started; it takes no client until it has proved itself. */
  'reload:canary': [ReloadCanaryEvent];
  /** The last worker of the old release has begun to drain. */
  'reload:done': [ReloadResult];
  /** The new release was not accepted. */
  'reload:failed': [ReloadFailedEvent];
  /** A successor accepts, and this process lets its clients finish. */
  'upgrade:done': [UpgradeResult];
  /** A successor did not take over; `upgrade()` rejects with the same. */
  'upgrade:failed': [UpgradeFailedEvent];
  /** The server cannot listen, or no worker can start; `ready()` rejects with the same. */
  error: [Error];
  /** The status may have changed. Comes at most once in each turn of the event loop; `status()` has the details. */
  status: [];
}
