import type { Clock, Timer } from '../clock.js';
import type { Thresholds } from '../options/thresholds.js';
import { plan } from '../policy/plan.js';
import type { Action } from '../policy/snapshot.js';
import type { PoolEvents } from './events.js';
import type { PermitOffice } from './permit-office.js';
import type { PoolHistory } from './pool-history.js';
import type { PoolStop } from './pool-stop.js';
import type { Roster } from './roster.js';
import { isBlockedWorker } from './worker-record.js';

/** The master looks at least this often, so that it notices when it was blocked itself. */
const LISTEN_MS = 500;

/** What planning is based on. */
export interface PlanLoopParts {
  readonly clock: Clock;
  readonly roster: Roster;
  readonly history: PoolHistory;
  readonly office: PermitOffice;
  readonly events: PoolEvents;
  readonly stop: PoolStop;
  readonly thresholds: () => Thresholds;
  /** Holders of permits in a large pool. */
  readonly holders: number;
  /** Clients taken by workers that are gone. */
  readonly servedByGone: () => number;
  /** Clients that wait in the kernel and may be accepted; undefined where their number is unknown. */
  readonly queued: () => number | undefined;
  readonly perform: (action: Action, now: number) => void;
  /** The plan has been carried out. */
  readonly done: () => void;
}

/** Asks the plan what to do, after news and when time has passed, and has it carried out. */
export class PlanLoop {
  readonly #parts: PlanLoopParts;
  #isDue = false;
  #timer: Timer | undefined;
  /** Workers that were blocked at the last look. */
  #blocked = 0;

  constructor(parts: PlanLoopParts) {
    this.#parts = parts;
  }

  /** Asks for an early plan: messages never act themselves. */
  request(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    this.#parts.clock.soon(() => {
      this.#isDue = false;
      this.run();
    });
  }

  /** Plans now. */
  run(): void {
    const { clock, done, history, perform, queued, roster, stop, thresholds } = this.#parts;
    const { pool } = thresholds();
    const now = clock.now();
    roster.listens(now);
    const { actions, nextAt } = plan(history.snapshot(roster, { pool, stopping: stop.hasBegun, lastCall: stop.isLastCall, queued, now }), pool, now);
    this.#beat(now);
    for (const action of actions) perform(action, now);
    done();
    this.#noteBlocked(now);
    const lookAt = !stop.hasBegun || stop.isLastCall ? Math.min(nextAt, this.#givePermits(now)) : nextAt;
    this.#timer?.cancel();
    if (roster.size === 0 && stop.hasBegun) return;
    const dueAt = Math.max(Math.min(lookAt, now + LISTEN_MS), now + 1);
    roster.looksAgainAt(dueAt);
    // Through request(): if this process was blocked, what workers have said meanwhile is read first.
    this.#timer = clock.after(dueAt - now, () => { this.request(); });
  }

  /** Makes no plan until the next news. */
  cancel(): void {
    this.#timer?.cancel();
  }

  /** @returns when to look again */
  #givePermits(now: number): number {
    const { holders, office, servedByGone, thresholds } = this.#parts;
    const { pool: { maxPoolClients }, worker: { maxClients, concurrency } } = thresholds();
    const single = Math.min(maxClients ?? Infinity, concurrency ?? Infinity) <= 1;
    return office.update({ holders, single, mostClients: maxPoolClients === 0 ? Infinity : maxPoolClients, mostEach: maxClients ?? Infinity, servedByGone: servedByGone(), now });
  }

  /** Nothing announces that a worker is blocked: the status changes as time passes. */
  #noteBlocked(now: number): void {
    const { events, roster } = this.#parts;
    const blocked = roster.all().filter((record) => isBlockedWorker(record, now)).length;
    if (blocked !== this.#blocked) events.status();
    this.#blocked = blocked;
  }

  /** The master's own heartbeat, sent to each worker once per MasterHeartBeatTime. Its purpose is to find broken channels. */
  #beat(now: number): void {
    const { roster, thresholds } = this.#parts;
    for (const record of roster.all()) {
      if (record.heartbeatUnanswered || now - record.heardAt < thresholds().pool.heartbeatMs) continue;
      record.heartbeatUnanswered = true;
      record.process.send({ type: 'heartbeat' });
    }
  }
}
