import { describe, expect, it } from 'vitest';
import { ServerEnd } from '../../src/master/server-end.js';
import { deferred } from '../support/deferred.js';
import { ManualClock, turn } from '../support/manual-clock.js';

/** The end of a server beside which another process has its socket, and the log of it. */
function begin(): { end: ServerEnd; log: string[]; free: () => void } {
  const log: string[] = [];
  const { promise, resolve } = deferred();
  const end = new ServerEnd({
    clock: new ManualClock(), times: () => ({ graceMs: 10_000, shutdownDelayMs: 0 }),
    begin: () => true, delayed: () => undefined, alone: () => promise,
    drain: (graceMs) => {
      log.push(`drain ${graceMs}`);
      return Promise.resolve();
    },
    close: () => {
      log.push('close');
      return Promise.resolve();
    },
  });
  return { end, log, free: () => { resolve(); } };
}

describe('the end of a server', () => {
  it('goes on serving until no other process has its socket, which would reset the clients that wait there', async () => {
    const { end, log, free } = begin();
    const ended = end.ask(undefined);
    await turn();
    expect([log.splice(0), end.isDelayed]).toEqual([[], true]);

    free();
    await ended;

    expect(log).toEqual(['drain 10000', 'close']);
  });

  it('does not wait for that if no time is given, at once or later', async () => {
    const atOnce = begin();
    await atOnce.end.ask(0);
    const later = begin();
    const ended = later.end.ask(undefined);
    void later.end.ask(3);
    await turn();
    expect(later.log).toEqual([]);
    void later.end.ask(0);
    await ended;

    expect([atOnce.log, later.log]).toEqual([['drain 0', 'close'], ['drain 0', 'close']]);
  });
});
