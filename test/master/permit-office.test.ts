import type { SendHandle } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import type { ToWorker } from '../../src/ipc/protocol.js';
import { PermitOffice } from '../../src/master/permit-office.js';
import { Roster } from '../../src/master/roster.js';
import type { WorkerRecord } from '../../src/master/worker-record.js';
import { FIRST_CREDIT, observeFlow } from '../../src/policy/credit.js';
import { ANSWER_MS, PULSE_MS } from '../../src/policy/silence.js';
import { seeds } from '../support/seeded.js';
import { PermitPool, crowdIn, explore, wander, type PoolSettings } from './permit-pool.js';
import { deafProcess, hear } from '../support/roster-facts.js';

const HANDLE = {} as SendHandle;
const SECOND_MS = 1000;

/** An office with ready workers, and what it sends to them. */
class Office {
  readonly roster = new Roster();
  readonly sent: { readonly to: number; readonly order: ToWorker; readonly handle: SendHandle | undefined }[] = [];
  /** Workers whose channel is closed. */
  readonly closed = new Set<number>();
  now = 1_000_000;
  readonly #observe: typeof observeFlow;
  readonly #office = new PermitOffice({
    roster: this.roster,
    openFiles: Infinity,
    handle: HANDLE,
    observe: (...given) => this.#observe(...given),
    send: (to, order, handle) => {
      if (this.closed.has(to)) return false;
      this.sent.push({ to, order, handle });
      return true;
    },
  });

  constructor({ workers, crowded }: { readonly workers: number; readonly crowded?: boolean }) {
    this.#observe = (...given) => ({ ...observeFlow(...given), ...(crowded !== undefined && { crowded }) });
    for (let count = 0; count < workers; count++) {
      const record = this.roster.add({ process: deafProcess(1), now: this.now, wallNow: 0, lifeMs: Infinity, share: null });
      hear(this.roster, record, { type: 'ready', options: {} }, this.now);
    }
  }

  update(): number {
    return this.#office.update({ holders: 2, single: false, servedByGone: 0, mostClients: Infinity, mostEach: Infinity, now: this.now });
  }

  record(id: number): WorkerRecord {
    const record = this.roster.get(id);
    if (record === undefined) throw new Error(`There is no worker ${id}.`);
    return record;
  }

  /** A worker reports that it has used so many copies more, and that it has taken every order. */
  uses(id: number, copies: number): void {
    const record = this.record(id);
    const { state } = record;
    hear(this.roster, record, {
      type: 'state', state: { ...state, copiesUsed: state.copiesUsed + copies, permit: 'held', accepting: true, share: null, ordersSeen: record.ordersSent },
    }, this.now);
  }

  /** How many orders of a kind a worker was sent since the last question. */
  take(to: number, type: ToWorker['type']): number {
    return this.sent.splice(0).filter((one) => one.to === to && one.order.type === type).length;
  }
}

