import { describe, expect, it } from 'vitest';
import { withMaster } from '../support/master-process.js';
import { isAlive, sendSignal } from '../support/processes.js';
import type { TcpClient } from '../support/tcp-client.js';
import { answered } from '../support/tcp-client.js';
import type { Running } from '../support/with-server.js';
import { ONE, QUICK, TWO, clientOfEach, silencesAtDrain, withServer } from '../support/with-server.js';

/** The most living workers at any time, looked at with every event and status. */
function watchPeak(running: Running): () => number {
  let peak = 0;
  const look = (): void => { peak = Math.max(peak, running.server.status().totals.workers); };
  running.server.on('status', look);
  running.server.on('worker:born', look);
  return () => peak;
}

describe('the size of the pool', () => {
  it('is five workers by default, and the master serves no clients', async () => {
    await withServer({}, async (running) => {
      await running.settled(5);
      const workers = running.ready;

      const clients = await Promise.all(Array.from({ length: 20 }, () => running.join()));

      expect(new Set(workers).size).toBe(5);
      expect(workers).not.toContain(process.pid);
      for (const { pid } of clients) expect(running.born).toContain(pid);
    });
  });

  it('grows by one when a client takes one of two spare workers', async () => {
    const setup = { StartServer: 2, MinServer: 2, MinSpareServer: 2, MaxServer: 10, MaxSpareServer: 8, ...QUICK };
    await withServer(setup, async (running) => {
      await running.settled(2);

      await running.join();

      await running.until(({ totals }) => totals.ready === 3 && totals.spare === 2);
      await running.heartbeats();
      expect(running.server.status().totals).toMatchObject({ workers: 3, born: 3 });
    });
  });

  it('never exceeds MaxServer; clients beyond MaxServer x MaxSessionPerServer wait and lose nothing', async () => {
    const setup = { StartServer: 2, MinServer: 2, MinSpareServer: 2, MaxServer: 4, MaxSessionPerServer: 1, ...QUICK };
    await withServer(setup, async (running) => {
      const peak = watchPeak(running);
      const waiting = await Promise.all(Array.from({ length: 8 }, () => running.connect()));
      const served: TcpClient[] = [];
      const take = async (count: number): Promise<void> => {
        const some = await answered(waiting, count);
        await running.heartbeats();
        const all = waiting.filter(({ unread }) => unread.length > 0);
        expect(all).toEqual(some);
        expect(all).toHaveLength(count);
        for (const client of all) {
          await client.greeting();
          waiting.splice(waiting.indexOf(client), 1);
          served.push(client);
        }
      };

      await take(4);
      expect(new Set(served.map(({ pid }) => pid)).size).toBe(4);
      while (served.length > 0) {
        const client = served.shift();
        await client?.echo('not cut');
        await client?.quit();
        if (waiting.length > 0) await take(1);
      }

      expect(peak()).toBe(4);
    });
  });

  it('fits StartServer and MinServer to a MaxServer below their defaults, without churn', async () => {
    await withServer({ MaxServer: 3, ...QUICK }, async (running) => {
      await running.settled(3);

      await running.heartbeats();
      await running.heartbeats();

      expect(running.server.status().totals).toMatchObject({ workers: 3, born: 3 });
      expect(running.eventsOf('worker:exit')).toEqual([]);
    });
  });

  it('shrinks to MaxSpareServer and stays there', async () => {
    const setup = { StartServer: 6, MinServer: 2, MinSpareServer: 2, MaxSpareServer: 3, MaxServer: 10, ...QUICK };
    await withServer(setup, async (running) => {
      await running.until(({ totals }) => totals.born === 6);

      await running.settled(3);
      await running.heartbeats();
      await running.heartbeats();

      expect(running.server.status().totals).toMatchObject({ workers: 3, born: 6 });
      expect(running.eventsOf('worker:exit').map(({ detail }) => detail.reason)).toEqual(['surplus', 'surplus', 'surplus']);
    });
  });

  it('is restored at once when every worker was killed; a client that connects meanwhile is served', async () => {
    // The heartbeat is longer than the test waits: the deaths themselves are what the master acts on.
    await withServer({ MaxServer: 3, MasterHeartBeatTime: 60 }, async (running) => {
      await running.settled(3);
      const first = running.ready;

      for (const pid of first) sendSignal(pid, 'SIGKILL');
      const client = await running.connect();

      expect(first).not.toContain(await client.greeting());
      await running.settled(3);
      expect(running.server.status().totals).toMatchObject({ born: 6, exits: { crashed: 3 } });
    });
  });

  it('is restored at once when a client makes its worker exit, and that client gets no answer', async () => {
    await withServer({ ...TWO, MasterHeartBeatTime: 60 }, async (running) => {
      await running.settled(2);
      const client = await running.join();

      client.send('kill\n');

      await client.expectOver();
      const { detail } = await running.exit(client.pid);
      expect(detail).toMatchObject({ code: 1, signal: null, reason: 'crashed' });
      await running.settled(2);
    });
  });
});

