import { describe, expect, it } from 'vitest';
import { CREDIT } from '../../src/policy/credit.js';
import { planPermits, QUIET_MS, type PermitConfig, type PermitOrder, type PermitView } from '../../src/policy/permits.js';
import { Seeded, seeds } from '../support/seeded.js';

const NOW = 1_000_000;
const TWO: PermitConfig = { holders: 2, single: false, credit: CREDIT };

/** A worker that waits for a permit, except for what is given. */
const waiting = (id: number, given: Partial<PermitView> = {}): PermitView => ({
  id, eligible: true, available: true, clients: 0, ordered: false, unlimited: false, orderedAt: NOW - 60_000, confirmed: true, permit: 'none', busy: false,
  heardAt: NOW - 5000, copies: 2, stock: 2, ...given,
});
const holder = (id: number, given: Partial<PermitView> = {}): PermitView => waiting(id, { ordered: true, permit: 'held', ...given });
const spent = (id: number, given: Partial<PermitView> = {}): PermitView => holder(id, { permit: 'spent', ...given });
const unconfirmed = (id: number, given: Partial<PermitView> = {}): PermitView => holder(id, { confirmed: false, orderedAt: NOW, heardAt: NOW, permit: 'none', ...given });
/** Its permit is from the time when the pool was small. */
const unlimited = (id: number, given: Partial<PermitView> = {}): PermitView => holder(id, { unlimited: true, ...given });
/** Silent for too long after it said that it was about to run the user's code. */
const BLOCKED: Partial<PermitView> = { busy: true, heardAt: NOW - QUIET_MS };

const permit = (workerId: number, credit: number | null = CREDIT): PermitOrder => ({ kind: 'permit', workerId, credit });
const withdraw = (workerId: number): PermitOrder => ({ kind: 'withdraw', workerId });
const copies = (workerId: number, count: number): PermitOrder => ({ kind: 'copies', workerId, count });

const orders = (workers: readonly PermitView[], config: PermitConfig = TWO): readonly PermitOrder[] => planPermits(workers, config, NOW).orders;

describe('planPermits in a large pool', () => {
  it.each([
    ['gives permits to as many as there are to be holders', [waiting(1), waiting(2), waiting(3)], [permit(1), permit(2)]],
    ['gives them to those with the fewest clients', [waiting(1, { clients: 5 }), waiting(2, { clients: 3 }), waiting(3, { clients: 4 })], [permit(2), permit(3)]],
    ['leaves holders alone that have credit, whatever the others have', [holder(1, { clients: 99 }), holder(2, { clients: 50 }), waiting(3)], []],
    ['fills up when a holder has gone', [holder(1), waiting(3, { clients: 1 }), waiting(4)], [permit(4)]],
    ['gives none to a worker that is not eligible', [waiting(1, { eligible: false }), holder(2), waiting(3, { clients: 1 }), waiting(4, { clients: 2 })], [permit(3)]],
    ['counts no worker that is not eligible as a holder', [holder(1, { eligible: false }), holder(2), waiting(3), waiting(4)], [permit(3)]],
    ['gives none to a worker that could not accept', [waiting(1, { available: false }), holder(2), waiting(3, { clients: 9 })], [permit(3)]],
    ['counts no holder that cannot accept', [holder(1, { available: false }), holder(2), waiting(3)], [permit(3)]],
    ['lets a holder that cannot accept keep its permit', [holder(1, { available: false }), holder(2, { available: false }), waiting(3, { available: false })], []],
    ['waits for one that has not confirmed its permit yet', [unconfirmed(1), holder(2), waiting(3)], []],
    ['takes a report of before the order for nothing', [unconfirmed(1, { permit: 'spent' }), holder(2), waiting(3)], []],
    ['gives another permit when one is not confirmed in time', [unconfirmed(1, { orderedAt: NOW - QUIET_MS, heardAt: NOW - QUIET_MS }), holder(2), waiting(3)], [permit(3)]],
    ['is patient with one that has spoken since', [unconfirmed(1, { orderedAt: NOW - QUIET_MS, heardAt: NOW - 1 }), holder(2), waiting(3)], []],
    ['gives another permit when a busy holder falls silent', [holder(1, BLOCKED), holder(2), waiting(3)], [permit(3)]],
    ['does not take a holder for blocked that is silent because nothing happens', [holder(1, { heardAt: 0 }), holder(2), waiting(3)], []],
    ['does not take a busy holder for blocked before its time', [holder(1, { busy: true, heardAt: NOW - QUIET_MS + 1 }), holder(2), waiting(3)], []],
    ['gives no permit to a worker that is blocked', [waiting(1, BLOCKED), holder(2), waiting(3, { clients: 9 })], [permit(3)]],
    ['lets a blocked holder keep its permit, for when it goes on', [holder(1, BLOCKED), holder(2, BLOCKED), waiting(3, BLOCKED)], []],
    ['has as many holders beside the blocked as it should', [holder(1, BLOCKED), holder(2, BLOCKED), waiting(3), waiting(4), waiting(5)], [permit(3), permit(4)]],
  ])('%s', (_title, workers, expected) => {
    expect(orders(workers)).toEqual(expected);
  });
});

