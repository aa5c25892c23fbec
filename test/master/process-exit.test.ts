import { describe, expect, it, onTestFinished } from 'vitest';
import { atProcessExit } from '../../src/master/process-exit.js';

describe('many servers in one program', () => {
  it('cause no warning of a leak of listeners, and leave the process as it was', () => {
    const before = process.getMaxListeners();
    const listeners = process.listenerCount('exit');
    const removals: (() => void)[] = [];
    onTestFinished(() => { for (const remove of removals.splice(0)) remove(); });

    for (let count = 0; count < 20; count++) removals.push(atProcessExit(() => undefined));
    const room = process.getMaxListeners() - process.listenerCount('exit');
    for (const remove of removals.splice(0)) remove();

    expect(room).toBeGreaterThanOrEqual(before - listeners);
    expect([process.getMaxListeners(), process.listenerCount('exit')]).toEqual([before, listeners]);
  });
});
