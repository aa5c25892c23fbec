import { describe, expect, it } from 'vitest';
import { plan } from '../../src/policy/plan.js';
import type { Action, PoolConfig, PoolSnapshot, WorkerSnapshot } from '../../src/policy/snapshot.js';
import { Seeded, seeds } from '../support/seeded.js';
import { CONFIG, NOW, many, pool, worker, workers } from '../support/pool-snapshots.js';

const LIFE = 60_000;
const RIPE = { surplusSince: NOW - CONFIG.heartbeatMs };
const old = (id: number, given: Partial<WorkerSnapshot> = {}): WorkerSnapshot => worker(id, { bornAt: NOW - LIFE - id, lifeMs: LIFE, ...given });
const silent = (id: number, given: Partial<WorkerSnapshot> = {}): WorkerSnapshot => worker(id, { heardAt: NOW - CONFIG.expireMs, ...given });

const fork = (count: number): Action => ({ kind: 'fork', count });
const drain = (workerId: number, reason: 'lifetime' | 'spare' | 'surplus' | 'expired' | 'shutdown'): Action => ({ kind: 'drain', workerId, reason });
const kill = (workerId: number, reason: 'grace' | 'boot'): Action => ({ kind: 'kill', workerId, reason });

const actions = (members: readonly WorkerSnapshot[], given: Partial<PoolSnapshot> = {}, config: Partial<PoolConfig> = {}): readonly Action[] =>
  plan(pool(members, given), { ...CONFIG, ...config }, NOW).actions;

const nextAt = (members: readonly WorkerSnapshot[], given: Partial<PoolSnapshot> = {}, config: Partial<PoolConfig> = {}): number =>
  plan(pool(members, given), { ...CONFIG, ...config }, NOW).nextAt - NOW;

describe('plan', () => {
  it.each([
    ['does nothing for a pool that is as it should be', workers('busy', 'idle', 'idle', 'draining', 'killed'), {}, {}, []],
    ['forks what the pool is short of', workers('busy', 'busy', 'busy'), {}, {}, [fork(2)]],
    ['replaces a silent worker in the same plan', [silent(1), ...workers('idle', 'idle', 'idle').slice(1)], {}, {}, [drain(1, 'expired'), fork(1)]],
    ['kills what is past its deadline and forks nothing for it, because it was replaced when it began to drain',
      [worker(4, { phase: 'draining', drainDeadline: NOW }), ...workers('idle', 'idle', 'idle')], {}, {}, [kill(4, 'grace')]],
    ['forks nothing in the plan that kills a start that hung: it counts as a failed one',
      [worker(1, { phase: 'starting', bornAt: NOW - CONFIG.bootMs })], {}, {}, [kill(1, 'boot')]],
    ['forks and does not retire when both seem due', [...workers('busy', 'busy', 'busy'), ...[5, 6].map((id) => old(id))], RIPE, {}, [fork(2)]],
    ['drains the old when their successors are ready', [old(9), ...workers('idle', 'idle', 'idle')], {}, {}, [drain(9, 'lifetime')]],
    ['keeps the old while their successors start', [old(9), ...workers('idle', 'idle', 'starting')], {}, {}, []],
    ['forks the successors of old workers first', [old(9), ...workers('idle', 'idle')], {}, {}, [fork(1)]],
    ['replaces the old in a pool at MaxServer = MinServer, one more than MaxServer living meanwhile',
      [old(9), ...workers('idle', 'idle')], {}, { maxWorkers: 3, minSpare: 3 }, [fork(1)]],
    ['retires the unused before the surplus', [...workers(...many(7, 'idle')), worker(9, { idleSince: 0 })], RIPE, { maxIdleMs: 30_000 }, [drain(9, 'spare')]],
    ['retires the surplus', workers(...many(7, 'idle')), RIPE, {}, [drain(1, 'surplus')]],
    ['has no surplus made of workers that are being relieved', [old(9), ...workers(...many(4, 'idle'), 'starting')], RIPE, {}, [drain(9, 'lifetime')]],
    ['waits with a growing pause while starts fail', [], { retryAt: NOW + 1 }, {}, []],
    ['goes on serving with old workers while starts fail', [old(9), old(8)], { retryAt: NOW + 1 }, {}, []],
    ['judges nobody, but forks, after the master was asleep', [silent(1)], { deafMs: NOW }, {}, [fork(2)]],
    ['does not take a worker whose event loop stands still for spare or idle', [...workers('busy'), ...[8, 9].map((id) => worker(id, { blocked: true, idleSince: 0 }))], RIPE, { minSpare: 1, maxSpare: 1, maxIdleMs: 1000 }, [fork(1)]],
  ])('%s', (_title, members, given, config, expected) => {
    expect(actions(members, given, config)).toEqual(expected);
  });
});