describe('a permit whose credit is used up', () => {
  it.each([
    ['is renewed when nobody waits', [spent(1, { clients: 99 }), holder(2), waiting(3, { available: false })], [permit(1)]],
    ['is renewed when the others have as many clients', [spent(1, { clients: 8 }), holder(2), waiting(3, { clients: 8 })], [permit(1)]],
    ['is renewed when the imbalance is not worth a move', [spent(1, { clients: CREDIT - 1 }), holder(2), waiting(3)], [permit(1)]],
    ['moves to the worker with the fewest clients', [spent(1, { clients: CREDIT }), holder(2), waiting(3, { clients: 1 }), waiting(4)], [withdraw(1), permit(4)]],
    ['moves at an imbalance of CREDIT', [spent(1, { clients: 10 + CREDIT }), holder(2), waiting(3, { clients: 10 })], [withdraw(1), permit(3)]],
    ['moves together with another', [spent(1, { clients: 9 }), spent(2, { clients: 8 }), waiting(3), waiting(4)], [withdraw(1), withdraw(2), permit(3), permit(4)]],
    ['is not moved to a blocked worker', [spent(1, { clients: 9 }), holder(2), waiting(3, BLOCKED)], [permit(1)]],
    ['is not moved to a worker that drains', [spent(1, { clients: 9 }), holder(2), waiting(3, { eligible: false }), waiting(4, { clients: 9 })], [permit(1)]],
    ['is given again if the holder says that it has none', [holder(1, { permit: 'none' }), holder(2), waiting(3)], [permit(1)]],
  ])('%s', (_title, workers, expected) => {
    expect(orders(workers)).toEqual(expected);
  });
});

describe('permits of a pool that was small', () => {
  it.each([
    ['are limited when it has grown', TWO, [unlimited(1), unlimited(2), waiting(3)], [permit(1), permit(2)]],
    ['are limited whether they are confirmed or not', TWO, [unlimited(1, { confirmed: false, orderedAt: NOW - 1 }), unlimited(2), waiting(3)], [permit(1), permit(2)]],
    ['are unlimited again when it has shrunk', TWO, [holder(1), unlimited(2)], [permit(1, null)]],
  ] as const)('%s', (_title, config, workers, expected) => {
    expect(orders(workers, config)).toEqual(expected);
  });
});

describe('more holders than needed, after one was blocked', () => {
  it.each([
    ['are reduced by those with the most clients', [holder(1, { clients: 2 }), holder(2, { clients: 1 }), holder(3)], [withdraw(1)]],
    ['stay while one of them is blocked', [holder(1, BLOCKED), holder(2), holder(3), waiting(4)], []],
    ['stay while one of them cannot accept', [holder(1, { available: false }), holder(2), holder(3), waiting(4)], []],
    ['are reduced to the number of holders', [1, 2, 3, 4, 5].map((id) => holder(id, { clients: id })), [withdraw(3), withdraw(4), withdraw(5)]],
  ])('%s', (_title, workers, expected) => {
    expect(orders(workers)).toEqual(expected);
  });
});

describe('planPermits where every worker may accept', () => {
  const SINGLE: PermitConfig = { holders: 2, single: true, credit: CREDIT };

  it.each([
    ['gives everybody a permit without a credit in a small pool', TWO, [waiting(1), waiting(2, { clients: 50 })], [permit(1, null), permit(2, null)]],
    ['gives everybody one where a worker takes one client at a time', SINGLE, [waiting(1), waiting(2), waiting(3)], [permit(1, null), permit(2, null), permit(3, null)]],
    ['gives one to those too that cannot accept now', SINGLE, [waiting(1, { available: false })], [permit(1, null)]],
    ['gives one to those that were blocked', TWO, [waiting(1, BLOCKED)], [permit(1, null)]],
    ['does not count those that are not eligible', TWO, [waiting(1), waiting(2), waiting(3, { eligible: false })], [permit(1, null), permit(2, null)]],
    ['does nothing once all have one', TWO, [unlimited(1), unlimited(2)], []],
    ['waits for a confirmation', TWO, [unconfirmed(1, { unlimited: true }), unconfirmed(2, { unlimited: true, permit: 'spent' })], []],
    ['gives one without a credit in the place of one that is used up', TWO, [spent(1, { clients: 9 }), unlimited(2)], [permit(1, null)]],
    ['takes none back', SINGLE, [unlimited(1), unlimited(2), unlimited(3), unlimited(4)], []],
  ] as const)('%s', (_title, config, workers, expected) => {
    expect(orders(workers, config)).toEqual(expected);
  });
});

