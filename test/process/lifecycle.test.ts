import { performance } from 'node:perf_hooks';
import { describe, expect, it } from 'vitest';
import { withMaster } from '../support/master-process.js';
import { sendSignal, waitGone } from '../support/processes.js';
import { waitRefused } from '../support/tcp-client.js';
import { nextSignal } from '../support/wait.js';
import { ONE, QUICK, TWO, clientOfEach, withServer } from '../support/with-server.js';

describe('pause and resume', () => {
  it('lets clients connect and wait, and serves all of them after resume', async () => {
    await withServer({ ...TWO, ...QUICK }, async (running) => {
      await running.settled(2);
      const { server } = running;
      const inside = await running.join();

      server.pause();
      expect(server.status().paused).toBe(true);
      await running.allPaused('paused');
      const outside = await Promise.all(Array.from({ length: 10 }, () => running.connect()));
      for (const client of outside) client.send('early\n');
      await running.heartbeats();

      for (const client of outside) client.expectNothing();
      expect(server.status().totals.connections).toBe(1);
      await inside.echo('served while paused');
      server.resume();
      expect(server.status().paused).toBe(false);
      for (const client of outside) {
        await client.greeting();
        await client.expect(`${client.pid} : early\r\n`);
      }
    });
  });

  it('may be asked for more than once, and a worker born meanwhile is paused too', async () => {
    await withServer({ ...ONE, ...QUICK }, async (running) => {
      const { server } = running;
      server.pause();
      server.pause();
      await running.allPaused('paused');

      const [first = 0] = running.ready;
      sendSignal(first, 'SIGKILL');
      await running.exit(first);
      const client = await running.connect();
      await running.until(({ totals }) => totals.ready === 1);
      await running.heartbeats();
      client.expectNothing();
      server.resume();
      server.resume();

      expect(await client.greeting()).not.toBe(first);
    });
  });

  it('loses no client when it is switched many times while clients come and go', async () => {
    await withServer({ ...TWO, ...QUICK }, async (running) => {
      await running.settled(2);
      let going = true;
      const visits = Array.from({ length: 4 }, async () => {
        let count = 0;
        for (; going; count++) {
          const client = await running.join();
          await client.echo('hello');
          await client.quit();
        }
        return count;
      });

      for (let round = 0; round < 10; round++) {
        running.server.pause();
        await running.allPaused('paused');
        running.server.resume();
        await running.until(({ workers }) => workers.some(({ accepting }) => accepting));
      }
      going = false;

      const counts = await Promise.all(visits);
      expect(Math.min(...counts)).toBeGreaterThan(0);
      expect(running.eventsOf('worker:exit')).toEqual([]);
    });
  });
});

describe('signals', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)('%s drains the pool and ends the master with code 0', async (signal) => {
    await withMaster({ options: TWO }, async (master) => {
      await master.ready(2);
      const client = await master.join();

      master.signal(signal);
      await waitRefused(await master.up());
      await client.echo('still here');
      await client.quit();

      expect(await master.over()).toEqual({ code: 0, signal: null });
      expect(master.survivors).toEqual([]);
      const exits = master.all('worker:exit');
      expect(exits.map(({ reason, code }) => `${reason} ${code}`)).toEqual(master.born.map(() => 'shutdown 0'));
    });
  });

  it('a second one ends everything at once', async () => {
    await withMaster({ options: { ...TWO, GraceExpireTime: Infinity } }, async (master) => {
      const client = await master.join();
      master.signal('SIGTERM');
      await waitRefused(await master.up());
      await client.echo('still here');
      await nextSignal();

      master.signal('SIGINT');
      await client.expectOver();

      await master.exit();
      await waitGone(master.born);
    });
  });

  it('Ctrl-C, which reaches the workers too, is left to the master', async () => {
    await withMaster({ options: TWO, detached: true }, async (master) => {
      await master.ready(2);
      const client = await master.join();

      master.signalGroup('SIGINT');
      await waitRefused(await master.up());
      await client.echo('still here');
      await client.quit();

      expect(await master.over()).toEqual({ code: 0, signal: null });
      expect(master.all('worker:exit').map(({ reason, code, signal }) => ({ reason, code, signal })))
        .toEqual([{ reason: 'shutdown', code: 0, signal: null }, { reason: 'shutdown', code: 0, signal: null }]);
    });
  });

  it('are left alone in the process of a server with HandleSignals false', async () => {
    const before = ['SIGINT', 'SIGTERM'].map((signal) => process.listenerCount(signal));

    await withServer(ONE, () => {
      expect(['SIGINT', 'SIGTERM'].map((signal) => process.listenerCount(signal))).toEqual(before);
      return Promise.resolve();
    });
  });

  it('are handled from the start with HandleSignals, and not any more after shutdown', async () => {
    const before = ['SIGINT', 'SIGTERM'].map((signal) => process.listenerCount(signal));

    await withServer({ ...ONE, HandleSignals: true }, () => {
      expect(['SIGINT', 'SIGTERM'].map((signal) => process.listenerCount(signal))).toEqual(before.map((count) => count + 1));
      return Promise.resolve();
    });

    expect(['SIGINT', 'SIGTERM'].map((signal) => process.listenerCount(signal))).toEqual(before);
  });
});

