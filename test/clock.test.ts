import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { systemClock } from '../src/clock.js';

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
