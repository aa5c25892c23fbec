import type { PreforkTcpServer } from 'prefork-tcp-server';
import { describe, expect, it } from 'vitest';
import { withMaster } from '../support/master-process.js';
import { isAlive } from '../support/processes.js';
import { waitRefused } from '../support/tcp-client.js';
import { ONE, QUICK, Running, TWO, withServer } from '../support/with-server.js';

describe('the server object', () => {
  it('reports the life of its workers in order', async () => {
    await withServer(ONE, async (running) => {
      const client = await running.join();
      client.send('exit\n');
      await client.expectEof();
      client.close();
      const { pid } = client;
      await running.exit(pid);
      await running.until(({ totals }) => totals.ready === 1);

      const life = running.events.filter(({ detail }) => typeof detail === 'object' && detail !== null && 'pid' in detail && detail.pid === pid).map(({ name }) => name);
      expect(life).toEqual(['worker:born', 'worker:ready', 'worker:drain', 'worker:exit']);
      expect(running.eventsOf('listening').map(({ detail }) => detail)).toEqual([running.server.address()]);
      expect(running.eventsOf('worker:born').map(({ detail }) => detail.id)).toEqual([1, 2]);
      expect(running.eventsOf('worker:exit')[0]?.detail.served).toBe(1);
    });
  });

  it('has a status that is frozen and fit for JSON', async () => {
    await withServer(ONE, async (running) => {
      await running.join();

      const status = await running.until(({ totals }) => totals.connections === 1);

      expect(Object.isFrozen(status)).toBe(true);
      expect(Object.isFrozen(status.workers)).toBe(true);
      expect(Object.isFrozen(status.workers[0])).toBe(true);
      expect(JSON.parse(JSON.stringify(status))).toMatchObject({
        alias: 'prefork_server', paused: false, stopping: false, address: { address: '127.0.0.1', port: running.port },
        totals: { workers: 1, ready: 1, starting: 0, draining: 0, spare: 0, connections: 1, served: 1, born: 1 },
        workers: [{ id: 1, pid: running.ready[0], phase: 'ready', accepting: true, paused: [], connections: 1, served: 1 }],
      });
    });
  });

  it('lets clients queue from the start in a pool that may not accept yet', async () => {
    await withServer({ ...ONE, Concurrency: 0 }, async (running) => {
      const client = await running.connect();
      client.send('early\n');
      await running.until(({ workers: [worker] }) => worker?.paused.includes('concurrency') === true);

      running.server.configure({ Concurrency: -1 });

      expect(await client.greeting()).toBe(running.ready[0]);
      expect(await client.readLine()).toBe(`${running.ready[0]} : early`);
    });
  });

  it('gives up a wait whose signal is aborted', async () => {
    await withServer(ONE, async (running) => {
      const controller = new AbortController();
      const waiting = running.server.waitUntil(() => false, { signal: controller.signal });
      controller.abort(new Error('enough'));

      await expect(waiting).rejects.toThrow('enough');
      await expect(running.server.waitUntil(() => true, { signal: AbortSignal.abort(new Error('too late')) })).rejects.toThrow('too late');
    });
  });

  it('says which part it has, and its address', async () => {
    await withServer({ ...ONE, Alias: 'me', MasterAlias: 'my_master' }, (running) => {
      const { server } = running;
      expect({ ...pick(server), address: server.address() }).toEqual({
        isMaster: true, isWorker: false, alias: 'me', masterAlias: 'my_master',
        address: { address: '127.0.0.1', port: running.port, family: 'IPv4' },
      });
      return Promise.resolve();
    });
  });

  const pick = ({ isMaster, isWorker, alias, masterAlias }: PreforkTcpServer): object => ({ isMaster, isWorker, alias, masterAlias });

  it('drains a worker with term(pid) and replaces it', async () => {
    await withServer({ ...TWO, MasterHeartBeatTime: 60 }, async (running) => {
      await running.settled(2);
      const client = await running.join();

      running.server.term(client.pid);
      await running.event('worker:drain', ({ pid, reason }) => pid === client.pid && reason === 'asked');
      await client.echo('still here');
      await client.quit();

      expect((await running.exit(client.pid)).detail).toMatchObject({ code: 0, reason: 'asked' });
      await running.settled(2);
    });
  });

  it('ends a worker with kill(pid) and replaces it', async () => {
    await withServer({ ...TWO, MasterHeartBeatTime: 60 }, async (running) => {
      await running.settled(2);
      const client = await running.join();

      running.server.kill(client.pid);

      await client.expectOver();
      expect((await running.exit(client.pid)).detail).toMatchObject({ signal: 'SIGKILL', reason: 'killed:asked' });
      await running.settled(2);
    });
  });

  it('does nothing to a pid that is not a worker of its own', async () => {
    await withServer(ONE, async (running) => {
      running.server.term(process.pid);
      running.server.kill(process.pid);

      const client = await running.join();
      await client.echo('nothing happened');
      expect(running.eventsOf('worker:drain')).toEqual([]);
    });
  });

  it('forks more workers with born(n)', async () => {
    await withServer({ MaxServer: 4, StartServer: 1, MinServer: 1, MasterHeartBeatTime: 60 }, async (running) => {
      running.server.born(2);

      await running.until(({ totals }) => totals.ready === 3);
    });
  });

  it('grows, and shrinks, when configure changes its limits', async () => {
    await withServer({ MaxServer: 3, StartServer: 1, MinServer: 1, MaxSpareServer: 1, ...QUICK }, async (running) => {
      await running.settled(1);

      running.server.configure({ MinServer: 3, MaxSpareServer: 3 });
      await running.until(({ totals }) => totals.ready === 3);
      running.server.configure({ MinServer: 1, MaxSpareServer: 1 });

      await running.settled(1);
    });
  });

  it('gives running workers a new MaxSessionPerServer', async () => {
    await withServer({ ...ONE, MaxSessionPerServer: 1, ...QUICK }, async (running) => {
      const first = await running.join();
      const second = await running.connect();
      await running.heartbeats();
      second.expectNothing();

      running.server.configure({ MaxSessionPerServer: 2 });

      expect(await second.greeting()).toBe(first.pid);
    });
  });

  it('changes nothing when configure is given nonsense', async () => {
    await withServer(ONE, (running) => {
      const nonsense = { MaxServer: 0, MinSever: 3 };
      expect(() => { running.server.configure(nonsense); }).toThrow(expect.objectContaining({ code: 'ERR_PREFORK_OPTION' }));
      return Promise.resolve();
    });
  });

  it('resolves every shutdown() when the last worker is gone, and refuses to be used after that', async () => {
    const running = new Running(TWO);
    await running.server.ready();
    await running.settled(2);
    const client = await running.join();

    let isOver = false;
    const calls = [running.server.shutdown(), running.server.shutdown({ grace: 30 })];
    void Promise.all(calls).then(() => { isOver = true; });
    await running.event('worker:exit', ({ pid }) => pid !== client.pid);
    await client.echo('still here');
    expect(isOver).toBe(false);
    expect(running.server.status().stopping).toBe(true);
    await client.quit();
    await Promise.all(calls);

    expect(running.born.filter(isAlive)).toEqual([]);
    await running.server.shutdown();
    await running.server[Symbol.asyncDispose]();
    expect(running.server.status().workers).toEqual([]);
    for (const call of ['reload', 'upgrade'] as const) {
      await expect(running.server[call]()).rejects.toThrow(`${call}() needs a running pool: await ready() before it, and call it before shutdown().`);
    }
  });

  it('cuts clients at once with shutdown({ grace: 0 }), even while it waits for them already', async () => {
    await withServer(ONE, async (running) => {
      const client = await running.join();
      const patient = running.server.shutdown();
      await running.event('worker:drain');
      await client.echo('still here');

      await running.server.shutdown({ grace: 0 });

      await client.expectOver();
      await patient;
      expect(running.born.filter(isAlive)).toEqual([]);
    });
  });

  it('can be shut down before it is ready', async () => {
    const running = new Running(TWO);
    const ready = running.server.ready().then(() => 'ready', (error: unknown) => (error as { code: string }).code);

    await running.server.shutdown();

    expect(['ready', 'ERR_PREFORK_STATE']).toContain(await ready);
    expect(running.born.filter(isAlive)).toEqual([]);
  });

  it('lets a callback drain the whole pool with shutdown_all', async () => {
    await withMaster({ program: 'poster.mjs', options: TWO }, async (master) => {
      const client = await master.join();

      client.send('shutdown_all\n');
      await client.expect('posted true\r\n');
      await waitRefused(await master.up());
      client.send('echo still here\n');
      await client.expect('still here\r\n');
      client.close();

      expect(await master.exit()).toEqual({ code: 0, signal: null });
      expect(master.survivors).toEqual([]);
    });
  });

  it('lets the program end by itself after shutdown', async () => {
    await withMaster({ program: 'shuts-down.mjs' }, async (master) => {
      await master.event('shut down');

      expect(await master.over()).toEqual({ code: 0, signal: null });
      expect(master.survivors).toEqual([]);
    });
  });

  it('serves again on the same port after another has been shut down', async () => {
    let port = 0;
    await withServer(ONE, async (running) => {
      ({ port } = running);
      const client = await running.join();
      await client.quit();
    });

    await withServer({ ...ONE, Port: port }, async (running) => {
      expect(running.port).toBe(port);
      const client = await running.join();
      await client.echo('served');
    });
  });
});
