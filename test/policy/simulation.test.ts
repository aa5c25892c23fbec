import { describe, expect, it } from 'vitest';
import type { PoolOptions } from '../../src/options/options.js';
import type { PoolConfig } from '../../src/policy/snapshot.js';
import { resolveThresholds } from '../../src/options/thresholds.js';
import { PoolModel } from '../support/pool-model.js';
import type { Habits } from '../support/pool-model.js';
import { randomThresholds } from '../support/random-thresholds.js';
import { Seeded, seeds } from '../support/seeded.js';

// The same on every machine: four starts at a time, each within 30 s.
const configOf = (given: PoolOptions): PoolConfig => ({ ...resolveThresholds(given).pool, maxStarting: 4, bootMs: 30_000 });

const BUSY: Partial<Habits> = { arrivalMs: 250, serviceMs: 2000 };
const FAULTY: Partial<Habits> = {
  ...BUSY, crashMs: 60_000, hangMs: 120_000, startFails: 0.1, startHangs: 0.02, loss: 0.2, sleepMs: 60_000, asleepMs: 15_000,
};

const POOLS: readonly (readonly [string, PoolOptions, Partial<Habits>])[] = [
  ['with the defaults', {}, BUSY],
  ['of the synopsis, one client each', { MaxServer: 100, MinServer: 10, StartServer: 10, MaxSessionPerServer: 1 }, { arrivalMs: 100, serviceMs: 3000 }],
  ['of three', { MaxServer: 3 }, { ...BUSY, mostClients: 3 }],
  ['of one', { MaxServer: 1, MasterHeartBeatTime: 1 }, { ...BUSY, mostClients: 9 }],
  ['that shrinks to nothing', { MinServer: 0, MinSpareServer: 1, MaxSpareServer: 1, MasterHeartBeatTime: 2 }, { arrivalMs: 5000, serviceMs: 4000 }],
  ['that recycles by age, use and idleness',
    { MaxServer: 12, MinServer: 3, MasterHeartBeatTime: 1, MaxServerLifeTime: 20, MaxServerSpareTime: 5 }, { ...BUSY, mostServed: 30 }],
  ['that is full and recycles', { MaxServer: 6, MinServer: 6, MaxServerLifeTime: 15 }, { arrivalMs: 100, serviceMs: 5000 }],
  ['with every fault', { MaxServer: 12, MinServer: 3, MasterHeartBeatTime: 2, MaxServerLifeTime: 90 }, FAULTY],
  ['with every fault and no grace', { MaxServer: 8, GraceExpireTime: 0, MasterHeartBeatTime: 1 }, FAULTY],
];

/** Long enough for every deadline, and for all workers to be retired one after the other. */
const settlingTime = ({ maxWorkers, heartbeatMs, expireMs, graceMs, maxIdleMs, bootMs }: PoolConfig): number =>
  30_000 + 2 * maxWorkers * heartbeatMs + 2 * expireMs + graceMs + maxIdleMs + 2 * bootMs;

/** All clients leave and nothing fails any more; workers grow old no more either. */
function calmDown(model: PoolModel): void {
  model.become({});
  model.config = { ...model.config, maxLifeMs: 0 };
  model.pass(settlingTime(model.config) + 60_000);
}

describe.each(POOLS)('a pool %s', (_title, given, habits) => {
  it.each(seeds(3))('keeps its promises under load, and settles after it (seed %d)', (seed) => {
    const model = new PoolModel({ config: configOf(given), habits: BUSY, random: new Seeded(seed) });
    model.pass(2000);
    model.become(habits);

    model.steps(3000);
    calmDown(model);
    const before = model.actions.length;
    model.pass(10 * model.config.heartbeatMs);

    expect(model.problems).toEqual([]);
    expect(model.actions.slice(before)).toEqual([]);
    const { minWorkers, maxWorkers, minSpare, maxSpare } = model.config;
    const { living, spare, starting, processes } = model.census();
    expect({ starting, draining: processes - living, busy: living - spare }).toEqual({ starting: 0, draining: 0, busy: 0 });
    expect(living).toBeGreaterThanOrEqual(Math.min(Math.max(minWorkers, minSpare), maxWorkers));
    expect(living).toBeLessThanOrEqual(Math.max(minWorkers, maxSpare));
  });
});

