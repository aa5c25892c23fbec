import { describe, expect, it } from 'vitest';
import { judgeLiveness, wasAsleep } from '../../src/policy/liveness.js';
import { CONFIG, NOW, pool, worker } from '../support/pool-snapshots.js';

const { bootMs, expireMs, heartbeatMs } = CONFIG;

describe('judgeLiveness', () => {
  it.each([
    ['leaves a start alone within its limit', worker(1, { phase: 'starting', bornAt: NOW - bootMs + 1 }), []],
    ['kills a start that has reached its limit', worker(1, { phase: 'starting', bornAt: NOW - bootMs }),
      [{ kind: 'kill', workerId: 1, reason: 'boot' }]],
    ['does not take a slow start for a silent worker', worker(1, { phase: 'starting', bornAt: NOW - bootMs + 1, heardAt: 0 }), []],
    ['leaves a ready worker alone that was heard in time', worker(1, { heardAt: NOW - expireMs + 1 }), []],
    ['drains a ready worker that fell silent', worker(1, { heardAt: NOW - expireMs }), [{ kind: 'drain', workerId: 1, reason: 'expired' }]],
    ['drains a silent worker that has clients too', worker(1, { heardAt: NOW - expireMs, clients: 3 }),
      [{ kind: 'drain', workerId: 1, reason: 'expired' }]],
    ['leaves a draining worker alone before its deadline, silent or not', worker(1, { phase: 'draining', heardAt: 0, drainDeadline: NOW + 1 }), []],
    ['kills a draining worker at its deadline', worker(1, { phase: 'draining', drainDeadline: NOW }),
      [{ kind: 'kill', workerId: 1, reason: 'grace' }]],
    ['kills at the deadline whether the worker talks and has clients or not', worker(1, { phase: 'draining', clients: 9, drainDeadline: NOW - 1 }),
      [{ kind: 'kill', workerId: 1, reason: 'grace' }]],
    ['never kills a worker that may drain for ever', worker(1, { phase: 'draining', drainDeadline: Infinity, heardAt: 0 }), []],
    ['never kills a draining worker without a deadline', worker(1, { phase: 'draining', heardAt: 0 }), []],
    ['does not kill a worker twice', worker(1, { phase: 'draining', drainDeadline: 0, killed: true }), []],
  ])('%s', (_title, one, expected) => {
    expect(judgeLiveness(pool([one]), CONFIG, NOW)).toEqual(expected);
  });

  it('never takes a worker for silent with an infinite MaxServerExpireTime', () => {
    const config = { ...CONFIG, expireMs: Infinity, bootMs: Infinity };

    expect(judgeLiveness(pool([worker(1, { heardAt: 0 }), worker(2, { phase: 'starting', bornAt: 0 })]), config, NOW)).toEqual([]);
  });

  it('judges each worker by itself', () => {
    const members = [worker(1, { heardAt: 0 }), worker(2), worker(3, { phase: 'starting', bornAt: 0 })];

    expect(judgeLiveness(pool(members), CONFIG, NOW)).toEqual([
      { kind: 'drain', workerId: 1, reason: 'expired' }, { kind: 'kill', workerId: 3, reason: 'boot' },
    ]);
  });

  it('judges nobody in a round in which the master was asleep, and everybody in the next', () => {
    const members = [
      worker(1, { heardAt: 0 }), worker(2, { phase: 'starting', bornAt: 0 }), worker(3, { phase: 'draining', drainDeadline: 0 }),
    ];
    const awoken = pool(members, { plannedAt: NOW - heartbeatMs - 1001 });
    const next = pool(members, { plannedAt: NOW });

    expect(judgeLiveness(awoken, CONFIG, NOW)).toEqual([]);
    expect(judgeLiveness(next, CONFIG, NOW + 1)).toHaveLength(3);
  });
});

describe('wasAsleep', () => {
  it.each([
    ['is false before the first plan', undefined, false],
    ['is false at the usual time', NOW - heartbeatMs, false],
    ['is false for a round that is a second late', NOW - heartbeatMs - 1000, false],
    ['is true for one that is later', NOW - heartbeatMs - 1001, true],
  ])('%s', (_title, plannedAt, expected) => {
    expect(wasAsleep(pool([], { plannedAt }), CONFIG, NOW)).toBe(expected);
  });
});