describe('MaxSessionPerServer 1 on one worker', () => {
  const setup = { ...ONE, MaxSessionPerServer: 1, ...QUICK };

  it('keeps a second client, and what it sent early, until the first has left', async () => {
    await withServer(setup, async (running) => {
      const first = await running.join();
      const second = await running.connect();
      second.send('early\n');

      await running.heartbeats();
      second.expectNothing();
      await first.quit();

      const pid = await second.greeting();
      expect(pid).toBe(first.pid);
      await second.expect(`${pid} : early\r\n`);
    });
  });

  it('serves one of four clients that come at the same instant, and the others one by one', async () => {
    await withServer(setup, async (running) => {
      const waiting = await Promise.all(Array.from({ length: 4 }, () => running.connect()));

      while (waiting.length > 0) {
        const [client] = await answered(waiting, 1);
        await client?.greeting();
        await client?.echo('served');
        await running.heartbeats();
        const others = waiting.filter((other) => other !== client);
        for (const other of others) other.expectNothing();
        await client?.quit();
        waiting.splice(0, waiting.length, ...others);
      }

      expect(running.server.status().totals.born).toBe(1);
    });
  });
});

describe('ageing', () => {
  it('replaces workers at the end of their life and lets a client stay with its old one', async () => {
    const setup = { StartServer: 2, MinServer: 2, MaxServerLifeTime: 0.6, GraceExpireTime: 30, ...QUICK };
    await withServer(setup, async (running) => {
      const client = await running.join();
      const starters = running.born.slice(0, 2);

      while (starters.some((pid) => pid !== client.pid && running.server.status().workers.some((worker) => worker.pid === pid))
        || running.worker(client.pid).phase !== 'draining') {
        await client.echo('still here');
        await running.heartbeats([client.pid]);
      }
      const others = await running.join();
      await client.echo('and still here');
      await client.quit();
      const { detail } = await running.exit(client.pid);
      expect(detail).toMatchObject({ code: 0, reason: 'lifetime' });
      expect(starters).not.toContain(others.pid);
    });
  });

  it('lets workers that never had a client live as long as MaxServerSpareTime says', async () => {
    await withServer({ StartServer: 2, MaxServerSpareTime: 1000, ...QUICK }, async (running) => {
      await running.settled(2);
      const before = running.ready;

      await running.heartbeats();
      await running.heartbeats();

      expect(running.ready).toEqual(before);
      expect(running.server.status().totals.born).toBe(2);
    });
  });

  it('takes exactly MaxServerLifeTimes clients into one worker, and the next into its successor', async () => {
    await withServer({ ...ONE, MaxServerLifeTimes: 2, MasterHeartBeatTime: 60 }, async (running) => {
      const clients = [await running.join(), await running.join(), await running.join()];

      const [first, second, third] = clients.map(({ pid }) => pid);
      expect(second).toBe(first);
      expect(third).not.toBe(first);
      await clients[0]?.echo('not cut');
    });
  });
});

describe('a worker that does not report', () => {
  const setup = { ...TWO, MasterHeartBeatTime: 0.2, ServerHeartBeatTime: 0.1, MaxServerExpireTime: 1, GraceExpireTime: 0.5 };

  it.each([
    ['is stopped', (client: TcpClient) => { sendSignal(client.pid, 'SIGSTOP'); }],
    ['blocks for ever', (client: TcpClient) => { client.send('sleep 1000\n'); }],
  ])('because it %s is drained, then killed, and replaced', async (_title, hang) => {
    await withServer(setup, async (running) => {
      await running.settled(2);
      const client = await running.join();
      const silences = silencesAtDrain(running);

      hang(client);

      await client.expectOver();
      const { at: exitedAt, detail } = await running.exit(client.pid);
      const { at: drainedAt } = await running.event('worker:drain', ({ pid }) => pid === client.pid);
      expect(detail).toMatchObject({ signal: 'SIGKILL', reason: 'killed:grace' });
      expect(silences.get(client.pid)).toBeGreaterThanOrEqual(990);
      expect(exitedAt - drainedAt).toBeGreaterThanOrEqual(490);
      await running.settled(2);
    });
  });

  it('survives when it blocks for less than MaxServerExpireTime', async () => {
    await withServer({ ...TWO, ...QUICK }, async (running) => {
      const client = await running.join();

      client.send('spin 0.8\n');

      await client.expect('spun\r\n');
      await client.echo('same worker');
      expect(running.eventsOf('worker:drain')).toEqual([]);
    });
  });
});

