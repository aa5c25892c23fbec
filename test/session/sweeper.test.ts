import { expect, it } from 'vitest';
import { Sweeper, type Swept } from '../../src/session/sweeper.js';
import { ManualClock } from '../support/manual-clock.js';

/** A sweeper of one session with a limit of 800 ms, so that it sweeps every 100 ms. */
function sweeping(): { clock: ManualClock; sweeps: () => number } {
  const clock = new ManualClock();
  let sweeps = 0;
  const session: Swept = { isWaiting: false, sweep: () => { sweeps += 1; }, crashed: (thrown) => { throw thrown; } };
  new Sweeper({ clock, sessions: new Set([session]), limits: () => [800], guard: session }).start();
  return { clock, sweeps: () => sweeps };
}

it('judges no client in the first turn after this process stood still, whose input is still to be read', () => {
  const { clock, sweeps } = sweeping();
  clock.advance(100);
  expect(sweeps()).toBe(1);

  clock.sleep(5000);
  clock.settle();
  expect(sweeps()).toBe(1);

  clock.advance(100);
  expect(sweeps()).toBe(2);
});

it('judges them all the same in a process that stands still again and again', () => {
  const { clock, sweeps } = sweeping();

  for (let turn = 0; turn < 4; turn++) {
    clock.sleep(5000);
    clock.settle();
  }

  expect(sweeps()).toBe(2);
});
