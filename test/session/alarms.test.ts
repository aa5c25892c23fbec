import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks';
import { describe, expect, it } from 'vitest';
import type { Clock } from '../../src/clock.js';
import { Alarms } from '../../src/session/alarms.js';
import { crashed } from './owners.js';
import { ManualClock } from '../support/manual-clock.js';
import { Seeded } from '../support/seeded.js';

const onTime = (step: () => void): void => { step(); };

/** Alarms that note when each fires, in seconds from the beginning. */
function setUp(clock = new ManualClock()): { clock: ManualClock; alarms: Alarms; fired: unknown[][] } {
  const start = clock.now();
  const fired: unknown[][] = [];
  return { clock, fired, alarms: new Alarms(clock, { crashed, onTime, fire: (event, args) => { fired.push([(clock.now() - start) / 1000, event, ...args]); } }) };
}

describe('alarms', () => {
  it('fire once, at their time, with their arguments', () => {
    const { clock, alarms, fired } = setUp();
    alarms.set('later', 2, ['a', 1]);
    alarms.set('sooner', 1, []);

    clock.advance(10_000);

    expect(fired).toEqual([[1, 'sooner'], [2, 'later', 'a', 1]]);
    expect(clock.delays).toEqual([]);
  });

  it('fire in the async context in which they were set, whichever timer is late first, and whoever has restarted them', () => {
    const storage = new AsyncLocalStorage<string>();
    const clock = new ManualClock();
    const seen: unknown[] = [];
    const tasks: (() => void)[] = [];
    const late: Clock = {
      ...{ now: () => clock.now(), wallNow: () => clock.wallNow(), soon: (task) => { clock.soon(task); } },
      after(_delayMs, task) {
        tasks.push(AsyncResource.bind(task));
        return { cancel: () => undefined };
      },
    };
    const alarms = new Alarms(late, { crashed, onTime, fire: (event) => { seen.push([event, storage.getStore()]); } });
    storage.run('a', () => { alarms.set('a', 2, []); });
    const moved = storage.run('b', () => alarms.set('b', 1, []));
    storage.run('c', () => { alarms.set('c', 3, []); });
    storage.run('mover', () => alarms.restart(moved, 1.5));

    clock.advance(4000);
    for (const task of tasks) task();

    expect(seen).toEqual([['b', 'b'], ['a', 'a'], ['c', 'c']]);
  });

  it('fire in the order in which they are due, in whatever order the clock calls, for as long as it is late', () => {
    // As Node may, by its documentation.
    const pending = new Set<() => void>();
    const base = new ManualClock();
    const clock: Clock = {
      ...{ now: () => base.now(), wallNow: () => base.wallNow(), soon: (task) => { base.soon(task); } },
      after(_delayMs, task) {
        pending.add(task);
        return { cancel: () => { pending.delete(task); } };
      },
    };
    const random = new Seeded(1);
    for (let round = 0; round < 300; round++) {
      const fired: unknown[] = [];
      const alarms = new Alarms(clock, { crashed, onTime, fire: (event) => { fired.push(event); } });
      const set = Array.from({ length: 8 }, (_, index) => {
        const seconds = random.below(5);
        return { id: alarms.set(String(index), seconds, []), name: String(index), seconds };
      });
      for (const alarm of set) if (random.below(4) === 0) alarms.restart(alarm.id, alarm.seconds = random.below(5));
      const gone = set.filter(({ id }) => random.below(5) === 0 && alarms.remove(id));

      base.advance(6000);
      while (pending.size > 0) {
        const task = [...pending][random.below(pending.size)];
        if (task === undefined) break;
        pending.delete(task);
        task();
      }

      const left = set.filter((alarm) => !gone.includes(alarm)).sort((one, other) => one.seconds - other.seconds || one.id - other.id);
      expect(fired).toEqual(left.map(({ name }) => name));
    }
  });

  it('fire at once for a time that is past', () => {
    const { clock, alarms, fired } = setUp();

    alarms.set('past', -5, []);
    clock.settle();

    expect(fired).toEqual([[0, 'past']]);
  });

  it('can be removed, once', () => {
    const { clock, alarms, fired } = setUp();
    const id = alarms.set('never', 1, []);

    const answers = [alarms.remove(id), alarms.remove(id)];
    clock.advance(5000);

    expect(answers).toEqual([true, false]);
    expect(fired).toEqual([]);
  });

  it('can be removed by the name of their event, all of them', () => {
    const { clock, alarms, fired } = setUp();
    alarms.set('tick', 1, []);
    alarms.set('tick', 2, []);
    alarms.set('tock', 3, []);

    alarms.removeNamed('tick');
    clock.advance(5000);

    expect(fired).toEqual([[3, 'tock']]);
  });

  it('can be restarted from now, and moved from where they are', () => {
    const { clock, alarms, fired } = setUp();
    const restarted = alarms.set('restarted', 2, []);
    const later = alarms.set('later', 2, []);
    const earlier = alarms.set('earlier', 5, []);
    clock.advance(1000);

    const answers = [alarms.restart(restarted, 3), alarms.move(later, 1), alarms.move(earlier, -3)];
    clock.advance(10_000);

    expect(answers).toEqual([true, true, true]);
    expect(fired).toEqual([[2, 'earlier'], [3, 'later'], [4, 'restarted']]);
  });

  it('cannot be restarted or moved after they have fired', () => {
    const { clock, alarms } = setUp();
    const id = alarms.set('gone', 1, []);
    clock.advance(1000);

    expect([alarms.restart(id, 1), alarms.move(id, 1), alarms.remove(id)]).toEqual([false, false, false]);
  });

  it('may set others when they fire', () => {
    const { clock, alarms, fired } = setUp();
    const chain = new Alarms(clock, { crashed, onTime, fire: (event) => {
      fired.push([event]);
      if (fired.length < 3) chain.set('again', 1, []);
    } });
    chain.set('again', 1, []);
    clock.advance(10_000);

    expect(fired).toHaveLength(3);
    expect(alarms.remove(1)).toBe(false);
  });

  it('are kept for longer than one timer of the clock can carry', () => {
    // As the system's clock: a longer delay is cut, and the timer fires early.
    const longestMs = 2 ** 31 - 1;
    class ShortClock extends ManualClock {
      override after(delayMs: number, task: () => void): ReturnType<ManualClock['after']> {
        return super.after(Math.min(delayMs, longestMs), task);
      }
    }
    const { clock, alarms, fired } = setUp(new ShortClock());
    const seconds = 60 * 24 * 3600;

    alarms.set('in two months', seconds, []);
    clock.advance(seconds * 1000);

    expect(fired).toEqual([[seconds, 'in two months']]);
  });

  it('end with their session: none fires, none is set', () => {
    const { clock, alarms, fired } = setUp();
    alarms.set('before', 1, []);

    alarms.end();
    alarms.set('after', 1, []);
    clock.advance(5000);

    expect(fired).toEqual([]);
    expect(clock.delays).toEqual([]);
  });
});
