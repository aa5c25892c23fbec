import type { ToWorker, WorkerState } from '../ipc/protocol.js';
import { NEVER_DEAF, listens } from '../policy/deafness.js';
import { NEVER_LATE, latenessAt, observeLateness } from '../policy/lateness.js';
import type { LimitView } from '../policy/limits.js';
import type { PermitView } from '../policy/permits.js';
import { WATCHED_PULSE_MS } from '../policy/silence.js';
import type { WorkerSnapshot } from '../policy/snapshot.js';
import { limitView, newRecord, permitView, workerSnapshot, type Drain, type NewWorker, type WorkerRecord } from './worker-record.js';

/** The table of workers and their processes. It decides nothing: the supervisor says what happened, the plan reads its snapshots. */
export class Roster {
  readonly #records = new Map<number, WorkerRecord>();
  #deafness = NEVER_DEAF;
  #lateness = NEVER_LATE;
  #lastId = 0;
  /** The release that the pool is to run. */
  release = 1;

  /** The id that the next worker will have. */
  get nextId(): number {
    return this.#lastId + 1;
  }

  get size(): number {
    return this.#records.size;
  }

  add(worker: NewWorker): WorkerRecord {
    this.#lastId += 1;
    const record = newRecord(this.#lastId, { release: this.release, ...worker }, this.deafMs);
    this.#records.set(record.id, record);
    return record;
  }

  get(id: number): WorkerRecord | undefined {
    return this.#records.get(id);
  }

  withPid(pid: number): WorkerRecord | undefined {
    return this.all().find((record) => record.pid === pid);
  }

  all(): WorkerRecord[] {
    return [...this.#records.values()];
  }

  /** How long, in total, the master has not listened, in milliseconds. */
  get deafMs(): number {
    return this.#deafness.deafMs;
  }

  /** The master's event loop is turning now. */
  listens(now: number): void {
    const { deafMs } = this.#deafness;
    this.#deafness = listens(this.#deafness, now);
    if (this.deafMs > deafMs) this.#putOffKills(this.deafMs - deafMs);
  }

  /**
   * Time in which the master was stopped does not count against a draining worker: both may have been stopped together, and then
   * the worker has had no time to end its clients, and itself, in an orderly way, as it now will by its own clock.
   */
  #putOffKills(ms: number): void {
    for (const record of this.#records.values()) if (record.drain !== undefined) record.drain = { ...record.drain, deadline: record.drain.deadline + ms };
  }

  /** The master's timer is due at this time, unless it is set anew before. */
  looksAgainAt(dueAt: number): void {
    this.#deafness = { ...this.#deafness, dueAt };
  }

  /** Sends an order to every worker. */
  tell(order: ToWorker): void {
    for (const { process } of this.#records.values()) process.send(order);
  }

  /** A worker said something. The time is that of receipt by the master's clock, whatever the sender's says. */
  heard(record: WorkerRecord, now: number): void {
    this.listens(now);
    if (record.phase === 'ready' && record.state.pulseMs <= WATCHED_PULSE_MS) {
      this.#lateness = observeLateness(this.#lateness, now - record.heardAt - record.state.pulseMs, now);
    }
    record.heardAt = now;
    record.deafAtHeard = this.deafMs;
    record.heartbeatUnanswered = false;
  }

  /** A worker has started. @returns false if it is draining already */
  ready(record: WorkerRecord, now: number): boolean {
    record.readyAt = now;
    record.idleSince = now;
    if (record.phase !== 'starting') return false;
    record.phase = 'ready';
    return true;
  }

  /** A worker reported its state. */
  report(record: WorkerRecord, state: WorkerState, now: number): void {
    if (state.clients > 0) record.idleSince = undefined;
    // A client that came and left between two reports also counts as activity.
    else if (record.idleSince === undefined || state.served > record.state.served) record.idleSince = now;
    if (state.permit === 'spent' && record.state.permit !== 'spent') record.hasAsked = true;
    record.state = state;
  }

  /** Begins a worker's drain. @returns false if it was draining already */
  drain(record: WorkerRecord, drain: Drain): boolean {
    if (record.phase === 'draining') return false;
    record.phase = 'draining';
    record.drain = drain;
    return true;
  }

  remove(id: number): void {
    this.#records.delete(id);
  }

  /** The workers as the plan sees them. */
  workers(now: number): WorkerSnapshot[] {
    return this.all().map((record) => workerSnapshot(record, this.release, now));
  }

  /** How many workers of the pool are starting. */
  get starting(): number {
    return this.all().filter(({ phase, trial, killed }) => phase === 'starting' && !trial && killed === undefined).length;
  }

  /** Workers of releases other than the pool is to run: those that serve, and those that drain. */
  outdated(): { readonly serving: number; readonly draining: number } {
    const others = this.all().filter(({ release, trial, killed }) => release !== this.release && !trial && killed === undefined);
    const draining = others.filter(({ phase }) => phase === 'draining').length;
    return { serving: others.length - draining, draining };
  }

  /** Clients taken and clients now of all workers together, and how many workers may take clients. */
  counts(): { readonly served: number; readonly clients: number; readonly workers: number } {
    let served = 0;
    let clients = 0;
    let workers = 0;
    for (const { state, phase, trial } of this.#records.values()) {
      served += state.served;
      clients += state.clients;
      if (phase === 'ready' && !trial) workers += 1;
    }
    return { served, clients, workers };
  }

  /** @param lateMs - how much later than usual workers may be (policy/lateness.ts) */
  permitViews(lateMs = 0): PermitView[] {
    return this.all().map((record) => permitView(record, lateMs));
  }

  limitViews(now: number): LimitView[] {
    return this.all().map((record) => limitView(record, now));
  }

  /** How late the pulses come from workers on which others depend. */
  lateMs(now: number): number {
    return latenessAt(this.#lateness, now);
  }
}
