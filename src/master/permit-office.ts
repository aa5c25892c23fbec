import type { SendHandle } from 'node:child_process';
import type { ToWorker } from '../ipc/protocol.js';
import { openFilesLimit } from '../open-files.js';
import { NO_CHURN, creditFor, observeChurn } from '../policy/credit.js';
import { shareLimit } from '../policy/limits.js';
import { planPermits, QUIET_MS } from '../policy/permits.js';
import type { PermitConfig, PermitOrder } from '../policy/permits.js';
import { FIRST_STOCK, type Roster, type WorkerRecord } from './roster.js';

/** The most copies of the listening handle that a worker is given in advance; each is an open file of it. */
const MOST_STOCK = 64;
/** All copies that may be on their way fit into the files that a worker keeps free (descriptors.ts): out of files, libuv drops clients. */
const STOCK_SHARE = 1 / 32;
/** A stock that is half used up in less than this is too small. */
const QUICKLY_MS = 1000;

/** A worker that lacks copies so long after some were sent never got them: Node gives up on a handle that a process without free descriptors cannot take (SentHandleNotReceivedWarning). */
const LOST_MS = 500;

/** What it hands out. */
export interface PermitOfficeParts {
  readonly roster: Roster;
  readonly handle: SendHandle;
  readonly send: (workerId: number, order: ToWorker, handle?: SendHandle) => boolean;
}

/** Hands out permits, copies of the listening handle and shares of MaxSession, as the policies say. */
export class PermitOffice {
  readonly #parts: PermitOfficeParts;
  readonly #mostStock = Math.min(Math.max(Math.floor(openFilesLimit() * STOCK_SHARE), FIRST_STOCK), MOST_STOCK);
  #churn = NO_CHURN;

  constructor(parts: PermitOfficeParts) {
    this.#parts = parts;
  }

  /** @returns when to look again; Infinity = when the next report comes */
  update({ permits, mostClients, servedByGone, now }: {
    readonly permits: Omit<PermitConfig, 'credit'>; readonly mostClients: number; readonly servedByGone: number; readonly now: number;
  }): number {
    const { roster } = this.#parts;
    for (const record of roster.all()) writeOffLost(record);
    const { served, clients } = roster.clientCounts();
    this.#churn = observeChurn(this.#churn, { served: servedByGone + served, clients, now });
    const { orders, nextAt } = planPermits(roster.permitViews(), { ...permits, credit: creditFor(this.#churn) }, now);
    for (const order of orders) this.#perform(order, now);
    for (const { workerId, clients } of shareLimit(roster.limitViews(), mostClients)) {
      const share = clients === Infinity ? null : clients;
      const record = roster.get(workerId);
      if (record !== undefined && this.#parts.send(workerId, { type: 'share', clients: share })) record.shareOrdered = share;
    }
    // Whoever is given a permit now is missed if it does not confirm it by then, even if nobody reports meanwhile.
    return orders.some(({ kind }) => kind === 'permit') ? Math.min(nextAt, now + QUIET_MS) : nextAt;
  }

  #perform(order: PermitOrder, now: number): void {
    const record = this.#parts.roster.get(order.workerId);
    if (record === undefined) return;
    switch (order.kind) {
      case 'copies': return this.#sendCopies(record, order.count, now);
      case 'permit': return this.#order(record, { type: 'permit', credit: order.credit }, now);
      case 'withdraw': return this.#order(record, { type: 'withdraw' }, now);
    }
  }

  #sendCopies(record: WorkerRecord, count: number, now: number): void {
    // It uses them up quickly: let it have more in advance.
    const used = record.state.copiesUsed - record.refilled.copiesUsed;
    if (used >= record.stock / 2 && now - record.refilled.at < QUICKLY_MS) record.stock = Math.min(record.stock * 2, this.#mostStock);
    record.refilled = { at: now, copiesUsed: record.state.copiesUsed };
    for (let left = count; left > 0; left--) {
      if (!this.#parts.send(record.id, { type: 'copy' }, this.#parts.handle)) return;
      record.copiesSent += 1;
    }
  }

  #order(record: WorkerRecord, order: ToWorker & { type: 'permit' | 'withdraw' }, now: number): void {
    if (!this.#parts.send(record.id, order)) return;
    record.permitOrdered = order.type === 'permit';
    record.permitCredit = order.type === 'permit' ? order.credit : null;
    record.permitOrders += 1;
    record.permitOrderedAt = now;
  }
}

/** Forgets copies that did not arrive, so that others are sent. One too many costs the worker a descriptor for a while. */
function writeOffLost(record: WorkerRecord): void {
  const { permit, accepting, paused, copiesUsed } = record.state;
  const lacksCopies = permit === 'held' && !accepting && paused.length === 0;
  if (lacksCopies && record.heardAt - record.refilled.at >= LOST_MS) record.copiesSent = copiesUsed;
}
