import type { SendHandle } from 'node:child_process';
import type { ToWorker } from '../ipc/protocol.js';
import { FIRST_CREDIT, NO_FLOW, lastingCredit, learnCredit, observeFlow, quietAt, stayMs } from '../policy/credit.js';
import { shareLimit } from '../policy/limits.js';
import { planPermits } from '../policy/permits.js';
import type { PermitOrder } from '../policy/permits.js';
import { ANSWER_MS } from '../policy/silence.js';
import type { Roster } from './roster.js';
import { FIRST_STOCK, type WorkerRecord } from './worker-record.js';

/** The most copies of the listening handle that a worker is given in advance; each is an open file of the worker. */
const MOST_STOCK = 64;
/** All copies that may be under way fit into the descriptors that a worker keeps free (descriptors.ts): when a process runs out of them, libuv drops clients. */
const STOCK_SHARE = 1 / 32;
/** A stock that is half used up within this time is too small. */
const QUICKLY_MS = 1000;

/** If a worker still lacks copies this long after some were sent, it never got them: Node gives up on a handle that a process without free descriptors cannot take (SentHandleNotReceivedWarning). */
const LOST_MS = 500;

/** Ceilings that have become too high are lowered at most this often: in a pool whose clients come and go, each change would otherwise cost a message to every worker. */
const LOWER_MS = 50;

/** What the office works with. */
export interface PermitOfficeParts {
  readonly roster: Roster;
  readonly handle: SendHandle;
  readonly send: (workerId: number, order: ToWorker, handle?: SendHandle) => boolean;
  /** How many files a worker may have open. */
  readonly openFiles: number;
  /** How the flow of clients is judged; tests replace it. */
  readonly observe?: typeof observeFlow;
}

/** Hands out permits, copies of the listening handle and shares of MaxSession, as the policies say. */
export class PermitOffice {
  readonly #parts: PermitOfficeParts;
  readonly #mostStock: number;
  #flow = NO_FLOW;
  #loweredAt = -Infinity;

  constructor(parts: PermitOfficeParts) {
    this.#parts = parts;
    this.#mostStock = Math.min(Math.max(Math.floor(parts.openFiles * STOCK_SHARE), FIRST_STOCK), MOST_STOCK);
  }

  /**
   * @param holders - workers that may accept at the same time in a crowd of short-lived clients
   * @param single - each worker takes one client at a time: then all may accept, since busy ones have stopped anyway
   * @param mostClients - in the pool, and `mostEach` in one worker; Infinity = any number
   * @returns when to look again; Infinity = when the next report comes
   */
  update({ holders, single, mostClients, mostEach, servedByGone, now }: {
    readonly holders: number; readonly single: boolean; readonly mostClients: number; readonly mostEach: number; readonly servedByGone: number; readonly now: number;
  }): number {
    const { roster } = this.#parts;
    // Shares first: one that has no copy yet must have its share before it can accept.
    this.#share(mostClients, mostEach, now);
    for (const record of roster.all()) writeOffLost(record);
    const { served, clients, workers } = roster.counts();
    this.#flow = (this.#parts.observe ?? observeFlow)(this.#flow, { served: servedByGone + served, clients, workers, now });
    const lower = now - this.#loweredAt >= LOWER_MS;
    if (lower) this.#loweredAt = now;
    const { crowded } = this.#flow;
    this.#learn(crowded, now);
    const credit = crowded ? undefined : lastingCredit(clients / Math.max(workers, 1));
    // Only in a crowd: otherwise every worker has a permit, and taking one for blocked too soon wakes no others.
    const views = roster.permitViews(crowded ? roster.lateMs(now) : 0);
    const { orders, nextAt, isHigh } = planPermits(views, { holders: crowded && !single ? holders : Infinity, credit, lower }, now);
    for (const order of orders) this.#perform(order, now);
    const lowerAt = isHigh && !lower ? this.#loweredAt + LOWER_MS : Infinity;
    // A worker that is asked now and does not answer by then must be noticed, even if no report comes meanwhile.
    return Math.min(nextAt, lowerAt, quietAt(this.#flow), orders.some(({ kind }) => kind !== 'copies') ? now + ANSWER_MS : Infinity);
  }

  /** Learns from workers that have asked for a higher ceiling whether the clients of a crowd leave again. */
  #learn(crowded: boolean, now: number): void {
    const seen = { now, stayMs: stayMs(this.#flow) };
    const records = this.#parts.roster.all();
    for (const record of records.filter(({ hasAsked }) => hasAsked)) {
      record.hasAsked = false;
      const learnt = crowded ? learnCredit(record.credit, record.state, seen) : record.credit;
      if (learnt === record.credit) continue;
      record.credit = learnt;
      // If clients stay with one worker, they will stay with others too.
      const tooMuch = learnt.clients === FIRST_CREDIT.clients ? records.filter(({ credit }) => credit.clients > learnt.clients) : [];
      for (const other of tooMuch) other.credit = { ...other.credit, clients: learnt.clients };
    }
  }

  #share(most: number, each: number, now: number): void {
    const { roster } = this.#parts;
    for (const { workerId, clients } of shareLimit(roster.limitViews(now), most, { starting: roster.starting, each })) {
      const share = clients === Infinity ? null : clients;
      const record = roster.get(workerId);
      if (record !== undefined && this.#parts.send(workerId, { type: 'share', clients: share })) record.shareOrdered = share;
    }
  }

  #perform(order: PermitOrder, now: number): void {
    const record = this.#parts.roster.get(order.workerId);
    if (record === undefined) return;
    switch (order.kind) {
      case 'copies': return this.#sendCopies(record, order.count, now);
      case 'probe': return void this.#order(record, { type: 'probe' }, now);
      case 'withdraw':
        if (this.#order(record, { type: 'withdraw' }, now)) record.permit = undefined;
        return;
      case 'permit': {
        const { ceiling, pulseMs } = order;
        if (this.#order(record, { type: 'permit', ceiling, pulseMs }, now)) record.permit = { ceiling, pulseMs };
      }
    }
  }

  #sendCopies(record: WorkerRecord, count: number, now: number): void {
    // It uses them up quickly: give it more in advance.
    const used = record.state.copiesUsed - record.refilled.copiesUsed;
    if (used >= record.stock / 2 && now - record.refilled.at < QUICKLY_MS) record.stock = Math.min(record.stock * 2, this.#mostStock);
    record.refilled = { at: now, copiesUsed: record.state.copiesUsed };
    for (let left = count; left > 0; left--) {
      if (!this.#parts.send(record.id, { type: 'copy' }, this.#parts.handle)) return;
      record.copiesSent += 1;
    }
  }

  /** Sends an order that its report will confirm. @returns false if its channel is closed */
  #order(record: WorkerRecord, order: ToWorker, now: number): boolean {
    if (!this.#parts.send(record.id, order)) return false;
    // Counted from the first order that it has not answered: a stuck worker must not get more time by being asked again.
    if (record.state.ordersSeen === record.ordersSent) record.askedAt = now;
    record.ordersSent += 1;
    return true;
  }
}

/** Forgets copies that did not arrive, so that others are sent. If they do arrive, they cost the worker a few descriptors for a while. */
function writeOffLost(record: WorkerRecord): void {
  const { permit, accepting, paused, copiesUsed } = record.state;
  const lacksCopies = permit === 'held' && !accepting && paused.length === 0;
  if (lacksCopies && record.heardAt - record.refilled.at >= LOST_MS) record.copiesSent = copiesUsed;
}
