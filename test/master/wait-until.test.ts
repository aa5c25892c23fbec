import { AsyncLocalStorage } from 'node:async_hooks';
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

  it('refuses a predicate that is async, for which every status would do', async () => {
    const events = new EventEmitter<ServerEvents>();
    const master = { events, isStopped: false, failure: undefined, status: () => serverStatus() };
    const failing = (): never => Promise.reject(new Error('oh')) as never;

    await expect(waitUntil(master, failing, undefined)).rejects.toThrow('The predicate of waitUntil() returned a promise, which is not waited for; it must return true or false.');
    expect(events.listenerCount('status')).toBe(0);
  });

  it('asks the predicate in the async context of its call, whatever has changed the status', async () => {
    const storage = new AsyncLocalStorage<string>();
    const events = new EventEmitter<ServerEvents>();
    const master = { events, isStopped: false, failure: undefined, status: () => serverStatus() };
    const seen: unknown[] = [];
    const predicate = (): boolean => seen.push(storage.getStore()) === 2;

    const waiting = storage.run('caller', () => waitUntil(master, predicate, undefined));
    events.emit('status');
    await waiting;

    expect(seen).toEqual(['caller', 'caller']);
  });
});
