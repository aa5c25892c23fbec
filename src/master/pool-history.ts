import { takeCensus } from '../policy/census.js';
import { hasSurplus } from '../policy/scaling.js';
import type { PoolConfig, PoolSnapshot } from '../policy/snapshot.js';
import { NO_STARTS, shouldGiveUp, startFailed, startSucceeded, workerReady } from '../policy/starts.js';
import type { Roster, WorkerRecord } from './roster.js';

/** A program that crashes so soon after it was ready, and without a client, crashes by itself. */
const EARLY_MS = 1000;

/** What the plan has to know of the past: how starts went, and when the pool shrank. */
export class PoolHistory {
  #starts = NO_STARTS;
  #plannedAt: number | undefined;
  #shrunkAt = -Infinity;
  #surplusSince: number | undefined;

  /** What the plan is made from. */
  snapshot(roster: Roster, { pool, stopping, now }: { readonly pool: PoolConfig; readonly stopping: boolean; readonly now: number }): PoolSnapshot {
    const workers = roster.workers();
    this.#surplusSince = hasSurplus(takeCensus({ workers }), pool) ? this.#surplusSince ?? now : undefined;
    return {
      workers, stopping, plannedAt: this.#plannedAt, shrunkAt: this.#shrunkAt,
      surplusSince: this.#surplusSince, retryAt: this.#starts.retryAt,
    };
  }

  planned(now: number): void {
    this.#plannedAt = now;
  }

  shrunk(now: number): void {
    this.#shrunkAt = now;
  }

  /** Whether starts fail at present. */
  get isFailing(): boolean {
    return this.#starts.failures > 0;
  }

  workerReady(): void {
    this.#starts = workerReady(this.#starts);
  }

  /** A worker reported: one that has been of use ends a row of failures. */
  heard(record: WorkerRecord, now: number): void {
    if (this.isFailing && hasProved(record, now)) this.#starts = startSucceeded();
  }

  /** Whether a worker that exited was of no use, so that the next start has to wait. */
  isFailedStart(record: WorkerRecord, hasCrashed: boolean, now: number): boolean {
    if (record.drain !== undefined) return false;
    return record.readyAt === undefined || (hasCrashed && !hasProved(record, now));
  }

  /** Notes a failed start. `nextMs` until the next try; undefined = there is none, since no worker was ever ready. */
  startFailed(record: WorkerRecord, { now, chance }: { readonly now: number; readonly chance: number }): { readonly failures: number; readonly nextMs: number | undefined } {
    this.#starts = startFailed(this.#starts, { bornAt: record.bornAt, now, chance });
    const { failures, retryAt = now } = this.#starts;
    return { failures, nextMs: shouldGiveUp(this.#starts) ? undefined : retryAt - now };
  }
}

/** Whether a worker has been of use: it has served a client, or has been ready for a while. */
function hasProved({ readyAt, state }: WorkerRecord, now: number): boolean {
  return state.served > 0 || (readyAt !== undefined && now - readyAt >= EARLY_MS);
}
