import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { startDeadline, systemClock } from '../src/clock.js';
import { ManualClock } from './support/manual-clock.js';

describe('the clock of this machine', () => {
  it('goes on when the program has put fake timers in the place of those of Node', async () => {
    vi.useFakeTimers();
    onTestFinished(() => { vi.useRealTimers(); });
    const startedAt = systemClock.now();

    await new Promise<void>((resolve) => {
      systemClock.after(0, () => { throw new Error('was cancelled'); }).cancel();
      systemClock.after(2, () => { systemClock.soon(resolve); });
    });

    expect(systemClock.now() - startedAt).toBeGreaterThan(1);
  });
});

describe('a deadline', () => {
  /** What happens when it is over, with input that arrives while this process is blocked. */
  function setUp(): { readonly clock: ManualClock; readonly calls: string[]; readonly cancel: () => void } {
    const clock = new ManualClock();
    const calls: string[] = [];
    const timer = startDeadline(clock, 3000, () => { calls.push('over'); });
    return { clock, calls, cancel: () => { timer.cancel(); } };
  }

  it('is over at its time', () => {
    const { clock, calls } = setUp();

    clock.advance(2999);
    const before = [...calls];
    clock.advance(1);

    expect([before, calls, clock.delays]).toEqual([[], ['over'], []]);
  });

  it('is not over before what came while the process was blocked has been read', () => {
    const { clock, calls, cancel } = setUp();

    clock.sleep(3500);
    clock.wake(cancel);
    clock.advance(60_000);

    expect(calls).toEqual([]);
  });

  it.each([[3500, 500], [600_000, 3000]])('is over later if nothing has come, once: blocked for %d ms, %d later', (blockedMs, moreMs) => {
    const { clock, calls } = setUp();

    clock.sleep(blockedMs);
    clock.wake(() => undefined);
    clock.sleep(moreMs - 1);
    clock.wake(() => undefined);
    const before = [...calls];
    clock.sleep(60_000);
    clock.wake(() => undefined);

    expect([before, calls, clock.delays]).toEqual([[], ['over'], []]);
  });
});