describe('a permit office', () => {
  it('gives a new worker copies of the handle and then a permit', () => {
    const office = new Office({ workers: 1 });

    office.update();

    expect(office.sent).toEqual([
      { to: 1, order: { type: 'copy' }, handle: HANDLE },
      { to: 1, order: { type: 'copy' }, handle: HANDLE },
      { to: 1, order: { type: 'permit', ceiling: 64, pulseMs: PULSE_MS }, handle: undefined },
    ]);
  });

  it('gives one that does not answer no more time by asking it again', () => {
    const office = new Office({ workers: 1 });
    office.update();
    const asked = office.now;
    office.now += 20;
    const record = office.record(1);
    record.permit = undefined;

    office.update();

    expect([record.ordersSent, record.askedAt]).toEqual([2, asked]);
  });

  it('sends nothing twice', () => {
    const office = new Office({ workers: 3 });
    office.update();
    office.sent.length = 0;

    office.update();

    expect(office.sent).toEqual([]);
  });

  it('fills the stock up when half of it is used, and not before', () => {
    const office = new Office({ workers: 1 });
    office.update();
    office.record(1).stock = 8;
    office.now += 10 * SECOND_MS;
    office.update();
    office.sent.length = 0;

    office.uses(1, 3);
    office.update();
    const early = office.take(1, 'copy');
    office.uses(1, 1);
    office.now += 10 * SECOND_MS;
    office.update();

    expect([early, office.take(1, 'copy'), office.record(1).stock]).toEqual([0, 4, 8]);
  });

  it('doubles the stock of a worker that uses it up quickly, up to a limit', () => {
    const office = new Office({ workers: 1 });
    const stocks: number[] = [];
    office.update();

    for (let round = 0; round < 10; round++) {
      office.now += 100;
      office.uses(1, office.record(1).copiesSent - office.record(1).state.copiesUsed);
      office.update();
      stocks.push(office.record(1).stock);
    }

    const most = Math.max(...stocks);
    expect(stocks.slice(0, 4)).toEqual([4, 8, 16, 32]);
    expect(stocks.slice(-3)).toEqual([most, most, most]);
    expect(most).toBeLessThanOrEqual(64);
  });

  it('leaves the stock of a worker that takes its time as it is', () => {
    const office = new Office({ workers: 1 });
    office.update();
    const { stock } = office.record(1);

    for (let round = 0; round < 10; round++) {
      office.now += SECOND_MS;
      office.uses(1, 1);
      office.update();
    }

    expect(office.record(1).stock).toBe(stock);
  });

  it('counts nothing as ordered that the channel did not take', () => {
    const office = new Office({ workers: 2 });
    office.closed.add(1);

    office.update();

    expect(office.record(1)).toMatchObject({ permit: undefined, ordersSent: 0, copiesSent: 0 });
  });

  it('looks again in time for a permit that is not confirmed, whatever else is quiet', () => {
    const office = new Office({ workers: 3 });

    expect(office.update()).toBeLessThanOrEqual(1_000_000 + ANSWER_MS);
  });

  it('looks again when a crowd that has left may be over, and lets all workers accept then', () => {
    const office = new Office({ workers: 20 });
    const report = (served: number): number => {
      for (const record of office.roster.all()) {
        hear(office.roster, record, { type: 'state', state: { ...record.state, permit: record.permit === undefined ? 'none' : 'held', accepting: record.permit !== undefined, clients: 0, served, ordersSeen: record.ordersSent } }, office.now);
      }
      return office.update();
    };
    const holders = (): number => office.roster.all().filter(({ permit }) => permit !== undefined).length;
    for (let served = 0; served < 50; served++) {
      office.now += 20;
      report(served);
    }
    const inCrowd = holders();
    const leftAt = office.now;
    office.now += 20;
    const lookAt = report(49);
    office.now = leftAt + 250;
    report(49);

    expect([inCrowd, holders()]).toEqual([2, 20]);
    expect(lookAt).toBeLessThanOrEqual(leftAt + 250);
  });
});

const POOL: PoolSettings = { workers: 2, starting: 0, holders: Infinity, maxClients: null, mostClients: Infinity, mishaps: [], settled: true };
const CROWD: Partial<PoolSettings> = { holders: 1 };
const CASES: readonly [string, Partial<PoolSettings>][] = [
  ['two workers that are kept in balance', {}],
  ['two workers that die before the first message has arrived', { mishaps: ['die'], settled: false }],
  ['two workers that stop without a word', { mishaps: ['block'] }],
  ['three workers, one to come, that stop without a word', { workers: 3, starting: 1, mishaps: ['block'] }],
  ['two workers that pause and resume', { mishaps: ['pause'] }],
  ['two workers that take turns in a crowd', CROWD],
  ['two workers in a crowd that die', { ...CROWD, mishaps: ['die'] }],
  ['two workers in a crowd that stop without a word', { ...CROWD, mishaps: ['block'] }],
  ['three workers in a crowd, two at a time, that stop without a word', { workers: 3, holders: 2, mishaps: ['block'] }],
  ['three workers in a crowd that die or are asked to drain', { ...CROWD, workers: 3, mishaps: ['die', 'stop'] }],
  ['two workers in a crowd that pause and resume', { ...CROWD, mishaps: ['pause'] }],
  ['two workers with MaxSessionPerServer 2', { maxClients: 2, mishaps: ['die'] }],
  ['two workers that take one client at a time', { maxClients: 1, mishaps: ['die'] }],
  ['two workers with MaxSession 2', { mostClients: 2, mishaps: ['die', 'stop'] }],
];

/** The orders of events tried in each case: enough to come seven events or deeper. */
const MOST_STATES = 4000;