describe('a worker that is asked to drain by one of its clients', () => {
  it('ends after that client, is replaced, and the other worker goes on', async () => {
    await withServer({ ...TWO, MaxSessionPerServer: 1, MasterHeartBeatTime: 60 }, async (running) => {
      await running.settled(2);
      const [leaving, staying] = await clientOfEach(running);

      leaving.send('exit\n');

      await leaving.expectEof();
      leaving.close();
      const { detail } = await running.exit(leaving.pid);
      expect(detail).toMatchObject({ code: 0, signal: null, reason: 'asked' });
      await running.settled(2);
      await staying.echo('untouched');
      expect(running.ready).toContain(staying.pid);
    });
  });

  it('keeps the clients it has, gets no new one, and ends after the last', async () => {
    await withServer({ ...TWO, GraceExpireTime: 60, MasterHeartBeatTime: 60 }, async (running) => {
      await running.settled(2);
      const staying = await running.join();
      staying.send('mshut\n');
      await staying.expect('ok\r\n');
      await running.event('worker:drain', ({ pid }) => pid === staying.pid);

      const others = await Promise.all(Array.from({ length: 10 }, () => running.join()));
      for (const { pid } of others) expect(pid).not.toBe(staying.pid);
      await staying.echo('still here');
      expect(isAlive(staying.pid)).toBe(true);
      await staying.quit();
      expect((await running.exit(staying.pid)).detail).toMatchObject({ code: 0, reason: 'asked' });
    });
  });
});

describe('control', () => {
  it('does not listen to what workers print', async () => {
    const options = { ...TWO, MaxSessionPerServer: 1, ...QUICK, std: { printLines: true, printStatus: true } };
    await withMaster({ options }, async (master) => {
      const [forger, other] = await clientOfEach(master);
      const forged = `0 ${other.pid} grace_exit`;

      await forger.echo(forged);

      await master.line(new RegExp(`^${forged}$`));
      await master.heartbeats();
      await other.echo('untouched');
      expect(master.all('worker:drain')).toEqual([]);
    });
  });

  it('lets a callback pause and resume its own worker', async () => {
    await withServer({ ...ONE, ...QUICK, program: 'poster.mjs' }, async (running) => {
      const inside = await running.join();
      inside.send('pause\n');
      await inside.expect('posted true\r\n');
      await running.until(({ workers: [worker] }) => worker?.accepting === false);

      const outside = await running.connect();
      await running.heartbeats();
      outside.expectNothing();
      inside.send('resume\n');

      await inside.expect('posted true\r\n');
      expect(await outside.greeting()).toBe(inside.pid);
    });
  });

  it('serves one client at a time with Concurrency 1', async () => {
    const setup = { StartServer: 1, MinServer: 1, MinSpareServer: 0, Concurrency: 1, ...QUICK };
    await withServer(setup, async (running) => {
      const waiting = await Promise.all(Array.from({ length: 3 }, () => running.connect()));

      for (let left = 3; left > 0; left--) {
        const [client] = await answered(waiting, 1);
        await client?.greeting();
        await running.heartbeats();
        expect(waiting.filter(({ unread }) => unread.length > 0)).toEqual([]);
        await client?.quit();
        waiting.splice(waiting.findIndex((one) => one === client), 1);
      }
    });
  });
});

describe('two servers in one program', () => {
  it.each([['different names', ['one', 'two']], ['the same name', ['same', 'same']]])('with %s keep their own workers, and both serve', async (_title, aliases) => {
    const options = { ...TWO, ...QUICK, std: { aliases } };
    await withMaster({ program: 'two-servers.mjs', options }, async (master) => {
      const ups = await master.until(() => (master.all('up').length === 2 ? master.all('up') : undefined), () => 'both servers');
      const workers = await master.ready(4);

      const clients = await Promise.all(ups.map(({ address }) => master.join((address as { port: number }).port)));
      for (const client of clients) await client.echo('served');
      const parts = await master.until(() => (master.all('parts').length === 4 ? master.all('parts') : undefined), () => 'four workers');

      expect(clients[0]?.pid).not.toBe(clients[1]?.pid);
      // In each worker one is a worker and the other does nothing.
      const kinds = parts.map((entry) => (entry['parts'] as { isMaster: boolean; isWorker: boolean }[]).map(({ isMaster, isWorker }) => isMaster ? 'master' : isWorker ? 'worker' : 'inert').join());
      expect(kinds.sort()).toEqual(['inert,worker', 'inert,worker', 'worker,inert', 'worker,inert']);
      expect(master.all('worker:exit')).toEqual([]);
      expect(master.workers.sort()).toEqual(workers.sort());
    });
  });
});
