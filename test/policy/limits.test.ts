import { describe, expect, it } from 'vitest';
import { shareLimit } from '../../src/policy/limits.js';
import type { LimitView } from '../../src/policy/limits.js';
import { LimitedPool } from '../support/limited-pool.js';
import { Seeded, seeds } from '../support/seeded.js';

/** A ready worker that keeps to a share, confirmed unless another is given. */
const holds = (id: number, ordered: number, given: Partial<LimitView> = {}): LimitView =>
  ({ id, eligible: true, able: true, armed: true, clients: 0, ordered, confirmed: ordered, closed: false, ...given });
const newborn = (id: number, given: Partial<LimitView> = {}): LimitView => holds(id, 0, { eligible: false, ...given });

/** The orders as a map from worker to share. */
const ordered = (workers: readonly LimitView[], most: number): Record<number, number> =>
  Object.fromEntries(shareLimit(workers, most).map(({ workerId, clients }) => [workerId, clients]));

describe('shareLimit', () => {
  it.each([
    ['orders nothing for an empty pool', [], 6, {}],
    ['shares the limit evenly', [holds(1, 0), holds(2, 0), holds(3, 0)], 6, { 1: 2, 2: 2, 3: 2 }],
    ['gives the remainder to the first workers', [holds(1, 0), holds(2, 0), holds(3, 0)], 5, { 1: 2, 2: 2, 3: 1 }],
    ['gives some workers nothing when there are more workers than clients', [holds(1, 0), holds(2, 0), holds(3, 0)], 2, { 1: 1, 2: 1 }],
    ['orders nothing when the shares are right', [holds(1, 3), holds(2, 3)], 6, {}],
    ['gives nothing to a worker that is not ready', [holds(1, 6), newborn(2)], 6, {}],
    ['takes the share of a worker that is gone for the others', [holds(1, 3)], 6, { 1: 6 }],
    ['asks an unfair share back before it gives it away', [holds(1, 6), holds(2, 0)], 6, { 1: 3 }],
    ['waits for the return to be confirmed', [holds(1, 3, { confirmed: 6 }), holds(2, 0)], 6, {}],
    ['gives it away then', [holds(1, 3), holds(2, 0)], 6, { 2: 3 }],
    ['gives away at once what nobody has', [holds(1, 4), holds(2, 0)], 6, { 1: 3, 2: 2 }],
    ['lets a worker keep the clients that it has', [holds(1, 6, { clients: 5 }), holds(2, 0)], 6, { 1: 5 }],
    ['shares what a full worker leaves evenly among the others', [holds(1, 8, { clients: 8 }), holds(2, 0), holds(3, 0)], 10, { 2: 1, 3: 1 }],
    ['takes a smaller share for granted only when it is confirmed, even if the clients have left',
      [holds(1, 1, { confirmed: 4 }), holds(2, 1), holds(3, 1), holds(4, 0)], 4, {}],
    ['does not take back what it gave before that is confirmed: the worker may fill it first', [holds(1, 4, { confirmed: 2 }), holds(2, 0)], 4, {}],
    ['takes it back when it is', [holds(1, 4), holds(2, 0)], 4, { 1: 2 }],
    ['counts a draining worker with its whole share while it may accept', [holds(1, 4, { eligible: false, clients: 1 }), holds(2, 2)], 6, {}],
    ['counts a draining worker with its clients once it said that it accepts no more',
      [holds(1, 4, { eligible: false, clients: 1, closed: true }), holds(2, 2)], 6, { 2: 5 }],
    ['gives nothing to a worker that accepts no more, whatever its phase', [holds(1, 3, { closed: true }), holds(2, 3)], 6, { 2: 6 }],
    ['gives nothing while workers from before the limit hold more than it', [holds(1, Infinity, { eligible: false }), holds(2, 0)], 4, {}],
    ['limits workers that had no limit', [holds(1, Infinity), holds(2, Infinity, { clients: 3 })], 4, { 1: 1, 2: 3 }],
    ['lets nobody in for one that leaves while there are more clients than the limit, which was lowered', [holds(1, 5, { clients: 5 }), holds(2, 5, { clients: 4 })], 4, { 1: 0, 2: 0 }],
    ['goes on with that while there are as many as it', [holds(1, 0, { clients: 3 }), holds(2, 0, { clients: 1 })], 4, {}],
    ['shares it again when there are fewer', [holds(1, 0, { clients: 2 }), holds(2, 0, { clients: 1 })], 4, { 2: 2 }],
    ['asks a limit of 0 back from idle workers', [holds(1, 2), holds(2, 2)], 0, { 1: 0, 2: 0 }],
    ['lets shares follow those who can use them', [holds(1, 1, { able: false }), holds(2, 1, { able: false }), holds(3, 0), holds(4, 0)], 2, { 1: 0, 2: 0 }],
    ['gives them away when their return is confirmed', [holds(1, 0, { able: false }), holds(2, 0, { able: false }), holds(3, 0), holds(4, 0)], 2, { 3: 1, 4: 1 }],
    ['leaves those that cannot use it what their clients need', [holds(1, 3, { able: false, clients: 1 }), holds(2, 1)], 4, { 1: 1 }],
    ['leaves the shares alone when nobody can use any', [holds(1, 1, { able: false }), holds(2, 1, { able: false })], 2, {}],
    ['waits for no worker that was started before there was a limit and cannot accept yet',
      [holds(1, Infinity, { eligible: false, armed: false, confirmed: 0 }), holds(2, Infinity, { clients: 1 })], 100, { 2: 100 }],
    ['gives such a worker its share before it can accept', [holds(1, Infinity, { armed: false, confirmed: 0 }), holds(2, 4)], 4, { 1: 0, 2: 2 }],
    ['lifts the limit of every worker that has one', [holds(1, 2), holds(2, Infinity), newborn(3)], Infinity, { 1: Infinity }],
    ['lifts it only when the worker has confirmed it', [holds(1, 2, { confirmed: Infinity })], Infinity, {}],
  ])('%s', (_title, workers, most, expected) => {
    expect(ordered(workers, most)).toEqual(expected);
  });

  it.each([
    ['keeps what those will get that start', [holds(1, 0)], { 1: 2 }],
    ['and what they will get beside two that are ready', [holds(1, 2), holds(2, 0)], { 2: 2 }],
    ['gives a worker more before it has used up its part', [holds(1, 2, { clients: 1 }), holds(2, 2)], { 1: 3 }],
    ['and one that has used it up, so that no client waits for a worker that starts', [holds(1, 2, { clients: 2 })], { 1: 4 }],
    ['takes nothing back because others start', [holds(1, 3), holds(2, 3)], {}],
  ])('%s', (_title, workers, expected) => {
    const orders = shareLimit(workers, 6, { starting: 3 - workers.length });

    expect(Object.fromEntries(orders.map(({ workerId, clients }) => [workerId, clients]))).toEqual(expected);
  });
});

