import { describe, expect, it } from 'vitest';
import { isIdle, isLiving, isSpare, takeCensus } from '../../src/policy/census.js';
import { worker, workers } from '../support/pool-snapshots.js';

describe('a worker', () => {
  it.each([
    ['that is starting lives and counts as spare, but is not idle', worker(1, { phase: 'starting' }), [true, true, false]],
    ['that is ready without a client lives, is spare and idle', worker(1), [true, true, true]],
    ['with a client lives and is neither spare nor idle', worker(1, { clients: 1 }), [true, false, false]],
    ['that drains does not live, even without a client', worker(1, { phase: 'draining' }), [false, true, false]],
    ['that was killed does not live while its exit is missing', worker(1, { killed: true }), [false, true, true]],
  ])('%s', (_title, one, expected) => {
    expect([isLiving(one), isSpare(one), isIdle(one)]).toEqual(expected);
  });
});

describe('takeCensus', () => {
  it('counts an empty pool as nothing', () => {
    expect(takeCensus({ workers: [] })).toEqual({ living: [], starting: 0, spare: 0, processes: 0 });
  });

  it('leaves draining and killed workers out of everything but the processes', () => {
    const members = workers('starting', 'idle', 'busy', 'draining', 'killed');

    const census = takeCensus({ workers: members });

    expect(census).toEqual({ living: members.slice(0, 3), starting: 1, spare: 2, processes: 5 });
  });
});
