import { describe, expect, it } from 'vitest';
import { takeCensus } from '../../src/policy/census.js';
import { beingRelieved, retireRelieved, retireUnused } from '../../src/policy/recycling.js';
import type { PoolConfig, WorkerSnapshot } from '../../src/policy/snapshot.js';
import { CONFIG, NOW, many, worker, workers } from '../support/pool-snapshots.js';

const LIFE = 60_000;
const aged = (id: number, given: Partial<WorkerSnapshot> = {}): WorkerSnapshot => worker(id, { bornAt: NOW - LIFE - id, lifeMs: LIFE, ...given });

describe('beingRelieved', () => {
  const relieved = (members: readonly WorkerSnapshot[], config: Partial<PoolConfig> = {}): number[] =>
    beingRelieved(takeCensus({ workers: members }), { ...CONFIG, ...config }, NOW).map(({ id }) => id);

  it.each([
    ['relieves nobody without MaxServerLifeTime', [worker(1, { bornAt: 0 })], []],
    ['relieves nobody before the end of its life', [worker(1, { bornAt: NOW - LIFE + 1, lifeMs: LIFE })], []],
    ['relieves a worker at the end of its life', [worker(1, { bornAt: NOW - LIFE, lifeMs: LIFE }), worker(2)], [1]],
    ['relieves a busy worker too: it drains', [aged(1, { clients: 3 })], [1]],
    ['takes the oldest first', [aged(1), aged(3), aged(2)], [3, 2, 1]],
    ['gives each worker its own life, so that a batch does not end together',
      [aged(1, { lifeMs: LIFE + 10 }), aged(2, { lifeMs: LIFE - 10 })], [2]],
    ['relieves at most a quarter of MaxServer at a time', [1, 2, 3, 4, 5].map((id) => aged(id)), [5, 4, 3]],
    ['does not relieve a worker that is starting', [aged(1, { phase: 'starting' })], []],
    ['does not relieve a worker that drains or was killed', [aged(1, { phase: 'draining' }), aged(2, { killed: true })], []],
  ])('%s', (_title, members, expected) => {
    expect(relieved(members)).toEqual(expected);
  });

  it.each([
    ['relieves a worker that has reached MaxServerMemory', { maxRss: 500 }, [1, 2]],
    ['leaves a smaller one alone', { maxRss: 502 }, []],
    ['looks at no memory with MaxServerMemory 0', { maxRss: 0 }, []],
  ])('%s', (_title, config, expected) => {
    const bornAt = NOW - CONFIG.heartbeatMs;
    expect(relieved([worker(1, { rss: 500, bornAt }), worker(2, { rss: 501, bornAt })], config)).toEqual(expected);
  });

  it('lets a large worker live for a heartbeat, so that a limit that is too low does not burn the machine', () => {
    expect(relieved([worker(1, { rss: 500, bornAt: NOW - CONFIG.heartbeatMs + 1 })], { maxRss: 500 })).toEqual([]);
  });

  it('relieves one at a time in a pool of fewer than four', () => {
    expect(relieved([aged(1), aged(2)], { maxWorkers: 2 })).toEqual([2]);
  });
});

