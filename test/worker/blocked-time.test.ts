import { describe, expect, it } from 'vitest';
import { BlockedTime } from '../../src/worker/blocked-time.js';

/** Looks each 100 ms, at these times if they are later, at a loop that turned last when the second of each pair says. */
function looks(...pairs: readonly (readonly [now: number, beatenAt: number])[]): readonly number[] {
  const blocked = new BlockedTime();
  return pairs.map(([now, beatenAt]) => {
    const ms = blocked.look(now, beatenAt);
    blocked.looksAgainAt(now + 100);
    return ms;
  });
}

describe('BlockedTime', () => {
  it('grows while the loop does not turn and its watcher does', () => {
    expect(looks([100, 50], [200, 50], [300, 50], [400, 390])).toEqual([50, 150, 250, 10]);
  });

  it('leaves out time in which the watcher itself stood still', () => {
    expect(looks([100, 50], [5200, 50], [5300, 50])).toEqual([50, 150, 250]);
  });

  it('leaves it out when the loop turned between the last look and the stop', () => {
    expect(looks([100, 50], [5200, 150], [5300, 150])).toEqual([50, 50, 150]);
  });

  it('counts from where the loop turned after the stop', () => {
    expect(looks([100, 50], [5200, 5195], [5300, 5195])).toEqual([50, 5, 105]);
  });

  it('counts a look that is a little late in full', () => {
    expect(looks([100, 50], [240, 50], [380, 50])).toEqual([50, 190, 330]);
  });
});
