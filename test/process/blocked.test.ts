import { describe, expect, it } from 'vitest';
import { Scene, withHandlers } from '../programs/inline.js';
import { Gate } from '../support/gate.js';
import { isStopped } from '../support/proc.js';
import { sendSignal } from '../support/processes.js';
import type { TcpClient } from '../support/tcp-client.js';
import { poll } from '../support/wait.js';
import { withServer } from '../support/with-server.js';
import type { Running } from '../support/with-server.js';

/** Nobody acts because of a heartbeat. */
const SLOW = { MasterHeartBeatTime: 60 };
const WORKERS = 4;
/** Somebody has to be left who can serve. */
const MOST_BLOCKED = 3;

/** A client of every worker, which stays connected. */
async function clientOfEach(running: Running, join: () => Promise<TcpClient>): Promise<TcpClient[]> {
  const clients = new Map<number, TcpClient>();
  const others: TcpClient[] = [];
  for (let tries = 0; clients.size < WORKERS && tries < WORKERS * 50; tries++) {
    const client = await join();
    if (clients.has(client.pid)) others.push(client);
    else clients.set(client.pid, client);
  }
  for (const client of others) client.close();
  await running.until(({ totals }) => totals.connections === WORKERS);
  return [...clients.values()];
}

/** Those of the clients whose workers may accept at present. */
async function ofHolders(running: Running, clients: readonly TcpClient[]): Promise<TcpClient[]> {
  const { workers } = await running.until((status) => status.workers.some(({ permit }) => permit));
  const holders = workers.filter(({ permit }) => permit).map(({ pid }) => pid);
  return clients.filter(({ pid }) => holders.includes(pid)).slice(0, MOST_BLOCKED);
}

const ofOthers = (clients: readonly TcpClient[], victims: readonly TcpClient[]): TcpClient[] => clients.filter(({ pid }) => victims.every((victim) => victim.pid !== pid));

const request = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: blocked\r\n\r\n`;

describe('new clients are served by other workers, while those that may accept are blocked', () => {
  it.runIf(process.platform === 'linux')('by callbacks before and after an await, by timers, by Promise jobs, or stopped, busy or idle', async () => {
    await withServer({ MaxServer: WORKERS, StartServer: WORKERS, ...SLOW, program: 'blocks.mjs' }, async (running) => {
      const scene = new Scene(running);
      await running.settled(WORKERS);
      for (const way of ['callback', 'await', 'timer', 'job', 'stopped', 'stopped while idle']) {
        using gate = new Gate();
        const clients = await clientOfEach(running, async () => running.join());
        const victims = await ofHolders(running, clients);
        const pids = victims.map(({ pid }) => pid);
        const before = scene.names.length;

        if (way === 'stopped while idle') {
          for (const client of victims) client.close();
          await running.until(({ workers }) => workers.every(({ pid, connections }) => !pids.includes(pid) || connections === 0));
        }
        if (way.startsWith('stopped')) {
          for (const pid of pids) sendSignal(pid, 'SIGSTOP');
          await poll(() => pids.every(isStopped), () => `${pids.join(', ')} to be stopped`);
        } else {
          for (const client of victims) client.send(`${way} ${gate.path}\n`);
          await scene.told('blocks', before + victims.length);
        }
        const next = await Promise.all(Array.from({ length: 10 }, () => running.join()));

        expect(ofOthers(next, victims), way).toHaveLength(10);
        gate.open();
        for (const pid of pids) sendSignal(pid, 'SIGCONT');
        if (way !== 'stopped while idle') for (const client of victims) await client.echo('goes on');
        for (const client of [...clients, ...next]) client.close();
      }
    });
  });

  it('by a request of node:http in Acceptor, on connections that are kept alive', async () => {
    await withServer({ MaxServer: WORKERS, StartServer: WORKERS, ...SLOW, program: 'blocks.mjs', worker: { std: { http: true } } }, async (running) => {
      using gate = new Gate();
      const scene = new Scene(running);
      await running.settled(WORKERS);
      const join = async (): Promise<TcpClient> => {
        const client = await running.connect();
        client.send(request('/'));
        await client.expectMatch(/^HTTP[^]*?\r\n\r\n/);
        await client.greeting();
        return client;
      };
      const victims = await ofHolders(running, await clientOfEach(running, join));

      for (const client of victims) client.send(request(gate.path));
      await scene.told('blocks', victims.length);
      const next = await Promise.all(Array.from({ length: 10 }, join));

      expect(ofOthers(next, victims)).toHaveLength(10);
      gate.open();
      for (const client of victims) await client.expectMatch(new RegExp(`^HTTP[^]*W${client.pid}\r\n`));
    });
  });
});

describe('workers that take one client each, which blocks them', () => {
  it.each([
    ['', {}],
    [', also where that is all that MaxSession allows', { MaxSession: 8 }],
  ])('become as many as there are clients, and none counts as spare once a callback of its client runs%s', async (_title, options) => {
    using gate = new Gate();
    await withHandlers({
      MaxServer: 8, StartServer: 2, MinServer: 2, MinSpareServer: 1, MaxSessionPerServer: 1, ...options, ...SLOW,
      ClientConnected() { tell('has a client'); },
      ClientInput({ heap, input }) {
        const cell = new Int32Array(new SharedArrayBuffer(4));
        while (!process.getBuiltinModule('node:fs').existsSync(input)) Atomics.wait(cell, 0, 0, 20);
        heap.client.put('goes on');
      },
    }, async (scene) => {
      const { running } = scene;
      await running.settled(2);
      const calledSpare: number[] = [];
      running.server.on('worker:message', ({ pid }) => { if (running.worker(pid).connections === 0) calledSpare.push(pid); });
      const clients = await Promise.all(Array.from({ length: 8 }, () => running.connect()));

      for (const client of clients) client.send(`${gate.path}\n`);
      const { totals } = await running.until(({ totals: { workers, connections } }) => workers === 8 && connections === 8);
      await scene.told('has a client', 8);

      expect([totals.spare, calledSpare]).toEqual([0, []]);
      gate.open();
      for (const client of clients) await client.expect('goes on\r\n');
    });
  });
});
