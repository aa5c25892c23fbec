import { describe, expect, it } from 'vitest';
import { planPermits, type PermitConfig, type PermitOrder, type PermitView } from '../../src/policy/permits.js';
import { ANSWER_MS, IDLE_PULSE_MS, PULSE_MS, WATCHED_PULSE_MS, isBlocked } from '../../src/policy/silence.js';
import { Seeded, seeds } from '../support/seeded.js';

const NOW = 1_000_000;
const CREDIT = 2;
const ALL: PermitConfig = { holders: Infinity, credit: CREDIT, lower: false };
const CROWD: PermitConfig = { holders: 2, credit: undefined, lower: false };

/** A worker that has no permit, except for what is given. */
const fresh = (id: number, given: Partial<PermitView> = {}): PermitView => ({
  id, eligible: true, available: true, clients: 0, ordered: false, ceiling: 0, credit: 64, askedPulseMs: PULSE_MS, permit: 'none',
  heardAt: NOW, pulseMs: PULSE_MS, askedAt: NOW - 60_000, answered: true, copies: 2, stock: 2, ...given,
});
/** A worker that may accept. */
const holder = (id: number, given: Partial<PermitView> = {}): PermitView => fresh(id, { ordered: true, ceiling: (given.clients ?? 0) + CREDIT, permit: 'held', ...given });
/** One that has asked for a higher ceiling, or has to wait. */
const spent = (id: number, clients: number, given: Partial<PermitView> = {}): PermitView => holder(id, { clients, ceiling: clients, permit: 'spent', ...given });
const full = (id: number, clients: number, given: Partial<PermitView> = {}): PermitView => spent(id, clients, { permit: 'full', ...given });
/** One of the few in a crowd. */
const watched = (id: number, given: Partial<PermitView> = {}): PermitView => holder(id, { askedPulseMs: WATCHED_PULSE_MS, pulseMs: WATCHED_PULSE_MS, ceiling: 64, ...given });
const BLOCKED: Partial<PermitView> = { heardAt: NOW - 10_000 };
const UNANSWERED: Partial<PermitView> = { answered: false, askedAt: NOW - 1 };

/** While somebody waits at its ceiling: one of those that may accept, which pulses. */
const sentinel = (id: number, given: Partial<PermitView> = {}): PermitView => holder(id, { askedPulseMs: IDLE_PULSE_MS, pulseMs: IDLE_PULSE_MS, ...given });

const permit = (workerId: number, ceiling: number, pulseMs = PULSE_MS): PermitOrder => ({ kind: 'permit', workerId, ceiling, pulseMs });
const withdraw = (workerId: number): PermitOrder => ({ kind: 'withdraw', workerId });
const probe = (workerId: number): PermitOrder => ({ kind: 'probe', workerId });
const copies = (workerId: number, count: number): PermitOrder => ({ kind: 'copies', workerId, count });

const orders = (workers: readonly PermitView[], config: PermitConfig): readonly PermitOrder[] => planPermits(workers, config, NOW).orders;

