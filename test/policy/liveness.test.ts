import { describe, expect, it } from 'vitest';
import { judgeLiveness } from '../../src/policy/liveness.js';
import { NEVER_DEAF, listens } from '../../src/policy/deafness.js';
import type { PoolConfig } from '../../src/policy/snapshot.js';
import { CONFIG, NOW, pool, worker } from '../support/pool-snapshots.js';
import { Seeded, seeds } from '../support/seeded.js';

const { bootMs, expireMs, reportMs } = CONFIG;

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

  it.each([
    ['the time in which the master did not listen', { heardAt: NOW - expireMs - 4999 }, { deafMs: 5000 }, 0],
    ['only that since the worker was heard', { heardAt: NOW - expireMs, deafAtHeard: 5000 }, { deafMs: 5000 }, 1],
    ['all the rest', { heardAt: NOW - expireMs - 5000 }, { deafMs: 5000 }, 1],
  ] as const)('of silence, does not count what it must not: %s', (_title, given, past, drains) => {
    expect(judgeLiveness(pool([worker(1, given)], past), CONFIG, NOW)).toHaveLength(drains);
  });

  it('gives a start the time back in which the master did not listen', () => {
    const start = worker(1, { phase: 'starting', bornAt: NOW - bootMs - 3000, deafAtBirth: 1000 });

    expect(judgeLiveness(pool([start], { deafMs: 4001 }), CONFIG, NOW)).toEqual([]);
    expect(judgeLiveness(pool([start], { deafMs: 4000 }), CONFIG, NOW)).toHaveLength(1);
  });

  it('judges by the interval that the worker has confirmed, while it has not heard of a shorter one', () => {
    const slow = worker(1, { heardAt: NOW - expireMs - 2999, reportMs: reportMs + 3000 });
    const told = worker(2, { heardAt: NOW - expireMs - 2999, reportMs });

    expect(judgeLiveness(pool([slow, told]), CONFIG, NOW)).toEqual([{ kind: 'drain', workerId: 2, reason: 'expired' }]);
  });
});

/** A master that is stopped at random, its workers, and a configuration that changes at random. */
class Watch {
  readonly #random: Seeded;
  readonly #expireMs: number;
  #config: PoolConfig;
  #deafness = NEVER_DEAF;
  #now = 0;
  /** A worker that reports on time by the interval it knows, except when it is ordered to stop. */
  #reportMs: number;
  #knownMs: number;
  readonly #pending: { readonly at: number; readonly reportMs: number }[] = [];
  #nextReportAt = 0;
  #heardAt = 0;
  #deafAtHeard = 0;
  #stoppedAt = Infinity;
  readonly drainedAt: number[] = [];

  constructor(random: Seeded) {
    this.#random = random;
    this.#expireMs = random.int(1000, 8000);
    this.#reportMs = this.#knownMs = random.int(100, Math.floor(this.#expireMs / 2));
    this.#config = { ...CONFIG, reportMs: this.#reportMs, expireMs: this.#expireMs };
  }

  stop(): void {
    this.#stoppedAt = this.#now;
  }

  /** A turn of the master: after a wait of at most 500 ms, or a stop of any length on top of it. */
  turn(): void {
    const dueAt = this.#now + this.#random.int(1, 500);
    this.#deafness = { ...this.#deafness, dueAt };
    this.#now = dueAt + (this.#random.chance(0.1) ? this.#random.int(0, 30_000) : this.#random.int(0, 40));
    while (this.#nextReportAt <= Math.min(this.#now, this.#stoppedAt)) {
      this.#pending.push({ at: this.#nextReportAt, reportMs: this.#reportMs });
      this.#nextReportAt += this.#reportMs;
    }
    this.#deafness = listens(this.#deafness, this.#now);
    // What has arrived is read first.
    for (const { reportMs } of this.#pending.splice(0)) {
      this.#knownMs = reportMs;
      this.#heardAt = this.#now;
      this.#deafAtHeard = this.#deafness.deafMs;
    }
    const one = worker(1, { heardAt: this.#heardAt, reportMs: this.#knownMs, deafAtHeard: this.#deafAtHeard });
    if (judgeLiveness(pool([one], { deafMs: this.#deafness.deafMs }), this.#config, this.#now).length > 0) this.drainedAt.push(this.#now);
    if (this.#random.chance(0.05) && this.#stoppedAt === Infinity) this.#configure();
  }

  /** A new interval: the worker hears of it after some time, and keeps the old one until then. */
  #configure(): void {
    const reportMs = this.#random.int(100, Math.floor(this.#expireMs / 2));
    this.#config = { ...this.#config, reportMs };
    if (this.#random.chance(0.5)) return;
    this.#reportMs = reportMs;
    this.#nextReportAt = Math.min(this.#nextReportAt, this.#now + reportMs);
  }
}

describe('for any schedule of stops of the master and of changes', () => {
  it('no worker that reports on time is taken for dead, and one that falls silent is, after MaxServerExpireTime of listened time', () => {
    for (const seed of seeds(400)) {
      const watch = new Watch(new Seeded(seed));
      for (let turn = 0; turn < 400; turn++) watch.turn();
      expect(watch.drainedAt, `seed ${seed}`).toEqual([]);

      watch.stop();
      let turns = 0;
      while (watch.drainedAt.length === 0 && turns < 100) {
        watch.turn();
        turns += 1;
      }

      expect(watch.drainedAt, `seed ${seed}`).toHaveLength(1);
    }
  });
});
