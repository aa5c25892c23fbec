import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { waitUntil } from '../../src/master/wait-until.js';
import type { ServerEvents } from '../../src/server-events.js';
import { serverStatus } from '../support/status.js';

describe('waitUntil', () => {
  it('resolves with what becomes true without an event, and leaves no listener', async () => {
    const events = new EventEmitter<ServerEvents>();
    let looks = 0;
    const master = {
      events, isStopped: false, failure: undefined,
      status: () => {
        looks += 1;
        return serverStatus({ paused: looks === 3 });
      },
    };

    expect((await waitUntil(master, ({ paused }) => paused, undefined)).paused).toBe(true);

    expect(looks).toBe(3);
    expect(events.listenerCount('status')).toBe(0);
  });
});
