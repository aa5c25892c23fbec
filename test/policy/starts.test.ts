import { describe, expect, it } from 'vitest';
import { MOST_FAILURES, NO_STARTS, shouldGiveUp, startFailed, startSucceeded } from '../../src/policy/starts.js';
import type { StartHistory } from '../../src/policy/starts.js';

/** The history after a number of failed rounds, one second apart; without jitter. */
const afterFailures = (rounds: number, from: StartHistory = NO_STARTS): StartHistory =>
  Array.from({ length: rounds }, (_, round) => round * 1000).reduce(
    (history, now) => startFailed(history, { bornAt: now, now: now + 500, chance: 0 }), from,
  );

const pause = ({ failedAt, retryAt }: StartHistory): number => (retryAt ?? NaN) - failedAt;

describe('the pause after a failed start', () => {
  it('doubles with every round, up to 30 s', () => {
    const pauses = [1, 2, 3, 4, 8, 9, 10, 11, 5000].map((rounds) => pause(afterFailures(rounds)));

    expect(pauses).toEqual([100, 200, 400, 800, 12_800, 25_600, 30_000, 30_000, 30_000]);
  });

  it.each([[0, 100], [0.5, 75], [1, 50]])('is cut at random by up to half: chance %d gives %d ms', (chance, expected) => {
    expect(pause(startFailed(NO_STARTS, { bornAt: 0, now: 10, chance }))).toBe(expected);
  });

  it('is that of one round for workers that were forked together', () => {
    const first = startFailed(NO_STARTS, { bornAt: 1000, now: 1500, chance: 0 });

    const second = startFailed(first, { bornAt: 1000, now: 1700, chance: 1 });

    expect(second).toBe(first);
  });

  it('starts anew after a worker became ready', () => {
    expect(startSucceeded().retryAt).toBeUndefined();
    expect(pause(afterFailures(1, startSucceeded()))).toBe(100);
  });
});

describe('shouldGiveUp', () => {
  it.each([
    ['goes on before any start', NO_STARTS, false],
    ['goes on after two failed rounds', afterFailures(MOST_FAILURES - 1), false],
    ['gives up after three rounds without any worker ever ready', afterFailures(MOST_FAILURES), true],
    ['never gives up once a worker was ready', afterFailures(1000, startSucceeded()), false],
  ])('%s', (_title, history, expected) => {
    expect(shouldGiveUp(history)).toBe(expected);
  });
});
