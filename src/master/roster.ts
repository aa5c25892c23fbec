import type { ToWorker, WorkerState, WorkerVitals } from '../ipc/protocol.js';
import type { LimitView } from '../policy/limits.js';
import type { PermitView } from '../policy/permits.js';
import type { DrainReason, KillReason } from '../policy/reasons.js';
import type { WorkerPhase, WorkerSnapshot } from '../policy/snapshot.js';
import type { WorkerProcess } from './worker-process.js';

/** Everything the master knows of one worker. Times are the master's monotonic milliseconds. */
export interface WorkerRecord {
  /** Counts the workers of this server from 1; a pid may come again, an id does not. */
  readonly id: number;
  /** 0 if its process could not be started. */
  readonly pid: number;
  readonly process: WorkerProcess;
  readonly bornAt: number;
  readonly bornAtWall: number;
  /** It has said hello. */
  isWelcome: boolean;
  lifeMs: number;
  phase: WorkerPhase;
  heardAt: number;
  readyAt: number | undefined;
  idleSince: number | undefined;
  state: WorkerState;
  vitals: WorkerVitals | undefined;
  drain: { readonly reason: DrainReason; readonly deadline: number } | undefined;
  /** It drains, and still takes those who wait in the kernel's queue. */
  isLastCall: boolean;
  killed: KillReason | undefined;
  /** Copies of the listening handle sent so far. */
  copiesSent: number;
  /** Copies that it ought to have: the more, the faster it uses them up. */
  stock: number;
  /** When copies were sent last, and how many had been used up by then. */
  refilled: { readonly at: number; readonly copiesUsed: number };
  permitOrdered: boolean;
  /** The credit it was ordered with; null = unlimited. */
  permitCredit: number | null;
  /** Orders about its permit sent so far, and when the last one was. */
  permitOrders: number;
  permitOrderedAt: number;
  /** Its share of MaxSession as ordered last; null = unlimited. */
  shareOrdered: number | null;
  /** The master's heartbeat it has not answered yet; at most one is under way. */
  heartbeatUnanswered: boolean;
}

/** One copy to open the accept loop with, one for the next time. */
export const FIRST_STOCK = 2;

const UNHEARD: WorkerState = {
  clients: 0, served: 0, copiesUsed: 0, accepting: false, permit: 'none', permitOrders: 0, paused: [], busy: false, share: 0, draining: false,
};

/** The table of workers and their processes. It decides nothing: the supervisor says what happened, the plan reads its snapshots. */
export class Roster {
  readonly #records = new Map<number, WorkerRecord>();
  #lastId = 0;

  /** The id that the next worker will have. */
  get nextId(): number {
    return this.#lastId + 1;
  }

  get size(): number {
    return this.#records.size;
  }

  add({ process, now, wallNow, lifeMs, share }: { process: WorkerProcess; now: number; wallNow: number; lifeMs: number; share: number | null }): WorkerRecord {
    this.#lastId += 1;
    const record: WorkerRecord = {
      id: this.#lastId, pid: process.pid, process, bornAt: now, bornAtWall: wallNow, isWelcome: false, lifeMs, phase: 'starting', heardAt: now, readyAt: undefined,
      idleSince: now, state: UNHEARD, vitals: undefined, drain: undefined, isLastCall: false, killed: undefined, copiesSent: 0, stock: FIRST_STOCK, refilled: { at: -Infinity, copiesUsed: 0 },
      permitOrdered: false, permitCredit: null, permitOrders: 0, permitOrderedAt: now, shareOrdered: share, heartbeatUnanswered: false,
    };
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

  /** Sends an order to every worker. */
  tell(order: ToWorker): void {
    for (const { process } of this.#records.values()) process.send(order);
  }

  /** A worker said something. Stamped with the master's time of receipt, whatever the sender's clock says. */
  heard(record: WorkerRecord, now: number): void {
    record.heardAt = now;
    record.heartbeatUnanswered = false;
  }

  /** A worker has started. @returns false if it drains already */
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
    // A client that came and left between two reports is activity too.
    else if (record.idleSince === undefined || state.served > record.state.served) record.idleSince = now;
    record.state = state;
  }

  /** Begins a worker's drain. The deadline is fixed here, once. @returns false if it was draining already */
  drain(record: WorkerRecord, reason: DrainReason, deadline: number): boolean {
    if (record.phase === 'draining') return false;
    record.phase = 'draining';
    record.drain = { reason, deadline };
    return true;
  }

  remove(id: number): void {
    this.#records.delete(id);
  }

  workers(): WorkerSnapshot[] {
    return this.all().map((record) => ({
      id: record.id,
      phase: record.phase,
      bornAt: record.bornAt,
      heardAt: record.heardAt,
      idleSince: record.idleSince,
      clients: record.state.clients,
      drainDeadline: record.drain?.deadline,
      killed: record.killed !== undefined,
      lifeMs: record.lifeMs,
      rss: record.vitals?.rss ?? 0,
    }));
  }

  /** Clients taken, and clients now, of all workers together. */
  clientCounts(): { readonly served: number; readonly clients: number } {
    let served = 0;
    let clients = 0;
    for (const { state } of this.#records.values()) {
      served += state.served;
      clients += state.clients;
    }
    return { served, clients };
  }

  permitViews(): PermitView[] {
    return this.all().map((record) => ({
      id: record.id,
      eligible: (record.phase === 'ready' || (record.isLastCall && !record.state.draining)) && record.killed === undefined,
      available: record.state.paused.length === 0,
      clients: record.state.clients,
      ordered: record.permitOrdered,
      unlimited: record.permitCredit === null,
      orderedAt: record.permitOrderedAt,
      confirmed: record.state.permitOrders === record.permitOrders,
      permit: record.state.permit,
      // One that has a permit and still does not accept waits for a copy of the handle: until it says more it may be blocked too.
      busy: record.state.busy || (record.state.permit === 'held' && !record.state.accepting && record.state.paused.length === 0),
      heardAt: record.heardAt,
      copies: record.copiesSent - record.state.copiesUsed,
      stock: record.stock,
    }));
  }

  limitViews(): LimitView[] {
    return this.all().map((record) => ({
      id: record.id,
      eligible: record.phase === 'ready' && record.killed === undefined,
      clients: record.state.clients,
      ordered: record.shareOrdered ?? Infinity,
      confirmed: record.state.share ?? Infinity,
      closed: record.state.draining,
    }));
  }
}