describe('plan of a pool that stops', () => {
  it.each([
    ['drains every living worker and forks none', workers('starting', 'idle', 'busy'), [drain(1, 'shutdown'), drain(2, 'shutdown'), drain(3, 'shutdown')]],
    ['leaves those alone that drain already or were killed', workers('draining', 'killed'), []],
    ['still kills at the deadline', [worker(1, { phase: 'draining', drainDeadline: NOW })], [kill(1, 'grace')]],
    ['gives a silent worker one order, not two', [silent(1)], [drain(1, 'expired')]],
    ['does nothing when all have gone', [], []],
  ])('%s', (_title, members, expected) => {
    expect(actions(members, { stopping: true })).toEqual(expected);
  });

  it('keeps those that start while clients in the queue are still taken, unless they are on trial', () => {
    const members = [...workers('starting', 'idle'), worker(3, { phase: 'starting', trial: true })];

    expect(actions(members, { stopping: true, lastCall: true })).toEqual([drain(2, 'shutdown'), drain(3, 'shutdown')]);
  });
});

describe('the time of the next plan', () => {
  it.each([
    ['is a heartbeat away when nothing is due before', workers('idle', 'idle', 'idle'), {}, {}, CONFIG.heartbeatMs],
    ['is when the next start may be tried', [], { retryAt: NOW + 70 }, {}, 70],
    ['is when the surplus may be reduced', workers('idle'), { surplusSince: NOW - 9000 }, {}, 1000],
    ['is when a start must be ready', [worker(1, { phase: 'starting', bornAt: NOW - CONFIG.bootMs + 80 }), worker(2)], {}, {}, 80],
    ['is soon when no worker is free and one is starting: more clients may come to wait', workers('busy', 'starting'), {}, {}, 50],
    ['is when a worker counts as silent', [worker(1, { heardAt: NOW - CONFIG.expireMs + 90 })], {}, {}, 90],
    ['is when a worker is at the end of its life', [worker(1, { bornAt: NOW - LIFE + 40, lifeMs: LIFE })], {}, {}, 40],
    ['is when a worker is unused for long enough', [worker(1, { idleSince: NOW - 2960 })], {}, { maxIdleMs: 3000 }, 40],
    ['is not that of a worker with a client', [worker(1, { clients: 1 })], {}, { maxIdleMs: 3000 }, CONFIG.heartbeatMs],
    ['is the deadline of a drain', [worker(1, { phase: 'draining', drainDeadline: NOW + 60 })], {}, {}, 60],
    ['is not that of a drain without one', [worker(1, { phase: 'draining' })], {}, {}, CONFIG.heartbeatMs],
    ['is not that of a killed worker', [worker(1, { phase: 'draining', drainDeadline: NOW + 60, killed: true })], {}, {}, CONFIG.heartbeatMs],
    ['is never now, or the master would not rest', [worker(1, { phase: 'draining', drainDeadline: NOW })], { retryAt: NOW }, {}, CONFIG.heartbeatMs],
    ['is the earliest of all', [worker(1, { phase: 'draining', drainDeadline: NOW + 60 }), silent(2, { heardAt: NOW - CONFIG.expireMs + 59 })], {}, {}, 59],
  ])('%s', (_title, members, given, config, expected) => {
    expect(nextAt(members, given, config)).toBe(expected);
  });

  it.each([
    ['a hanging start', (at: number, span: number) => [{ phase: 'starting', bornAt: at }, { bootMs: span }] as const],
    ['a silent worker', (at: number, span: number) => [{ heardAt: at }, { expireMs: span }] as const],
    ['an old worker', (at: number, span: number) => [{ bornAt: at, lifeMs: span }, {}] as const],
    ['an unused worker', (at: number, span: number) => [{ idleSince: at }, { maxIdleMs: span }] as const],
    ['a drain', (at: number, span: number) => [{ phase: 'draining', drainDeadline: at + span }, {}] as const],
  ])('is one at which the rule for %s speaks, whatever the fractions of a millisecond', (_title, make) => {
    const base = { ...CONFIG, minWorkers: 0, minSpare: 0, heartbeatMs: 1e9, expireMs: 1e9, bootMs: 1e9, graceMs: 0 };
    for (const seed of seeds(500)) {
      const random = new Seeded(seed);
      const now = random.between(0, 1e5);
      const [one, given] = make(now - random.between(0, 10), random.between(10, 1000));
      const calm = { bornAt: now, heardAt: now, idleSince: now };
      const snapshot = pool([worker(1, { ...calm, ...one }), worker(2, calm)]);
      const config = { ...base, ...given };

      const before = plan(snapshot, config, now);
      const then = plan(snapshot, config, before.nextAt);

      expect(before.actions, `seed ${seed}`).toEqual([]);
      expect(then.actions, `seed ${seed}`).not.toEqual([]);
    }
  });
});