describe('the sudden death of the master', () => {
  it('makes workers refuse clients at once and end a client at the end of the grace time', async () => {
    await withMaster({ options: { ...TWO, GraceExpireTime: 0.5 } }, async (master) => {
      const port = await master.up();
      const client = await master.join();

      master.signal('SIGKILL');
      await master.exit();
      await waitRefused(port);

      await client.expectOver();
      await waitGone(master.born);
    });
  });

  it('with ShutdownChildren kills the workers', async () => {
    await withMaster({ options: { ...TWO, ShutdownChildren: true, GraceExpireTime: 60 } }, async (master) => {
      const client = await master.join();

      master.signal('SIGKILL');
      await master.exit();

      await client.expectOver();
      await waitGone(master.born);
    });
  });
});

describe('a crashed worker', () => {
  it('is replaced while the other clients are served, and costs only its own clients', async () => {
    await withServer({ ...TWO, MaxSessionPerServer: 1, MasterHeartBeatTime: 60 }, async (running) => {
      await running.settled(2);
      const lost = await running.join();
      const other = await running.join();
      const waiting = await running.connect();
      waiting.send('early\n');
      await running.until(({ totals }) => totals.connections === 2);

      sendSignal(lost.pid, 'SIGKILL');

      await lost.expectOver();
      const successor = await waiting.greeting();
      await waiting.expect(`${successor} : early\r\n`);
      await other.echo('untouched');
      expect(running.eventsOf('worker:exit').map(({ detail }) => detail)).toMatchObject([
        { pid: lost.pid, signal: 'SIGKILL', code: null, reason: 'crashed', connections: 1, served: 1 },
      ]);
    });
  });
});

describe('the end of the master', () => {
  it('after SIGTERM waits for a client, refuses others meanwhile, and comes last', async () => {
    await withMaster({ options: { ...TWO, GraceExpireTime: 30 } }, async (master) => {
      const port = await master.up();
      await master.ready(2);
      const client = await master.join();

      master.signal('SIGTERM');
      await waitRefused(port);
      await client.echo('still here');
      await client.quit();

      expect(await master.exit()).toEqual({ code: 0, signal: null });
      expect(master.survivors).toEqual([]);
    });
  });

  it('after SIGTERM cuts a client that is still there at the end of the grace time', async () => {
    await withMaster({ options: { ...TWO, ...QUICK, GraceExpireTime: 0.5 } }, async (master) => {
      const client = await master.join();
      const askedAt = performance.now();

      master.signal('SIGTERM');
      await client.expectOver();

      expect(performance.now() - askedAt).toBeGreaterThanOrEqual(450);
      expect(await master.exit()).toEqual({ code: 0, signal: null });
      expect(master.survivors).toEqual([]);
    });
  });

  it('by SIGKILL ends idle workers at once, a busy one after its client, and no client can connect', async () => {
    await withMaster({ options: { ...TWO, MaxSessionPerServer: 1, ServerHeartBeatTime: 1 } }, async (master) => {
      const port = await master.up();
      await master.ready(2);
      const [client, other] = await clientOfEach(master);
      await other.quit();

      master.signal('SIGKILL');
      await master.exit();
      await waitGone(other.pid);
      await waitRefused(port);
      await client.echo('still here');
      await client.quit();
      await waitGone(client.pid);
    });
  });
});
