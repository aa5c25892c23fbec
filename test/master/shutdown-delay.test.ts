import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { Master } from '../../src/master/master.js';
import { processUpgrades } from '../../src/master/process-upgrades.js';
import { releaseSource } from '../../src/master/release.js';
import type { PreforkTcpServerOptions } from '../../src/options/options.js';
import { resolveOptions } from '../../src/options/resolve.js';
import { FakeWorkers } from '../support/fake-workers.js';
import { ManualClock, turn } from '../support/manual-clock.js';

/** A master with a real socket, fake workers, and a clock of the test's. */
async function running(options: Partial<PreforkTcpServerOptions> = {}, { cooperate = true } = {}): Promise<{
  master: Master; workers: FakeWorkers; clock: ManualClock; drains: () => number; settle: () => Promise<void>;
}> {
  const clock = new ManualClock();
  const workers = new FakeWorkers(clock);
  if (cooperate) workers.cooperate();
  const source = releaseSource({ script: fileURLToPath(import.meta.url), directory: undefined });
  const master = new Master({
    options: resolveOptions({ Address: '127.0.0.1', MaxServer: 2, HandleSignals: false, Script: '/server.js', ShutdownDelay: 5, ...options }, 'master'),
    clock,
    spawn: workers.spawn,
    spawnOptions: (captureStderr, release) => ({ env: {}, captureStderr, release }),
    source, program: source,
    upgrades: processUpgrades,
    inheritance: undefined,
  });
  const settle = async (): Promise<void> => {
    clock.settle();
    await turn();
    clock.settle();
  };
  await once(master.events, 'listening');
  await settle();
  return { master, workers, clock, settle, drains: () => workers.all().flatMap((worker) => worker.of('drain')).length };
}

describe('ShutdownDelay', () => {
  it('lets the pool go on for a while when it is to stop; its status says so at once', async () => {
    const { master, clock, settle, drains } = await running();
    const statuses: boolean[] = [];
    master.events.on('status', () => { statuses.push(master.status().stopping); });

    const stopped = master.shutdown();
    clock.advance(4999);
    await settle();
    expect([drains(), master.status().stopping, statuses[0], master.status().totals.ready]).toEqual([0, true, true, 2]);
    clock.advance(1);
    await settle();
    await stopped;

    expect([drains(), master.isStopped]).toEqual([2, true]);
  });

  it('replaces a worker that is lost meanwhile', async () => {
    const { master, clock, settle } = await running();
    void master.shutdown();
    await settle();

    master.pool('kill').kill(master.status().workers[0]?.pid ?? 0);
    clock.advance(3000);

    expect(master.status().totals).toMatchObject({ ready: 2, born: 3 });
    void master.shutdown(0);
    await settle();
    await master.shutdown();
  });

  it.each([['a grace', 1], ['no time', 0]])('ends when shutdown() is called again with %s, and not without', async (_title, grace) => {
    const { master, settle, drains } = await running();
    void master.shutdown();
    void master.shutdown();
    await settle();
    const early = drains();

    void master.shutdown(grace);
    const ended = master.shutdown(grace).then(() => master.status().workers.length);
    await settle();

    expect([early, drains(), await ended]).toEqual([0, 2, 0]);
    await master.shutdown();
  });

  it('has no place in a shutdown without grace, nor in one of a server that cannot work', async () => {
    const { master, settle, drains } = await running();

    void master.shutdown(0);
    await settle();

    expect(drains()).toBe(2);
    await master.shutdown();
  });

  it('ends when it turns out that no worker starts: the cause reaches whoever waits', async () => {
    const { master, workers, clock, settle } = await running({}, { cooperate: false });
    const ready = master.ready().catch((error: unknown) => error);
    const stopped = master.shutdown();

    for (let round = 0; round < 3; round++) {
      for (const worker of workers.all()) if (!worker.hasExited) worker.exit({ code: 1 });
      clock.advance(1000);
      await settle();
    }
    await stopped;

    expect(await ready).toMatchObject({ code: 'ERR_PREFORK_WORKER_BOOT' });
    expect([master.isStopped, workers.all().every(({ hasExited }) => hasExited)]).toEqual([true, true]);
  });

  it('may be changed in the running pool, and is among the limits in force', async () => {
    const { master, settle, drains } = await running();
    master.configure({ ShutdownDelay: 0 });
    expect(master.status().limits.ShutdownDelay).toBe(0);

    void master.shutdown();
    await settle();

    expect(drains()).toBe(2);
    await master.shutdown();
  });
});
