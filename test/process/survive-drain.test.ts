import { describe, expect, it } from 'vitest';
import { withHandlers } from '../programs/inline.js';
import { failures, underLoad, untilRefused } from '../programs/load.js';
import { withMaster } from '../support/master-process.js';
import { waitGone } from '../support/processes.js';
import { poll } from '../support/wait.js';
import { ONE, QUICK, TWO, withServer } from '../support/with-server.js';
import type { Running, ServerSetup } from '../support/with-server.js';

/** Nobody acts because of a heartbeat. */
const SLOW = { MasterHeartBeatTime: 60 };

/** Waits for four workers to end for a reason, for each by itself: one successor after the other has to start under load. */
async function fourEnds(running: Running, reason: 'lifetime' | 'lifetimes'): Promise<void> {
  for (let count = 1; count <= 4; count++) await running.until(({ totals }) => totals.exits[reason] >= count);
}

describe('no client is lost under load', () => {
  it.each<[string, ServerSetup, (running: Running) => Promise<void>, string]>([
    ['while every worker is drained by term, one after the other', { MaxServer: 4, ...QUICK }, async (running) => {
      for (const pid of running.ready) {
        running.server.term(pid);
        await running.exit(pid);
      }
      await running.settled(4);
    }, 'asked'],
    ['while every worker is drained by term at the same instant', { MaxServer: 4, ...QUICK }, async (running) => {
      const first = running.ready;
      for (const pid of first) running.server.term(pid);
      for (const pid of first) await running.exit(pid);
      await running.settled(4);
    }, 'asked'],
    ['while the pool is scaled down from 8 workers to 2', { StartServer: 8, MinServer: 8, MaxServer: 8, ...QUICK }, async (running) => {
      running.server.configure({ MinServer: 2, MinSpareServer: 1, MaxSpareServer: 1, MaxServer: 2 });
      await running.settled(2);
    }, 'surplus'],
    ['while workers are recycled by MaxServerLifeTimes', { MaxServer: 4, MaxServerLifeTimes: 25, ...QUICK }, async (running) => {
      await fourEnds(running, 'lifetimes');
    }, 'lifetimes'],
    // Only from here on: on a loaded machine four workers may take longer to start than they would live.
    ['while workers are recycled by MaxServerLifeTime', { MaxServer: 4, ...QUICK }, async (running) => {
      running.server.configure({ MaxServerLifeTime: 0.5 });
      await fourEnds(running, 'lifetime');
    }, 'lifetime'],
  ])('%s', async (_title, setup, act, reason) => {
    await withServer(setup, async (running) => {
      await running.settled(setup.MaxServer ?? 0);

      const visits = await underLoad(running.port, 8, async (soFar) => {
        await poll(() => soFar.length > 50, () => 'the load to be on its way');
        await act(running);
        const before = soFar.length;
        await poll(() => soFar.length > before + 50, () => 'the load to go on');
      });

      expect(failures(visits)).toEqual([]);
      const exits = running.eventsOf('worker:exit').map(({ detail }) => detail);
      expect(exits.length).toBeGreaterThanOrEqual(4);
      for (const exit of exits) expect(exit).toMatchObject({ code: 0, reason });
    });
  });

  it('while the pool shuts down: whoever was greeted finishes, and then no one is let in', async () => {
    await withServer({ MaxServer: 4, ...QUICK }, async (running) => {
      await running.settled(4);
      const clients = await Promise.all(Array.from({ length: 100 }, () => running.join()));

      const end = running.server.shutdown({ grace: 30 });
      await untilRefused(running.port);
      for (const client of clients) await client.echo('in the middle of it');
      await Promise.all(clients.map((client) => client.quit()));
      await end;

      expect(running.eventsOf('worker:exit').map(({ detail }) => `${detail.reason} ${detail.code}`)).toEqual(Array(4).fill('shutdown 0'));
    });
  });
});

