import { shareLimit } from '../../src/policy/limits.js';
import type { LimitOrder } from '../../src/policy/limits.js';
import type { Seeded } from './seeded.js';

/** What a worker says of itself. */
interface Report {
  readonly clients: number;
  readonly limit: number;
  readonly draining: boolean;
}

/** One worker: its own state, what the master believes, and the messages between them, each line in its order. */
interface Member {
  readonly id: number;
  clients: number;
  limit: number;
  draining: boolean;
  eligible: boolean;
  ordered: number;
  report: Report;
  orders: (number | 'drain')[];
  reports: Report[];
}

/** What may happen next: to a member, or to the pool. */
type Event = 'accept' | 'leave' | 'drain' | 'die' | 'receive' | 'report' | 'hear' | 'lose' | 'share' | 'born';

const EVENTS: readonly Event[] = ['accept', 'accept', 'leave', 'drain', 'die', 'receive', 'receive', 'report', 'report', 'hear', 'hear', 'lose', 'share', 'born'];
const UNHEARD: Report = { clients: 0, limit: 0, draining: false };

/**
 * A pool as far as MaxSession goes: workers that keep to the last share they received, a master that knows only what it
 * has ordered and heard, and messages under way. Reports may be lost, nothing is taken out of its order.
 */
export class LimitedPool {
  readonly #most: number;
  #lastId: number;
  #members: Member[];

  private constructor(most: number, lastId: number, members: Member[]) {
    this.#most = most;
    this.#lastId = lastId;
    this.#members = members;
  }

  /** Ready workers that have been given nothing yet. */
  static of({ most, workers }: { readonly most: number; readonly workers: number }): LimitedPool {
    const pool = new LimitedPool(most, 0, []);
    for (let count = 0; count < workers; count++) pool.#apply('born');
    return pool;
  }

  clients(): number {
    return this.#members.reduce((total, { clients }) => total + clients, 0);
  }

  /** The shares that the workers keep to. */
  shares(): number[] {
    return this.#members.map(({ limit }) => limit);
  }

  /** What the master would order now. */
  sharesOut(): readonly LimitOrder[] {
    return shareLimit(
      this.#members.map(({ id, eligible, ordered, report }) =>
        ({ id, eligible, able: true, armed: true, ordered, clients: report.clients, confirmed: report.limit, closed: report.draining })),
      this.#most,
    );
  }

  /** A text that is the same for pools of the same future. */
  key(): string {
    return JSON.stringify([this.#lastId, this.#members]);
  }

  /** Every pool that may follow from this one. */
  *successors({ mostBorn, mostUnderWay }: { readonly mostBorn: number; readonly mostUnderWay: { readonly orders: number; readonly reports: number } }): Generator<LimitedPool> {
    for (const event of new Set(EVENTS)) {
      if (event === 'born' && this.#lastId >= mostBorn) continue;
      const targets = event === 'born' || event === 'share' ? [undefined] : this.#members.keys();
      for (const index of targets) {
        const next = new LimitedPool(this.#most, this.#lastId, this.#members.map((member) => ({ ...member, orders: [...member.orders], reports: [...member.reports] })));
        if (next.#apply(event, index) && next.#members.every(({ orders, reports }) => orders.length <= mostUnderWay.orders && reports.length <= mostUnderWay.reports)) {
          yield next;
        }
      }
    }
  }

  /** Lets one thing happen; tries again if it cannot. */
  stepAtRandom(random: Seeded): void {
    for (let tries = 0; tries < 50; tries++) {
      const event = random.pick(EVENTS);
      // Workers end and come rarely, or no share would ever matter.
      if ((event === 'die' || event === 'drain' || event === 'born') && !random.chance(0.1)) continue;
      if (event === 'born' && this.#members.length > 6) continue;
      if (this.#apply(event, random.int(0, Math.max(this.#members.length - 1, 0)))) return;
    }
  }

  /** All clients leave, draining workers end, and messages flow until nothing changes any more. At least one worker remains. */
  settle(): void {
    this.#members = this.#members.filter(({ draining, eligible }) => !draining && eligible);
    if (this.#members.length === 0) this.#apply('born');
    for (const member of this.#members) member.clients = 0;
    for (let round = 0; round < 10; round++) {
      for (const index of this.#members.keys()) {
        while (this.#apply('receive', index));
        this.#apply('report', index);
        while (this.#apply('hear', index));
      }
      this.#apply('share');
    }
  }

  /** @returns false if that cannot happen now */
  #apply(event: Event, index = 0): boolean {
    if (event === 'born') {
      this.#lastId += 1;
      this.#members.push({
        id: this.#lastId, clients: 0, limit: 0, draining: false, eligible: true, ordered: 0, report: UNHEARD, orders: [], reports: [],
      });
      return true;
    }
    if (event === 'share') return this.#share();
    const member = this.#members[index];
    if (member === undefined) return false;
    switch (event) {
      case 'accept':
        if (member.draining || member.clients >= member.limit) return false;
        member.clients += 1;
        return true;
      case 'leave':
        if (member.clients === 0) return false;
        member.clients -= 1;
        return true;
      case 'drain':
        if (!member.eligible) return false;
        member.eligible = false;
        member.orders.push('drain');
        return true;
      case 'die':
        this.#members.splice(index, 1);
        return true;
      case 'receive': {
        const order = member.orders.shift();
        if (order === undefined) return false;
        if (order === 'drain') member.draining = true;
        else member.limit = order;
        return true;
      }
      case 'report':
        member.reports.push({ clients: member.clients, limit: member.limit, draining: member.draining });
        return true;
      case 'hear': {
        const report = member.reports.shift();
        if (report === undefined) return false;
        member.report = report;
        return true;
      }
      case 'lose':
        return member.reports.shift() !== undefined;
    }
  }

  #share(): boolean {
    const orders = this.sharesOut();
    for (const { workerId, clients } of orders) {
      const member = this.#members.find(({ id }) => id === workerId);
      member?.orders.push(clients);
      if (member !== undefined) member.ordered = clients;
    }
    return orders.length > 0;
  }
}
