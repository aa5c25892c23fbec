import { describe, expect, it } from 'vitest';
import { takeCensus } from '../../src/policy/census.js';
import { countForks, retireSurplus, shrinkAt } from '../../src/policy/scaling.js';
import type { PoolConfig, PoolSnapshot, WorkerSnapshot } from '../../src/policy/snapshot.js';
import { CONFIG, NOW, many, pool, worker, workers } from '../support/pool-snapshots.js';

const forks = (members: readonly WorkerSnapshot[], config: Partial<PoolConfig> = {}, given: Partial<PoolSnapshot> = {}): number =>
  countForks(takeCensus({ workers: members }), pool(members, given), { ...CONFIG, ...config }, NOW);

const retired = (members: readonly WorkerSnapshot[], given: Partial<PoolSnapshot> = {}, config: Partial<PoolConfig> = {}): number[] =>
  retireSurplus(takeCensus({ workers: members }), pool(members, given), { ...CONFIG, ...config }, NOW)
    .map((action) => {
      expect(action).toMatchObject({ kind: 'drain', reason: 'surplus' });
      return action.kind === 'drain' ? action.workerId : NaN;
    });

/** The surplus has lasted long enough. */
const RIPE = { surplusSince: NOW - CONFIG.heartbeatMs };

describe('countForks', () => {
  it.each([
    ['forks MinServer for an empty pool', workers(), {}, 3],
    ['forks nothing more while those are starting', workers(...many(3, 'starting')), {}, 0],
    ['restores MinServer at once when workers are gone', workers('busy'), {}, 2],
    ['forks up to MinSpareServer when all are busy', workers(...many(4, 'busy')), {}, 2],
    ['counts a starting worker as spare', workers(...many(4, 'busy'), 'starting'), {}, 1],
    ['counts an idle worker as spare', workers(...many(4, 'busy'), 'idle', 'starting'), {}, 0],
    ['does not count a draining worker as living or spare', workers('idle', 'idle', 'draining', 'draining'), {}, 1],
    ['does not count a killed worker as living or spare', workers('idle', 'idle', 'killed'), {}, 1],
    ['does not grow with MinSpareServer 0', workers(...many(4, 'busy')), { minSpare: 0 }, 0],
    ['never forks above MaxServer', workers(...many(11, 'busy')), {}, 1],
    ['forks nothing at MaxServer, however busy', workers(...many(12, 'busy')), {}, 0],
    ['forks nothing above MaxServer (it was lowered)', workers(...many(14, 'busy')), {}, 0],
    ['leaves draining workers aside when it looks at MaxServer', workers(...many(10, 'busy'), ...many(5, 'draining')), {}, 2],
    ['keeps all processes within twice MaxServer, the draining ones too', workers(...many(10, 'busy'), ...many(13, 'draining')), {}, 1],
    ['forks nothing when draining workers fill twice MaxServer', workers(...many(24, 'draining')), {}, 0],
    ['starts only so many at the same time', workers(), { minWorkers: 10 }, 6],
    ['starts the next when one of them is ready', workers(...many(5, 'starting'), 'idle'), { minWorkers: 10 }, 1],
    ['starts none while as many as allowed are starting', workers(...many(6, 'starting')), { minWorkers: 10 }, 0],
  ] as const)('%s', (_title, members, config, expected) => {
    expect(forks(members, config)).toBe(expected);
  });

  it.each([
    ['forks one for each client that waits, besides MinSpareServer', workers('busy'), 4, 6],
    ['counts those that are starting', workers('busy', ...many(4, 'starting')), 4, 2],
    ['forks none above MaxServer', workers(...many(10, 'busy')), 4, 2],
    ['starts only so many at the same time', workers('busy'), 40, 6],
  ] as const)('for a queue of clients: %s', (_title, members, waiting, expected) => {
    expect(forks(members, { clientsPerWorker: 1 }, { waiting })).toBe(expected);
  });

  it.each([
    ['waits while starts fail', [], NOW + 1, 0],
    ['tries a single start when the wait is over', [], NOW, 1],
    ['waits for the outcome of that one', ['starting'], NOW - 5000, 0],
    ['tries none that is not needed', ['idle', 'idle', 'idle'], NOW - 1, 0],
  ] as const)('%s', (_title, kinds, retryAt, expected) => {
    expect(forks(workers(...kinds), {}, { retryAt })).toBe(expected);
  });

  it.each([
    ['forks nothing while a start that hung is being killed: its exit says when the next may be tried', CONFIG.bootMs, 0],
    ['does not wait longer than a heartbeat for that exit', CONFIG.bootMs + CONFIG.heartbeatMs, 3],
  ])('%s', (_title, age, expected) => {
    expect(forks([worker(1, { phase: 'starting', bornAt: NOW - age, killed: true })])).toBe(expected);
  });

  it('forks nothing for a pool that is stopping', () => {
    expect(forks([], {}, { stopping: true })).toBe(0);
  });
});

