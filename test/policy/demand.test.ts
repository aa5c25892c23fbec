import { describe, expect, it } from 'vitest';
import { takeCensus } from '../../src/policy/census.js';
import { mayLackWorkers, workersNeeded } from '../../src/policy/demand.js';
import type { PoolConfig, WorkerSnapshot } from '../../src/policy/snapshot.js';
import { CONFIG, many, pool, worker, workers } from '../support/pool-snapshots.js';

const full = (id: number, given: Partial<WorkerSnapshot> = {}): WorkerSnapshot => worker(id, { clients: 1, ...given });

describe('the kernel\'s queue', () => {
  it.each([
    ['is read when every worker has a client', workers('busy', 'busy'), {}, true],
    ['is read while the next worker is starting', workers('busy', 'starting'), {}, true],
    ['is read when the only worker without a client stands still', [full(1), worker(2, { blocked: true })], {}, true],
    ['is left alone while a worker is free', workers('busy', 'idle'), {}, false],
    ['is left alone by a pool that may not grow', workers(...many(12, 'busy')), {}, false],
    ['is left alone with MinSpareServer 0', workers('busy'), { minSpare: 0 }, false],
  ])('%s', (_title, members, config, expected) => {
    expect(mayLackWorkers(takeCensus({ workers: members }), { ...CONFIG, ...config })).toBe(expected);
  });
});

describe('clients that wait', () => {
  const SINGLE = { clientsPerWorker: 1 };

  it.each<[string, readonly WorkerSnapshot[], number | undefined, Partial<PoolConfig>, number]>([
    ['need a worker each where it takes one client', [full(1)], 7, SINGLE, 7],
    ['need no more for those that drain', [full(1, { phase: 'draining' })], 2, SINGLE, 2],
    ['need as many as hold them', [full(1, { clients: 5 })], 11, { clientsPerWorker: 5 }, 3],
    ['need none where those that have clients have room', [full(1, { clients: 1 }), full(2, { clients: 2 })], 6, { clientsPerWorker: 5 }, 0],
    ['need some where the room is in a worker that stands still', [full(1, { blocked: true }), full(2)], 6, { clientsPerWorker: 5 }, 1],
    ['need none beyond MinSpareServer without a limit', [full(1)], 400, {}, 0],
    ['are taken for as many as are served where the kernel does not say', [full(1), full(2), worker(3, { phase: 'starting' })], undefined, SINGLE, 2],
    ['are taken for no more than MaxSpareServer allows where it does not', workers(...many(9, 'busy')), undefined, SINGLE, 3],
    ['are not guessed without a limit', [full(1)], undefined, {}, 0],
    ['need none beyond MinSpareServer without a limit, when all stand still', [full(1, { blocked: true })], 400, {}, 0],
    ['need none for what MaxSession keeps waiting', [full(1), full(2)], 9, { ...SINGLE, maxPoolClients: 3 }, 1],
    ['need none when MaxSession is reached', [full(1), full(2)], 9, { ...SINGLE, maxPoolClients: 2 }, 0],
    ['need none where workers take none', [worker(1, { phase: 'starting' })], 9, { clientsPerWorker: 0 }, 0],
    ['need none when there are more clients than a lowered limit allows', [full(1, { clients: 4 })], 0, SINGLE, 0],
  ])('%s', (_title, members, waiting, config, expected) => {
    expect(workersNeeded(pool(members, { waiting }), { ...CONFIG, ...config })).toBe(expected);
  });
});