describe('a pool that takes one release after the other', () => {
  it.each(POOLS.map(([title, given, habits], index) => [title, given, habits, index + 1] as const))('keeps its promises %s, and no worker of another release is left', (_title, given, habits, seed) => {
    const model = new PoolModel({ config: configOf(given), habits: BUSY, random: new Seeded(seed) });
    model.pass(2000);
    model.become(habits);

    for (let release = 2; release <= 6; release++) {
      model.takeRelease();
      model.steps(release * 150);
    }
    calmDown(model);

    expect(model.problems).toEqual([]);
    expect(model.roster.outdated()).toEqual({ serving: 0, draining: 0 });
  });
});

describe('a pool of random thresholds', () => {
  it.each(seeds(30))('keeps its promises and settles, whatever fails (seed %d)', (seed) => {
    const random = new Seeded(seed);
    const given = randomThresholds(random);
    const model = new PoolModel({ config: configOf(given), habits: {}, random });
    model.pass(2000);
    model.become({
      ...FAULTY, arrivalMs: random.magnitude(50, 5000), serviceMs: random.magnitude(100, 5000),
      mostClients: random.int(1, 4), mostServed: random.chance(0.5) ? Infinity : random.int(1, 50),
    });

    model.steps(1500);
    calmDown(model);
    const before = model.actions.length;
    model.pass(10 * model.config.heartbeatMs);

    expect(model.problems, JSON.stringify(given)).toEqual([]);
    expect(model.actions.slice(before), JSON.stringify(given)).toEqual([]);
  });
});

describe('a pool that lost workers', () => {
  it.each([1, 4, 7, 12])('has them back within the starts that takes: %d of 12', (lost) => {
    const config = configOf({ MaxServer: 20, StartServer: 12 });
    const model = new PoolModel({ config, habits: {}, random: new Seeded(lost) });
    model.pass(20_000);

    model.crash(lost);
    // Four at a time, each within one and a half times 500 ms.
    model.pass(Math.ceil(lost / 4) * 750 + 1);

    expect(model.census()).toEqual({ living: 12, spare: 12, starting: 0, processes: 12 });
    expect(model.problems).toEqual([]);
  });
});

describe('a pool to which many clients come at once, one to a worker', () => {
  it.each([[8, 1], [8, 2], [20, 1], [40, 1]])('takes %d of them from %d workers in no more rounds of starts than it takes to fork the missing ones', (clients, started) => {
    const config = configOf({ MaxServer: clients, StartServer: started, MinSpareServer: 1, MaxSessionPerServer: 1 });
    const model = new PoolModel({ config, habits: { serviceMs: 600_000 }, random: new Seeded(clients) });
    model.pass(2000);

    model.arrive(clients);
    // Four at a time, each within one and a half times 500 ms.
    model.pass(Math.ceil((clients - started) / 4) * 750 + 1);

    expect(model.queued).toBe(0);
    expect(model.forkedAt).toHaveLength(clients);
    expect(model.problems).toEqual([]);
  });
});

describe('a pool whose workers cannot start', () => {
  it('gives up after three rounds when none was ever ready', () => {
    const model = new PoolModel({ config: configOf({}), habits: { startFails: 1 }, random: new Seeded(1) });

    model.pass(3_600_000);

    expect(model.hasGivenUp).toBe(true);
    expect(model.forkedAt).toHaveLength(5 + 1 + 1);
  });

  it('gives up when starts hang, too', () => {
    const model = new PoolModel({ config: configOf({}), habits: { startHangs: 1 }, random: new Seeded(1) });

    model.pass(3 * 30_000 + 1000);

    expect(model.hasGivenUp).toBe(true);
  });

  it('tries again ever more slowly when some had been ready, and recovers at once when a start succeeds', () => {
    const model = new PoolModel({ config: configOf({}), habits: {}, random: new Seeded(1) });
    model.pass(10_000);
    const before = model.forkedAt.length;

    model.become({ startFails: 1 });
    model.crash(5);
    model.pass(600_000);
    const tries = model.forkedAt.length - before;
    model.become({});
    // The longest pause, one start, and the others together.
    model.pass(30_000 + 3 * 750);

    expect(model.hasGivenUp).toBe(false);
    expect(tries).toBeGreaterThan(20);
    expect(tries).toBeLessThan(50);
    expect(model.census()).toEqual({ living: 5, spare: 5, starting: 0, processes: 5 });
    expect(model.problems).toEqual([]);
  });
});