describe('no permit, copy or report is lost', () => {
  it.each(CASES)('in any order of events, the shortest first: %s', (_title, given) => {
    const { states, problem } = explore({ ...POOL, ...given }, { depth: 40, most: MOST_STATES });

    expect(problem).toBeUndefined();
    expect(states).toBe(MOST_STATES);
  });

  it.each<[string, Partial<PoolSettings>]>([
    ['three workers', { workers: 3 }],
    ['six workers, some to come', { workers: 6, starting: 3 }],
    ['three workers in a crowd', { ...CROWD, workers: 3 }],
    ['six workers in a crowd, some to come', { workers: 6, starting: 3, holders: 2 }],
    ['six workers in a crowd of clients most of which stay', { workers: 6, holders: 2, lasting: true }],
    ['every limit at once', { workers: 4, maxClients: 3, mostClients: 7 }],
    ['every limit at once, in a crowd', { workers: 4, holders: 3, maxClients: 3, mostClients: 7 }],
    ['one client at a time', { workers: 3, maxClients: 1 }],
  ])('in long random lives: %s', (_title, given) => {
    const settings: PoolSettings = { ...POOL, mishaps: ['die', 'stop', 'block', 'pause'], ...given };

    for (const seed of seeds(300)) expect(wander(settings, seed, 300)).toBeUndefined();
  });
});

describe('the credit of a crowd', () => {
  /** A worker is at its ceiling, asks, and is answered; all clients that do not stay have had the time to leave. */
  const asks = (office: Office, id: number, clients: number, served: number): void => {
    office.now += 10_000;
    for (const permit of ['held', 'spent'] as const) {
      const record = office.record(id);
      hear(office.roster, record, { type: 'state', state: { ...record.state, permit, clients, served, ordersSeen: record.ordersSent } }, office.now);
    }
    office.update();
  };
  const credits = (office: Office): readonly number[] => office.roster.permitViews().map(({ credit }) => credit);

  it('is more for a worker whose clients leave again, and the first for all once clients stay with one', () => {
    const office = new Office({ workers: 2, crowded: true });

    asks(office, 1, 8, 16);
    asks(office, 1, 16, 40);
    asks(office, 2, 8, 16);
    const before = credits(office);
    asks(office, 2, 16, 24);

    expect([before, credits(office)]).toEqual([[32, 16], [8, 8]]);
  });

  it('is not learnt from workers that are kept in balance', () => {
    const office = new Office({ workers: 2, crowded: false });

    asks(office, 1, 8, 16);

    expect(credits(office)).toEqual([8, 8]);
  });

  it('lets the pool come to rest where some workers have more clients than they may be ahead', () => {
    const pool = new PermitPool({ workers: 3, starting: 0, holders: 2, maxClients: null, mostClients: Infinity, mishaps: [], settled: true });
    for (let come = 0; come < 60; come++) {
      const [first] = pool.events().filter(({ kind }) => kind === 'connect').sort((one, other) => (pool.clients[one.index] ?? 0) - (pool.clients[other.index] ?? 0));
      if (first !== undefined) pool.apply(first);
      pool.flush(1);
    }
    const filled = Math.min(...pool.clients);

    for (let left = pool.clients[0] ?? 0; left > 0; left--) {
      pool.apply({ kind: 'leave', index: 0 });
      pool.flush(1);
    }

    expect(filled).toBeGreaterThan(FIRST_CREDIT.clients);
    expect(pool.brokenNow() ?? pool.brokenInTheEnd()).toBeUndefined();
  });
});

describe('a burst of lasting clients', () => {
  it.each(seeds(20))('leaves no worker further ahead than a twelfth of the mean, in whatever order clients and messages come: seed %d', (seed) => {
    const counts = crowdIn({ workers: 8, starting: 0, holders: Infinity, maxClients: null, mostClients: Infinity, mishaps: [], settled: true }, seed, 400);

    expect(Math.max(...counts)).toBeLessThanOrEqual(50 + 50 / 12);
  });

  it.each(seeds(10))('that comes while a crowd is served leaves none further ahead than twice the first credit: seed %d', (seed) => {
    const counts = crowdIn({ workers: 8, starting: 0, holders: 2, maxClients: null, mostClients: Infinity, mishaps: [], settled: true }, seed, 400);

    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(2 * FIRST_CREDIT.clients);
  });

  it.each(seeds(10))('is shared to within one client where each worker takes only few: seed %d', (seed) => {
    const counts = crowdIn({ workers: 12, starting: 0, holders: Infinity, maxClients: 5, mostClients: Infinity, mishaps: [], settled: true }, seed, 23);

    expect(counts.toSorted()).toEqual([1, ...Array.from({ length: 11 }, () => 2)]);
  });

  it.each(seeds(10))('is no less even in a crowd where as many may accept as there are workers: seed %d', (seed) => {
    const counts = crowdIn({ workers: 8, starting: 0, holders: 8, maxClients: null, mostClients: Infinity, mishaps: [], settled: true }, seed, 400);

    expect(Math.max(...counts)).toBeLessThanOrEqual(1.1 * 50);
  });
});
