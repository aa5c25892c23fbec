import type { Thresholds } from '../options/thresholds.js';
import type { WorkerConfig } from '../policy/snapshot.js';
import type { Lifecycle } from './lifecycle.js';
import type { Release } from './release.js';
import type { Roster } from './roster.js';
import type { WorkerRecord } from './worker-record.js';

/** Workers of a release on trial: outside the pool, until the release is promoted or they are ended. */
export class TrialWorkers {
  readonly #roster: Roster;
  readonly #lifecycle: Lifecycle;
  readonly #thresholds: () => Thresholds;
  #heartbeatMs = Infinity;

  constructor({ roster, lifecycle, thresholds }: { readonly roster: Roster; readonly lifecycle: Lifecycle; readonly thresholds: () => Thresholds }) {
    this.#roster = roster;
    this.#lifecycle = lifecycle;
    this.#thresholds = thresholds;
  }

  /** Starts one, with heartbeats no further apart than this: it has to be heard from more often. @returns its id */
  start(release: Release, heartbeatMs: number): number {
    this.#heartbeatMs = heartbeatMs;
    return this.#lifecycle.start(release, this.#thresholds(), { trial: true }).id;
  }

  /** The configuration that a worker is to use. */
  configFor({ trial }: WorkerRecord): WorkerConfig {
    const { worker } = this.#thresholds();
    return trial ? { ...worker, heartbeatMs: Math.min(worker.heartbeatMs, this.#heartbeatMs) } : worker;
  }

  /** From now on they are workers like all others. */
  join(): void {
    for (const record of this.#roster.all()) {
      if (!record.trial) continue;
      record.trial = false;
      record.process.send({ type: 'configure', config: this.configFor(record) });
    }
  }
}