describe('ClientDraining', () => {
  it('is called once for each open client, with the seconds left, however often a drain is asked for', async () => {
    await withHandlers({
      GraceExpireTime: 30,
      ClientConnected({ heap }) { heap.client.put('W1'); },
      ClientDraining({ heap, deadline }) {
        heap.client.put(`drains ${Math.round(deadline)}`);
        tell('draining');
      },
    }, async (scene) => {
      const { running } = scene;
      await running.settled(1);
      const gone = await running.join();
      gone.close();
      const clients = await Promise.all(Array.from({ length: 5 }, () => running.join()));
      await running.until(({ totals }) => totals.connections === 5);

      const [pid = 0] = running.ready;
      running.server.term(pid);
      for (const client of clients) await client.expect('drains 30\r\n');
      running.server.term(pid);
      const end = running.server.shutdown({ grace: 20 });
      for (const client of clients) {
        client.send('still\n');
        await client.expect('still\r\n');
        client.close();
      }
      await end;

      expect(scene.names).toEqual(Array(5).fill('draining'));
    });
  });
});

describe('a worker that drains', () => {
  it('is still heard of, and goes on serving its client', async () => {
    await withServer({ ...TWO, ...QUICK, GraceExpireTime: 30 }, async (running) => {
      await running.settled(2);
      const client = await running.join();
      running.server.term(client.pid);
      await running.until(({ workers }) => workers.some(({ pid, phase }) => pid === client.pid && phase === 'draining'));

      await running.heartbeats([client.pid]);
      await running.heartbeats([client.pid]);

      await client.echo('still here');
      expect(running.worker(client.pid)).toMatchObject({ phase: 'draining', drainReason: 'asked', connections: 1 });
    });
  });

  it('ends at the moment its last client leaves, not at a heartbeat', async () => {
    await withServer({ ...TWO, ...SLOW, GraceExpireTime: 60 }, async (running) => {
      await running.settled(2);
      const client = await running.join();
      running.server.term(client.pid);
      await running.event('worker:drain');
      await client.echo('still here');

      await client.quit();

      // No heartbeat is due as long as this waits.
      expect((await running.exit(client.pid)).detail).toMatchObject({ code: 0, signal: null, reason: 'asked' });
    });
  });

  it('keeps the deadline that was fixed when its drain began, whatever is asked or configured later', async () => {
    await withServer({ ...TWO, ...QUICK, GraceExpireTime: 60 }, async (running) => {
      await running.settled(2);
      const client = await running.join();
      expect(running.server.term(client.pid)).toBe(true);
      await running.event('worker:drain');
      const before = running.worker(client.pid).drainDeadline ?? NaN;

      running.server.configure({ GraceExpireTime: 600 });
      await client.echo('still here');
      expect(running.server.term(client.pid)).toBe(false);
      await running.heartbeats([client.pid]);

      expect(running.worker(client.pid).drainDeadline).toBeLessThan(before);
      await client.quit();
      await running.exit(client.pid);
      expect(running.eventsOf('worker:drain')).toHaveLength(1);
    });
  });
});

describe('a master that ends without a drain', () => {
  const ways: [string, NodeJS.Signals, number | null][] = [
    ['process.exit', 'SIGUSR2', 3],
    ['an uncaught exception', 'SIGHUP', 1],
    ['SIGKILL', 'SIGKILL', null],
  ];

  it.each(ways)('by %s leaves its workers to their clients with ShutdownChildren 0, and they end after them', async (_title, signal, code) => {
    await withMaster({ program: 'survive.mjs', options: { ...TWO, ShutdownChildren: 0, GraceExpireTime: 30 } }, async (master) => {
      await master.ready(2);
      const client = await master.join();

      master.signal(signal);
      expect((await master.exit()).code).toBe(code);
      await untilRefused(await master.up());
      await client.echo('still here');
      await client.quit();

      await waitGone(master.born);
    });
  });

  it.each(ways)('by %s takes its workers with it with ShutdownChildren 1', async (_title, signal, code) => {
    await withMaster({ program: 'survive.mjs', options: { ...TWO, ShutdownChildren: 1, GraceExpireTime: 30 } }, async (master) => {
      await master.ready(2);
      const client = await master.join();

      master.signal(signal);
      expect((await master.exit()).code).toBe(code);

      await client.expectOver();
      await waitGone(master.born);
    });
  });
});

it('a worker that is asked to drain before its first client ends at once and is replaced', async () => {
  await withServer({ ...ONE, ...SLOW, GraceExpireTime: 60 }, async (running) => {
    await running.settled(1);
    const [pid = 0] = running.ready;

    running.server.term(pid);

    expect((await running.exit(pid)).detail).toMatchObject({ code: 0, reason: 'asked', served: 0 });
    await running.settled(1);
  });
});
