import { describe, expect, it } from 'vitest';
import { Turns } from '../../src/session/turns.js';
import { ManualClock } from '../support/manual-clock.js';

/** A clock that counts how often it is read. */
class CountingClock extends ManualClock {
  reads = 0;

  override now(): number {
    this.reads += 1;
    return super.now();
  }
}

/** Handles records that take `ms` each until it is others' turn, at most `most`. @returns how many */
function handled(turns: Turns, clock: ManualClock, ms: number, most: number): number {
  for (let step = 0; step < most; step++) {
    if (turns.isOver()) return step;
    clock.advance(ms);
  }
  return most;
}

describe('a turn', () => {
  const setUp = (): { readonly clock: CountingClock; readonly turns: Turns } => {
    const clock = new CountingClock();
    const turns = new Turns(clock);
    turns.begin();
    return { clock, turns };
  };

  it('of one record costs no look at the clock', () => {
    const { clock, turns } = setUp();

    for (let round = 0; round < 10; round++) {
      turns.begin();
      // The second question finds out that there is no other record.
      expect(handled(turns, clock, 0, 2)).toBe(2);
    }

    expect(clock.reads).toBe(0);
  });

  it('looks at the clock ever more seldom while records take next to nothing, at least at every sixteenth', () => {
    const { clock, turns } = setUp();

    expect(handled(turns, clock, 0.0002, 100)).toBe(100);
    expect(clock.reads).toBe(8);

    expect(handled(turns, clock, 0.0002, 1600)).toBe(1600);
    expect(clock.reads).toBe(8 + 100);
  });

  it.each([
    ['a tenth of a millisecond', 0.1, 30],
    ['half a millisecond', 0.5, 6],
    ['a millisecond', 1, 6],
    ['a second', 1000, 6],
  ])('of records that take %s is over within some milliseconds, or with the sixth', (_title, ms, most) => {
    const { clock, turns } = setUp();

    expect(handled(turns, clock, ms, 1000)).toBeLessThanOrEqual(most);
  });

  it('that was quick is over within sixteen slow records', () => {
    const { clock, turns } = setUp();
    expect(handled(turns, clock, 0.0002, 500)).toBe(500);

    expect(handled(turns, clock, 5, 1000)).toBeLessThanOrEqual(16);
  });

  it('that lasted too long is followed by turns of which none gives quick records time to hide slow ones, until one is quick to its end', () => {
    const { clock, turns } = setUp();
    const mixed = (slow: number): number => {
      turns.begin();
      handled(turns, clock, 0.0002, 15);
      return handled(turns, clock, slow, 1000);
    };

    expect([mixed(5), mixed(5), mixed(5)]).toEqual([15, 3, 3]);

    turns.begin();
    handled(turns, clock, 0.01, 1000);
    expect(mixed(5)).toBe(15);
  });

  it('is followed by one that is measured anew', () => {
    const { clock, turns } = setUp();
    expect(handled(turns, clock, 0.0002, 500)).toBe(500);

    turns.begin();

    expect(handled(turns, clock, 1, 1000)).toBeLessThanOrEqual(6);
  });
});