describe('retireRelieved', () => {
  const retires = (staying: readonly WorkerSnapshot[], config: Partial<PoolConfig> = {}): boolean => {
    const actions = retireRelieved([aged(90), aged(91)], takeCensus({ workers: staying }), { ...CONFIG, ...config }, NOW);
    if (actions.length === 0) return false;
    expect(actions).toEqual([{ kind: 'drain', workerId: 90, reason: 'lifetime' }, { kind: 'drain', workerId: 91, reason: 'lifetime' }]);
    return true;
  };

  it.each([
    ['drains the old when MinServer others are ready', workers('idle', 'idle', 'idle'), {}, true],
    ['keeps the old while their successors are starting', workers('idle', 'idle', 'starting'), {}, false],
    ['keeps the old until MinSpareServer are ready beside the busy', workers('busy', 'busy', 'busy', 'idle', 'starting'), {}, false],
    ['drains the old when as many are spare', workers('busy', 'busy', 'busy', 'idle', 'idle'), {}, true],
    ['asks for no more than MaxServer', workers(...many(12, 'busy')), {}, true],
    ['never leaves the pool without a ready worker, even with MinServer 0', workers('starting'), { minWorkers: 0, minSpare: 0 }, false],
    ['needs only one with MinServer 0 and MinSpareServer 0', workers('idle'), { minWorkers: 0, minSpare: 0 }, true],
  ] as const)('%s', (_title, staying, config, expected) => {
    expect(retires(staying, config)).toBe(expected);
  });

  it('names memory as the reason for a worker that is too large but not too old', () => {
    const large = worker(90, { rss: 500 });

    const actions = retireRelieved([large, aged(91)], takeCensus({ workers: workers('idle', 'idle', 'idle') }), { ...CONFIG, maxRss: 500 }, NOW);

    expect(actions).toEqual([{ kind: 'drain', workerId: 90, reason: 'memory' }, { kind: 'drain', workerId: 91, reason: 'lifetime' }]);
  });

  it('has nothing to do without old workers', () => {
    expect(retireRelieved([], takeCensus({ workers: workers('idle', 'idle', 'idle') }), CONFIG, NOW)).toEqual([]);
  });
});

describe('retireUnused', () => {
  const IDLE = 30_000;
  const unused = (id: number, given: Partial<WorkerSnapshot> = {}): WorkerSnapshot => worker(id, { idleSince: NOW - IDLE - id, ...given });
  const retired = (members: readonly WorkerSnapshot[], config: Partial<PoolConfig> = {}): number[] =>
    retireUnused(takeCensus({ workers: members }), { ...CONFIG, maxIdleMs: IDLE, ...config }, NOW).map((action) => {
      expect(action).toMatchObject({ kind: 'drain', reason: 'spare' });
      return action.kind === 'drain' ? action.workerId : NaN;
    });
  const fresh = workers('idle', 'idle', 'idle');

  it.each([
    ['retires a worker without a client for MaxServerSpareTime', [...fresh, worker(4, { idleSince: NOW - IDLE })], {}, [4]],
    ['leaves one alone that had a client since', [...fresh, worker(4, { idleSince: NOW - IDLE + 1 })], {}, []],
    ['never retires one that has a client', [...fresh, worker(4, { clients: 1, idleSince: 0 })], {}, []],
    ['does not retire one of unknown idleness', [...fresh, worker(4, { idleSince: undefined })], {}, []],
    ['retires the longest unused first, down to MinServer', [1, 2, 3, 4, 5].map((id) => unused(id)), {}, [5, 4]],
    ['takes unknown idleness for none when it sorts', [unused(1), worker(4, { idleSince: undefined }), unused(2), unused(3), unused(5)], {}, [5, 3]],
    ['never goes below MinServer', [1, 2, 3].map((id) => unused(id)), {}, []],
    ['never goes below MinSpareServer', [...workers('busy', 'busy', 'busy'), unused(4), unused(5)], {}, []],
    ['retires everyone beyond MinSpareServer with MinServer 0', [1, 2, 3, 4].map((id) => unused(id)), { minWorkers: 0 }, [4, 3]],
    ['does not count on a worker that is still starting', [unused(1), unused(2), unused(3), worker(4, { phase: 'starting' })], {}, []],
    ['leaves a worker alone that is starting, however long', [...fresh, worker(4, { phase: 'starting', idleSince: 0 })], {}, []],
    ['is off with MaxServerSpareTime 0', [1, 2, 3, 4, 5].map((id) => unused(id)), { maxIdleMs: 0 }, []],
  ])('%s', (_title, members, config, expected) => {
    expect(retired(members, config)).toEqual(expected);
  });
});
