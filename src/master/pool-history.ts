import { takeCensus } from '../policy/census.js';
import { mayLackWorkers } from '../policy/demand.js';
import { hasSurplus } from '../policy/scaling.js';
import type { PoolConfig, PoolSnapshot } from '../policy/snapshot.js';
import { NO_STARTS, shouldGiveUp, startFailed, startSucceeded, workerReady } from '../policy/starts.js';
import type { Roster } from './roster.js';
import type { WorkerRecord } from './worker-record.js';

/** A worker that ends by itself earlier than this, without having had a client, was of no use. */
const EARLY_MS = 10_000;

/** What a snapshot is made from, besides the roster. */
interface SnapshotParts {
  readonly pool: PoolConfig;
  readonly stopping: boolean;
  readonly lastCall: boolean;
  /** Clients that wait in the kernel and may be accepted; undefined where their number is unknown. */
  readonly queued: () => number | undefined;
  readonly now: number;
}

/** What the plan has to know about the past: how starts went, and when the pool shrank. */
export class PoolHistory {
  #starts = NO_STARTS;
  #shrunkAt = -Infinity;
  #surplusSince: number | undefined;

  /** What the plan is made from. */
  snapshot(roster: Roster, { pool, stopping, lastCall, queued, now }: SnapshotParts): PoolSnapshot {
    const workers = roster.workers(now);
    const census = takeCensus({ workers });
    this.#surplusSince = hasSurplus(census, pool) ? this.#surplusSince ?? now : undefined;
    return {
      workers, stopping, lastCall, waiting: mayLackWorkers(census, pool) ? queued() : 0, deafMs: roster.deafMs, shrunkAt: this.#shrunkAt,
      surplusSince: this.#surplusSince, retryAt: this.#starts.retryAt,
    };
  }

  shrunk(now: number): void {
    this.#shrunkAt = now;
  }

  /** Whether starts fail at present. */
  get isFailing(): boolean {
    return this.#starts.failures > 0;
  }

  /** The pool is to run another release, which has proved useful. */
  renewed(): void {
    this.#starts = startSucceeded();
  }

  workerReady(record: WorkerRecord): void {
    this.#starts = workerReady(this.#starts, record);
  }

  /** A worker reported: one that was started since the failures and has been of use ends the series. */
  heard(record: WorkerRecord, now: number): void {
    if (this.isFailing && record.bornAt >= this.#starts.since && hasProved(record, now)) this.#starts = startSucceeded();
  }

  /**
   * Whether a worker that exited was of no use, however it ended, so that the next start has to wait. A worker that the
   * master itself has ended proves nothing.
   */
  isFailedStart(record: WorkerRecord, now: number): boolean {
    if (record.drain?.isOurs === true || (record.killed !== undefined && record.killed !== 'boot')) return false;
    return record.readyAt === undefined || !hasProved(record, now);
  }

  /** Notes a failed start. @returns `nextMs` until the next try; undefined = there is none, since no worker was ever ready */
  startFailed(record: WorkerRecord, { now, chance }: { readonly now: number; readonly chance: number }): { readonly failures: number; readonly nextMs: number | undefined } {
    this.#starts = startFailed(this.#starts, { bornAt: record.bornAt, now, chance });
    const { failures, everReady, retryAt = now } = this.#starts;
    // The next one would take just as long without making a server.
    const isHopeless = !everReady && record.killed === 'boot' && !record.isWelcome;
    return { failures, nextMs: isHopeless || shouldGiveUp(this.#starts) ? undefined : Math.max(retryAt - now, 0) };
  }
}

/** Whether a worker has been of use: it has served a client, or has been ready for a while. */
function hasProved({ readyAt, state }: WorkerRecord, now: number): boolean {
  return state.served > 0 || (readyAt !== undefined && now - readyAt >= EARLY_MS);
}