describe('shareLimit with a limit for each worker', () => {
  it.each([
    ['gives none more than it may have', [holds(1, 0), holds(2, 0)], 8, { 1: 1, 2: 1 }],
    ['gives one that comes later its part at once', [holds(1, 1, { clients: 1, able: false }), holds(2, 0)], 8, { 2: 1 }],
    ['asks back what it may not use', [holds(1, 4), holds(2, 4)], 8, { 1: 1, 2: 1 }],
    ['leaves a worker the clients that it has', [holds(1, 4, { clients: 3 }), holds(2, 0)], 8, { 1: 3, 2: 1 }],
    ['divides a smaller limit of the pool as ever', [holds(1, 0), holds(2, 0), holds(3, 0)], 2, { 1: 1, 2: 1 }],
  ])('%s', (_title, workers, most, expected) => {
    const orders = shareLimit(workers, most, { each: 1 });

    expect(Object.fromEntries(orders.map(({ workerId, clients }) => [workerId, clients]))).toEqual(expected);
  });
});

describe('MaxSession', () => {
  it('is never exceeded, in any order of orders, reports, clients, drains, deaths and births (exhaustive)', () => {
    // A second worker comes while the first is still receiving its share. (With three it holds too, in half a million states.)
    const start = LimitedPool.of({ most: 2, workers: 1 });
    const seen = new Set([start.key()]);
    const open = [start];
    let tooMany = 0;

    for (let pool = open.pop(); pool !== undefined; pool = open.pop()) {
      if (pool.clients() > 2) tooMany += 1;
      for (const next of pool.successors({ mostBorn: 2, mostUnderWay: { orders: 2, reports: 1 } })) {
        const key = next.key();
        if (seen.has(key)) continue;
        seen.add(key);
        open.push(next);
      }
    }

    expect(tooMany).toBe(0);
    expect(seen.size).toBeGreaterThan(10_000);
  }, 30_000);

  it('is never exceeded, whatever is late or lost (random)', () => {
    for (const seed of seeds(300)) {
      const random = new Seeded(seed);
      const most = random.int(0, 12);
      const pool = LimitedPool.of({ most, workers: random.int(1, 5) });
      for (let step = 0; step < 400; step++) {
        pool.stepAtRandom(random);
        expect(pool.clients(), `seed ${seed}, step ${step}`).toBeLessThanOrEqual(most);
      }
    }
  });

  it('is used in full and shared evenly once everybody has reported, whatever happened before', () => {
    for (const seed of seeds(300)) {
      const random = new Seeded(seed);
      const most = random.int(0, 12);
      const pool = LimitedPool.of({ most, workers: random.int(1, 5) });
      for (let step = 0; step < 200; step++) pool.stepAtRandom(random);

      pool.settle();

      const shares = pool.shares();
      expect(shares.reduce((total, share) => total + share, 0), `seed ${seed}`).toBe(most);
      expect(Math.max(...shares) - Math.min(...shares), `seed ${seed}`).toBeLessThanOrEqual(1);
      expect(pool.sharesOut(), `seed ${seed}`).toEqual([]);
    }
  });
});