describe('where everybody may accept', () => {
  it.each<[string, readonly PermitView[], readonly PermitOrder[]]>([
    ['each is given a permit, up to the credit', [fresh(1), fresh(2)], [permit(1, 2), permit(2, 2)]],
    ['a newcomer may catch up and get ahead by the credit', [holder(1, { clients: 9 }), holder(2, { clients: 8 }), fresh(3)], [permit(3, 2)]],
    ['nothing is ordered while each has room', [holder(1), holder(2, { clients: 1 })], []],
    ['none is given to a worker that is not eligible', [fresh(1, { eligible: false }), holder(2)], []],
    ['one that cannot accept now gets one too, for when it can', [fresh(1, { available: false }), holder(2)], [permit(1, 2)]],
    ['one that was blocked gets one too', [fresh(1, BLOCKED), holder(2)], [permit(1, 2)]],
    ['one that asks gets a higher ceiling when the others have caught up', [spent(1, 2), holder(2, { clients: 1 })], [permit(1, 3)]],
    ['one that asks too early has to wait', [spent(1, 2), sentinel(2)], [permit(1, 2)]],
    ['one that waits is left alone until the others have caught up', [full(1, 2), sentinel(2)], []],
    ['one that waits may go on then', [full(1, 2), holder(2, { clients: 1 })], [permit(1, 3)]],
    ['all that are level may go on', [full(1, 5), full(2, 5), full(3, 5)], [permit(1, 7), permit(2, 7), permit(3, 7)]],
    ['a paused worker holds no other back', [full(1, 2), holder(2, { available: false })], [permit(1, 4)]],
    ['a blocked worker holds no other back', [full(1, 2), holder(2, BLOCKED)], [permit(1, 4)]],
    ['a worker that has left the pool holds no other back', [full(1, 2), full(3, 2), holder(2, { eligible: false })], [permit(1, 4), permit(3, 4)]],
    ['a worker that is alone has nobody to be kept in balance with', [full(1, 2), holder(2, { eligible: false })], [permit(1, 66)]],
    ['while one waits, another that may accept pulses', [full(1, 2), holder(2), holder(3)], [permit(2, 2, IDLE_PULSE_MS)]],
    ['it pulses more often once it has a client', [full(1, 2), sentinel(2, { clients: 1, ceiling: 2 }), holder(3)], [permit(2, 2, WATCHED_PULSE_MS)]],
    ['when it falls silent another pulses, and all others like it are asked for a sign of life',
      [full(1, 2), sentinel(2, BLOCKED), holder(3, { heardAt: NOW - 30 }), holder(4, { heardAt: NOW - 30 }), holder(5, { heardAt: NOW - 10 })],
      [permit(3, 2, IDLE_PULSE_MS), probe(4)]],
    ['none is asked twice', [full(1, 2), sentinel(2, BLOCKED), sentinel(3, UNANSWERED), holder(4, { ...UNANSWERED, heardAt: NOW - 30 })], []],
    ['a report from before the order counts for nothing', [spent(1, 2, UNANSWERED), holder(2, { clients: 1 })], []],
    ['one that says it has none is given it again', [holder(1, { permit: 'none' }), holder(2)], [permit(1, 2)]],
    ['everybody gets one again when a crowd is over', [watched(1), watched(2), fresh(3)], [permit(3, 2)]],
    ['ceilings that have become too high are left for the moment', [holder(1, { ceiling: 50 }), holder(2)], []],
  ])('%s', (_title, workers, expected) => {
    expect(orders(workers, ALL)).toEqual(expected);
  });

  it.each<[string, readonly PermitView[], readonly PermitOrder[]]>([
    ['one that has become too high', [holder(1, { ceiling: 50 }), holder(2)], [permit(1, 2)]],
    ['none that is right', [holder(1), holder(2)], []],
    ['none that is reached anyway', [full(1, 3), sentinel(2)], []],
    ['those of a crowd, with its pulse', [watched(1), watched(2)], [permit(1, 2), permit(2, 2)]],
    ['a pulse that is no longer needed', [holder(1), sentinel(2)], [permit(2, 2)]],
  ])('lowers, from time to time, %s', (_title, workers, expected) => {
    expect(orders(workers, { ...ALL, lower: true })).toEqual(expected);
  });
});

describe('in a crowd of short-lived clients', () => {
  it.each<[string, readonly PermitView[], readonly PermitOrder[]]>([
    ['only a few keep a permit, those with the fewest clients',
      [holder(1, { clients: 3 }), holder(2, { clients: 1 }), holder(3, { clients: 2 })], [withdraw(1), permit(2, 65, WATCHED_PULSE_MS), permit(3, 65, WATCHED_PULSE_MS)]],
    ['the few are left alone', [watched(1, { clients: 9 }), watched(2), fresh(3), fresh(4)], []],
    ['another takes the place of one that has gone', [watched(1), fresh(3, { clients: 1 }), fresh(4)], [permit(4, 64, WATCHED_PULSE_MS)]],
    ['another takes the place of one that cannot accept', [watched(1, { available: false }), watched(2), fresh(3)], [permit(3, 64, WATCHED_PULSE_MS)]],
    ['another takes the place of one that is blocked', [watched(1, BLOCKED), watched(2), fresh(3), fresh(4)], [permit(3, 64, WATCHED_PULSE_MS)]],
    ['the blocked one keeps its permit for when it goes on', [watched(1, BLOCKED), watched(2), watched(3), fresh(4)], []],
    ['everybody is asked when none of the few is left', [watched(1, BLOCKED), watched(2, BLOCKED), fresh(3), fresh(4), fresh(5)], [permit(3, 64, WATCHED_PULSE_MS), permit(4, 64, WATCHED_PULSE_MS), permit(5, 64, WATCHED_PULSE_MS)]],
    ['those that confirm first keep it', [watched(1, BLOCKED), watched(3), watched(4, { clients: 1 }), watched(5, UNANSWERED)], [withdraw(5)]],
    ['no more are asked while one has not confirmed yet', [watched(1, BLOCKED), watched(3, UNANSWERED), watched(4, UNANSWERED), fresh(5)], []],
    ['one that gets far ahead hands it on', [watched(1, { clients: 64, permit: 'spent' }), watched(2), fresh(3)], [withdraw(1), permit(3, 64, WATCHED_PULSE_MS)]],
    ['one that asks gets more if it is not far ahead', [watched(1, { clients: 64, permit: 'spent' }), watched(2, { clients: 9 }), fresh(3, { clients: 5 })], [permit(1, 69, WATCHED_PULSE_MS)]],
    ['one that has more than its ceiling is given none, which it would have to hand on at once', [watched(1), fresh(2, { clients: 64 }), fresh(3, { clients: 70 })], []],
    ['a blocked worker is given none', [watched(1), fresh(2, BLOCKED), fresh(3, { clients: 7 }), fresh(4, BLOCKED)], [permit(3, 64, WATCHED_PULSE_MS)]],
  ])('%s', (_title, workers, expected) => {
    const by = ({ workerId }: PermitOrder): number => workerId;
    expect([...orders(workers, CROWD)].sort((one, other) => by(one) - by(other))).toEqual(expected);
  });

  it('a pool with no more workers than holders has permits for all', () => {
    expect(orders([fresh(1), fresh(2)], CROWD)).toEqual([permit(1, 64), permit(2, 64)]);
  });
});