describe('retireSurplus', () => {
  it.each([
    ['retires one worker above MaxSpareServer', workers(...many(8, 'idle')), RIPE, [1]],
    ['retires nobody at MaxSpareServer', workers(...many(5, 'idle')), RIPE, []],
    ['keeps MinServer whatever the spare', workers(...many(3, 'idle')), RIPE, []],
    ['never retires a busy one', workers('busy', 'busy', ...many(6, 'idle')), RIPE, [3]],
    ['waits a whole heartbeat after the surplus began', workers(...many(8, 'idle')), { surplusSince: NOW - CONFIG.heartbeatMs + 1 }, []],
    ['does nothing without a surplus noted', workers(...many(8, 'idle')), {}, []],
    ['waits a quarter of a heartbeat after the last one', workers(...many(8, 'idle')), { ...RIPE, shrunkAt: NOW - CONFIG.heartbeatMs / 4 + 1 }, []],
    ['goes on after that', workers(...many(8, 'idle')), { ...RIPE, shrunkAt: NOW - CONFIG.heartbeatMs / 4 }, [1]],
    ['does not shrink while a worker is starting', workers(...many(8, 'idle'), 'starting'), RIPE, []],
  ] as const)('%s', (_title, members, given, expected) => {
    expect(retired(members, given)).toEqual(expected);
  });

  it('retires the oldest first', () => {
    const members = workers(...many(6, 'idle')).map((one, index) => ({ ...one, bornAt: NOW - index }));

    expect(retired(members, RIPE)).toEqual([6]);
  });

  it.each([
    ['retires all idle workers above MaxServer at once, the oldest first', workers(...many(14, 'idle')), [1, 2]],
    ['waits for busy workers above MaxServer to become idle', workers(...many(13, 'busy'), 'idle', 'busy'), [14]],
    ['touches nobody while all above MaxServer are busy', workers(...many(14, 'busy')), []],
  ] as const)('%s', (_title, members, expected) => {
    expect(retired(members)).toEqual(expected);
  });

  it('retires none by MinServer when MaxServer workers are spare (MinServer = MaxServer)', () => {
    expect(retired(workers(...many(4, 'idle')), RIPE, { minWorkers: 4, maxWorkers: 4, maxSpare: 0, minSpare: 0 })).toEqual([]);
  });
});

describe('shrinkAt', () => {
  it.each([
    ['is never while there is no surplus', { surplusSince: undefined, shrunkAt: 500 }, Infinity],
    ['is a heartbeat after the surplus began', { surplusSince: 1000, shrunkAt: -Infinity }, 11_000],
    ['is a quarter of a heartbeat after the last one', { surplusSince: 1000, shrunkAt: 11_000 }, 13_500],
  ])('%s', (_title, times, expected) => {
    expect(shrinkAt(pool([worker(1)], times), CONFIG)).toBe(expected);
  });
});
