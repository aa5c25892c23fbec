import type { PreforkError } from './errors.js';
import type { ListenAddress } from './ipc/protocol.js';
import type { DrainReason, ExitReason } from './policy/reasons.js';

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