describe('copies of the handle', () => {
  it.each([
    ['are given to a new worker, up to its stock', [holder(1, { copies: 0, stock: 2 })], [copies(1, 2)]],
    ['are filled up when half of the stock is used', [holder(1, { copies: 4, stock: 8 })], [copies(1, 4)]],
    ['are left alone while there is more than half', [holder(1, { copies: 5, stock: 8 })], []],
    ['are not given to a worker that drains', [holder(1, { copies: 0, eligible: false })], []],
    ['come before the permit', [fresh(1, { copies: 0 })], [copies(1, 2), permit(1, 64)]],
  ])('%s', (_title, workers, expected) => {
    expect(orders(workers, ALL)).toEqual(expected);
  });

  it('are given to a worker without a permit too, so that a permit is enough later', () => {
    expect(orders([watched(1), watched(2), fresh(3, { copies: 1 })], CROWD)).toEqual([copies(3, 1)]);
  });
});

describe('the time of the next look', () => {
  it.each([
    ['is when a pulse will be missed', [holder(1), holder(2, { heardAt: NOW - 100 })], PULSE_MS + 50],
    ['is when a watched pulse will be missed', [watched(1, { heardAt: NOW - 10 }), watched(2)], WATCHED_PULSE_MS + 20],
    ['is when an answer is late', [holder(1, { answered: false, askedAt: NOW - 7, heardAt: NOW - 20 }), holder(2)], ANSWER_MS - 7],
    ['does not depend on those that count as blocked', [holder(1, BLOCKED), holder(2)], PULSE_MS + 150],
    ['is when the next report comes in an empty pool', [], Infinity],
  ])('%s', (_title, workers, expected) => {
    expect(planPermits(workers, ALL, NOW).nextAt).toBe(NOW + expected);
  });

  it('says whether a ceiling has become too high and waits to be lowered', () => {
    const members = [holder(1, { ceiling: 50 }), holder(2)];

    expect(planPermits(members, ALL, NOW).isHigh).toBe(true);
    expect(planPermits(members, { ...ALL, lower: true }, NOW).isHigh).toBe(false);
    expect(planPermits([holder(1), holder(2)], ALL, NOW).isHigh).toBe(false);
  });
});

describe('planPermits of any pool', () => {
  const randomView = (random: Seeded, id: number): PermitView => {
    const clients = random.int(0, 12);
    return {
      id, clients,
      eligible: random.chance(0.9),
      available: random.chance(0.8),
      ordered: random.chance(0.7),
      ceiling: clients + random.int(0, 3),
      askedPulseMs: random.pick([WATCHED_PULSE_MS, IDLE_PULSE_MS, PULSE_MS]),
      answered: random.chance(0.7),
      permit: random.pick(['none', 'held', 'spent', 'full']),
      credit: random.int(1, 4),
      heardAt: NOW - random.int(0, 2 * ANSWER_MS),
      pulseMs: random.pick([WATCHED_PULSE_MS, PULSE_MS]),
      askedAt: NOW - random.int(0, 2 * ANSWER_MS),
      copies: random.int(0, 4),
      stock: random.pick([2, 4]),
    };
  };

  it('orders nothing of those that are not eligible, at most one thing of each about its permit, and leaves an able worker with one', () => {
    for (const seed of seeds(5000)) {
      const random = new Seeded(seed);
      const views = Array.from({ length: random.int(1, 7) }, (_, index) => randomView(random, index + 1));
      const before = JSON.stringify(views);
      const { orders: given } = planPermits(views, { holders: random.pick([1, 2, 3, Infinity]), credit: random.pick([1, 2, 3, 4, undefined]), lower: random.chance(0.5) }, NOW);

      expect(given.every(({ workerId }) => views.some(({ id, eligible }) => id === workerId && eligible)), `seed ${seed}`).toBe(true);
      const permits = given.filter(({ kind }) => kind !== 'copies').map(({ workerId }) => workerId);
      expect(new Set(permits).size, `seed ${seed}`).toBe(permits.length);
      const able = views.filter((view) => view.eligible && view.available && !isBlocked(view, NOW));
      const hasPermit = ({ id, ordered }: PermitView): boolean => {
        const order = given.find(({ kind, workerId }) => workerId === id && (kind === 'permit' || kind === 'withdraw'));
        return order === undefined ? ordered : order.kind === 'permit';
      };
      if (able.length > 0) expect(able.some(hasPermit), `seed ${seed}`).toBe(true);
      expect(JSON.stringify(views)).toBe(before);
    }
  });
});
