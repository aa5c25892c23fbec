import { afterEach, describe, expect, it, vi } from 'vitest';
import { Notifier, type ServiceState } from '../../src/master/notify.js';
import { systemdService } from '../../src/master/service.js';
import { ManualClock, turn } from '../support/manual-clock.js';
import { serverStatus } from '../support/status.js';

afterEach(() => { vi.unstubAllEnvs(); });

/** A notifier of a pool of two workers, and what it has sent. */
function notifierOf({ env = {}, state = {}, send }: {
  readonly env?: Readonly<Record<string, string>>; readonly state?: Partial<ServiceState>; readonly send?: () => Promise<void>;
} = {}): { notifier: Notifier; clock: ManualClock; sent: string[][]; state: { -readonly [Name in keyof ServiceState]: ServiceState[Name] } } {
  const clock = new ManualClock();
  const sent: string[][] = [];
  const now = { ready: 2, workers: 2, clients: 1, paused: false, note: undefined, ...state };
  const notifier = new Notifier({
    clock, env, pid: 7, state: () => now, monotonicMicros: () => 1234n,
    send: async (assignments) => {
      sent.push([...assignments]);
      await send?.();
    },
  });
  return { notifier, clock, sent, state: now };
}

const WATCHDOG = { WATCHDOG_USEC: '2000000' };

describe('what a service manager is sent', () => {
  it.each([undefined, ''])('is nothing at all where none has asked: NOTIFY_SOCKET is %j', (path) => {
    vi.stubEnv('NOTIFY_SOCKET', path);
    const clock = new ManualClock();

    expect(systemdService({ clock, status: () => serverStatus() })).toBeUndefined();
    expect(clock.delays).toEqual([]);
  });

  it('is READY with the state of the pool in words, on one line', async () => {
    const { notifier, sent } = notifierOf({ state: { paused: true, note: 'the last reload failed:\nno' } });

    notifier.ready();
    await turn();

    expect(sent).toEqual([['READY=1', 'STATUS=paused, 2 of 2 workers ready, 1 clients; the last reload failed: no']]);
  });

  it('is RELOADING with the time of the monotonic clock', async () => {
    const { notifier, sent } = notifierOf();

    notifier.reloading('reloading');
    await turn();

    expect(sent).toEqual([['RELOADING=1', 'MONOTONIC_USEC=1234', 'STATUS=reloading']]);
  });

  it('is one message after the other, in order, however long each takes', async () => {
    const waiting: (() => void)[] = [];
    const { notifier, sent } = notifierOf({ send: () => new Promise((resolve) => { waiting.push(resolve); }) });

    notifier.reloading('first');
    notifier.ready();
    await turn();
    expect(sent.map(([one]) => one)).toEqual(['RELOADING=1']);
    waiting[0]?.();
    await turn();

    expect(sent.map(([one]) => one)).toEqual(['RELOADING=1', 'READY=1']);
  });

  it('is a request for more time while the pool drains, again and again until it is over', async () => {
    const { notifier, clock, sent } = notifierOf();

    notifier.stopping();
    clock.advance(11_000);
    await notifier.close();
    clock.advance(60_000);
    await turn();

    expect(sent.map(([one]) => one)).toEqual(['STOPPING=1', 'EXTEND_TIMEOUT_USEC=15000000', 'EXTEND_TIMEOUT_USEC=15000000', 'EXTEND_TIMEOUT_USEC=15000000']);
  });
});

describe('the watchdog of a service manager', () => {
  const fed = ({ sent }: { readonly sent: readonly string[][] }): number => sent.filter(([one]) => one === 'WATCHDOG=1').length;

  const pass = async (clock: ManualClock): Promise<void> => {
    for (let second = 0; second < 10; second++) {
      await turn();
      clock.advance(1000);
    }
    await turn();
  };

  it.each<[string, Parameters<typeof notifierOf>[0], number]>([
    ['is fed twice in its interval', { env: WATCHDOG }, 11],
    ['is fed if it is meant for this process', { env: { ...WATCHDOG, WATCHDOG_PID: '7' } }, 11],
    ['is fed while the pool is paused, since this is wanted', { env: WATCHDOG, state: { ready: 0, paused: true } }, 11],
    ['is not fed without a worker that is ready', { env: WATCHDOG, state: { ready: 0 } }, 0],
    ['is not fed if it is meant for another process', { env: { ...WATCHDOG, WATCHDOG_PID: '8' } }, 0],
    ['is not fed if there is none', {}, 0],
  ])('%s', async (_title, parts, count) => {
    const made = notifierOf(parts);

    made.notifier.ready();
    await pass(made.clock);

    expect(fed(made)).toBe(count);
  });

  it('is fed by a pool that drains, though no worker is ready any more', async () => {
    const made = notifierOf({ env: WATCHDOG });
    made.notifier.ready();

    made.notifier.stopping();
    made.state.ready = 0;
    await pass(made.clock);

    expect(fed(made)).toBe(11);
  });

  it('is fed once at a time, however often the service gets ready', async () => {
    const made = notifierOf({ env: WATCHDOG });

    made.notifier.ready();
    made.notifier.ready();
    await pass(made.clock);

    expect(fed(made)).toBe(11);
  });

  it('is sent no second sign of life before the first one is on its way', async () => {
    const made = notifierOf({ env: WATCHDOG, send: () => new Promise(() => undefined) });

    made.notifier.ready();
    await pass(made.clock);

    expect(made.sent.map(([one]) => one)).toEqual(['READY=1']);
  });
});