describe('copies of the handle', () => {
  it.each([
    ['are given to a new worker, up to its stock', [unlimited(1, { copies: 0, stock: 2 })], [copies(1, 2)]],
    ['are filled up when half of the stock is used', [unlimited(1, { copies: 4, stock: 8 })], [copies(1, 4)]],
    ['are left alone while there is more than half', [unlimited(1, { copies: 5, stock: 8 })], []],
    ['are given to a worker that waits too, so that a permit is enough later', [waiting(1, { copies: 1 }), holder(2), holder(3)], [copies(1, 1)]],
    ['are not given to a worker that drains', [holder(1, { copies: 0, eligible: false })], []],
    ['come before the permit', [waiting(1, { copies: 0 })], [copies(1, 2), permit(1, null)]],
  ])('%s', (_title, workers, expected) => {
    expect(orders(workers)).toEqual(expected);
  });
});

describe('the time of the next look', () => {
  it.each([
    ['is when the next report comes if nothing is under way', [holder(1), holder(2), waiting(3)], Infinity],
    ['is when a busy holder counts as blocked', [holder(1, { busy: true, heardAt: NOW - 10 }), holder(2), waiting(3)], QUIET_MS - 10],
    ['is when a permit is not confirmed in time', [unconfirmed(1, { orderedAt: NOW - 7, heardAt: NOW - 20 }), holder(2), waiting(3)], QUIET_MS - 7],
    ['is the earlier of both', [unconfirmed(1, { busy: true, orderedAt: NOW, heardAt: NOW - 12 }), holder(2), waiting(3)], QUIET_MS - 12],
    ['is not that of a worker without a permit', [holder(1), holder(2), waiting(3, { busy: true, heardAt: NOW - 10 })], Infinity],
    ['is never in the past', [holder(1, BLOCKED), holder(2), waiting(3)], undefined],
  ])('%s', (_title, workers, expected) => {
    const { nextAt } = planPermits(workers, TWO, NOW);

    expect(nextAt).toBeGreaterThan(NOW);
    if (expected !== undefined) expect(nextAt).toBe(NOW + expected);
  });
});

describe('planPermits of any pool', () => {
  const randomView = (random: Seeded, id: number): PermitView => ({
    id,
    eligible: random.chance(0.9),
    available: random.chance(0.8),
    clients: random.int(0, 12),
    ordered: random.chance(0.5),
    unlimited: random.chance(0.1),
    orderedAt: NOW - random.int(0, 2 * QUIET_MS),
    confirmed: random.chance(0.7),
    permit: random.pick(['none', 'held', 'spent']),
    busy: random.chance(0.3),
    heardAt: NOW - random.int(0, 2 * QUIET_MS),
    copies: random.int(0, 4),
    stock: random.pick([2, 4]),
  });

  it('orders nothing of those that are not eligible, and leaves somebody to accept', () => {
    for (const seed of seeds(5000)) {
      const random = new Seeded(seed);
      const views = Array.from({ length: random.int(1, 7) }, (_, index) => randomView(random, index + 1));
      const before = JSON.stringify(views);
      const plan = planPermits(views, { holders: random.int(1, 3), single: random.chance(0.2), credit: CREDIT }, NOW);

      const without = new Set(plan.orders.filter(({ kind }) => kind === 'withdraw').map(({ workerId }) => workerId));
      const given = new Set(plan.orders.filter(({ kind }) => kind === 'permit').map(({ workerId }) => workerId));
      const able = views.filter((view) => view.eligible && view.available && !isBlocked(view));
      expect(plan.orders.every(({ workerId }) => views.some(({ id, eligible }) => id === workerId && eligible)), `seed ${seed}`).toBe(true);
      // Whose permit is renewed counts, able or not, until its answer is there or late: that is another plan.
      const isUndecided = views.some((view) => view.ordered && (view.permit !== 'held' || view.unlimited) && (isBlocked(view) || !view.available));
      if (able.length > 0 && !isUndecided) expect(able.some(({ id, ordered }) => given.has(id) || (ordered && !without.has(id))), `seed ${seed}`).toBe(true);
      expect(JSON.stringify(views)).toBe(before);
    }
  });

  function isBlocked({ busy, confirmed, heardAt, orderedAt }: PermitView): boolean {
    return (busy && NOW - heardAt >= QUIET_MS) || (!confirmed && NOW - Math.max(orderedAt, heardAt) >= QUIET_MS);
  }
});
