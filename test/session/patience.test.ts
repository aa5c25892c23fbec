import { describe, expect, it } from 'vitest';
import { Patience, type Output } from '../../src/session/patience.js';

const IDLE_MS = 1000;
const MIB = 1024 * 1024;

/** What is seen at one look: the time, what the kernel has taken in all, and what it still has. */
type Look = readonly [at: number, taken: number, unsent: number | undefined];

/** When the client was found idle; and when the kernel was asked. */
function watch(looks: readonly Look[], isItsTurn = true): { readonly idleAt: readonly number[]; readonly askedAt: readonly number[] } {
  const patience = new Patience(0);
  const askedAt: number[] = [];
  const idleAt = looks.filter(([at, taken, unsent]) => {
    const output: Output = { taken, unsent: () => {
      askedAt.push(at);
      return unsent;
    } };
    return patience.isIdle(at, IDLE_MS, isItsTurn, output);
  });
  return { idleAt: idleAt.map(([at]) => at), askedAt };
}

describe('the patience with a client that takes output', () => {
  it('ends when neither our side nor the kernel\'s gets any less', () => {
    expect(watch([[250, MIB, MIB], [500, MIB, MIB], [750, MIB, MIB], [1250, MIB, MIB]]).idleAt).toEqual([1250]);
  });

  it('goes on while the kernel gets rid of what it has taken, although it takes no more', () => {
    const looks = Array.from({ length: 40 }, (_, index): Look => [index * 250, MIB, MIB - index * 1000]);

    expect(watch(looks).idleAt).toEqual([]);
  });

  it('has the kernel asked from half of the time on only', () => {
    expect(watch([[0, MIB, MIB], [250, MIB, MIB], [499, MIB, MIB], [500, MIB, MIB], [999, MIB, MIB]]).askedAt).toEqual([500, 999]);
  });

  it('has it asked no more when all has been confirmed, nor for a few bytes more', () => {
    expect(watch([[0, MIB, 0], [500, MIB, 0], [750, MIB, 0], [1000, MIB, 0], [1500, MIB + 10, 0], [2100, MIB + 10, 0]])).toEqual({ idleAt: [1000], askedAt: [500] });
  });

  it('is the same without a kernel that says anything, which is asked once', () => {
    expect(watch([[0, MIB, undefined], [600, MIB, undefined], [800, MIB, undefined], [1000, MIB, undefined]])).toEqual({ idleAt: [1000], askedAt: [600] });
  });

  it('does not end when it is not its turn', () => {
    expect(watch([[1000, MIB, MIB], [5000, MIB, MIB]], false).idleAt).toEqual([]);
  });
});
