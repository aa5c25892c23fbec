import type { Clock } from '../clock.js';
import type { DrainReason, KillReason } from '../policy/reasons.js';
import type { Thresholds } from '../options/thresholds.js';
import type { PoolEvents } from './events.js';
import { exitReason } from './exits.js';
import type { PoolHistory } from './pool-history.js';
import type { Release } from './release.js';
import type { Roster } from './roster.js';
import type { WorkerRecord } from './worker-record.js';
import { newTally, type Tally } from './status-report.js';
import type { Exit, Spawn, SpawnOptions, WorkerEvents } from './worker-process.js';

/** How much longer than its clients a draining worker may live, to sign off and end by itself, even on a busy machine. */
const FAREWELL_MS = 500;

/** The jitter of MaxServerLifeTime: each worker's life is shortened by up to this part. */
const LIFE_JITTER = 0.1;

/** What the lives of workers depend on. */
export interface LifecycleParts {
  readonly clock: Clock;
  readonly spawn: Spawn;
  readonly spawnOptions: (captureStderr: boolean, release: Release) => SpawnOptions;
  /** A number from 0 to 1. */
  readonly random: () => number;
  readonly roster: Roster;
  /** How many workers the pool begins with (StartServer). */
  readonly firsts: number;
  readonly history: PoolHistory;
  readonly events: PoolEvents;
  /** Makes the listeners for a worker's process, given its id in the roster. */
  readonly listen: (id: number) => WorkerEvents;
}

/** A worker that failed before it was of use. */
export interface FailedStart {
  readonly error: Error;
  /** How many failed in a row. */
  readonly failures: number;
  /** No further start is tried. */
  readonly isFinal: boolean;
}

/** Begins and ends the lives of workers, and keeps count. */
export class Lifecycle {
  readonly tally: Tally = newTally();
  readonly #parts: LifecycleParts;

  constructor(parts: LifecycleParts) {
    this.#parts = parts;
  }

  /**
   * How many of the first workers to start now. Each takes a core while it loads the program: of a hundred at once none would be ready
   * before nearly all are, and the first clients would wait for long. The others follow as the earlier ones have loaded the program.
   */
  firstStarts({ maxStarting }: Thresholds['pool']): number {
    const { firsts, history, roster } = this.#parts;
    const loading = roster.all().filter(({ phase, isWelcome }) => phase === 'starting' && !isWelcome).length;
    return history.isFailing ? 0 : Math.max(Math.min(firsts - this.tally.born, maxStarting - loading), 0);
  }

  /** Starts one worker; the last words of one on trial are kept. */
  start(release: Release, { pool }: Thresholds, { trial = false }: { readonly trial?: boolean } = {}): WorkerRecord {
    const { clock, events, history, listen, roster, spawn, spawnOptions } = this.#parts;
    const process = spawn(listen(roster.nextId), spawnOptions(trial || history.isFailing, release));
    const share = pool.maxPoolClients === 0 ? null : 0;
    const record = roster.add({ process, now: clock.now(), wallNow: clock.wallNow(), lifeMs: this.#drawLifeMs(pool), share, release: release.number, trial });
    this.tally.born += 1;
    events.born(record);
    return record;
  }

  /** Redraws the lifetimes of all workers from a new MaxServerLifeTime. */
  redraw({ pool }: Thresholds): void {
    for (const record of this.#parts.roster.all()) record.lifeMs = this.#drawLifeMs(pool);
  }

  #drawLifeMs({ maxLifeMs }: Thresholds['pool']): number {
    return maxLifeMs === 0 ? Infinity : maxLifeMs * (1 - LIFE_JITTER * this.#parts.random());
  }

  /** Orders a drain. @returns false if the worker is draining already */
  drain(record: WorkerRecord, reason: DrainReason, { isOurs, graceMs, lastCallMs }: { readonly isOurs: boolean; readonly graceMs: number; readonly lastCallMs: number }): boolean {
    const wasStarting = record.phase === 'starting';
    if (!this.#beginDrain(record, { reason, isOurs, graceMs })) return false;
    // It has no clients yet, and may not even read orders.
    if (wasStarting) record.process.kill();
    else record.isLastCall = record.process.send({ type: 'drain', reason, graceMs: orNull(graceMs), lastCallMs }) && lastCallMs > 0;
    return true;
  }

  /** Notes a drain that the worker has begun by itself. @returns false if it was draining already */
  drainsItself(record: WorkerRecord, reason: DrainReason, graceMs: number): boolean {
    return this.#beginDrain(record, { reason, isOurs: false, graceMs });
  }

  /** The deadline is fixed here. */
  #beginDrain(record: WorkerRecord, { reason, isOurs, graceMs }: { readonly reason: DrainReason; readonly isOurs: boolean; readonly graceMs: number }): boolean {
    const { events, roster } = this.#parts;
    if (!roster.drain(record, { reason, isOurs, deadline: this.#deadlineIn(graceMs) })) return false;
    events.drains(record, reason);
    return true;
  }

  #deadlineIn(graceMs: number): number {
    const { clock, roster } = this.#parts;
    const now = clock.now();
    // Time for which the master was blocked before now must not postpone it.
    roster.listens(now);
    return now + graceMs + FAREWELL_MS;
  }

  /** Brings the deadline of a drain forward, and tells the worker, so that it ends in an orderly way by then. */
  hurry(record: WorkerRecord, graceMs: number): void {
    const deadline = this.#deadlineIn(graceMs);
    const { drain } = record;
    if (drain === undefined || deadline >= drain.deadline) return;
    record.drain = { ...drain, deadline };
    this.#endLastCall(record, graceMs);
  }

  /** Makes a worker stop taking clients that wait in the queue. */
  endLastCall(record: WorkerRecord): void {
    if (!record.isLastCall || record.drain === undefined) return;
    this.#endLastCall(record, record.drain.deadline - FAREWELL_MS - this.#parts.clock.now());
  }

  #endLastCall(record: WorkerRecord, graceMs: number): void {
    if (record.drain === undefined) return;
    record.isLastCall = false;
    record.process.send({ type: 'drain', reason: record.drain.reason, graceMs: orNull(Math.max(graceMs, 0)), lastCallMs: 0 });
  }

  kill(record: WorkerRecord, reason: KillReason): void {
    record.killed ??= reason;
    record.process.kill();
  }

  /** @returns what a start that failed means */
  exited(record: WorkerRecord, exit: Exit, { stopping }: { readonly stopping: boolean }): FailedStart | undefined {
    const { clock, events, history, random, roster } = this.#parts;
    roster.remove(record.id);
    const reason = exitReason(record, exit);
    this.tally.exits[reason] += 1;
    this.tally.servedByGone += record.state.served;
    events.exited(record, exit, reason);
    if (stopping || record.trial || !history.isFailedStart(record, clock.now())) return undefined;
    const outlook = history.startFailed(record, { now: clock.now(), chance: random() });
    const error = events.startFailed(record, exit, outlook);
    return { error, failures: outlook.failures, isFinal: outlook.nextMs === undefined };
  }
}

const orNull = (ms: number): number | null => (ms === Infinity ? null : ms);
