import { describe, expect, it } from 'vitest';
import { withHandlers } from '../programs/inline.js';
import { withMaster } from '../support/master-process.js';
import { TcpClient, answered } from '../support/tcp-client.js';
import { Waiters, poll } from '../support/wait.js';
import { ONE, QUICK, TWO, clientOfEach, withServer } from '../support/with-server.js';
import type { Running } from '../support/with-server.js';

// Linux counts open files in /proc and has all of 127.0.0.0/8.
const isLinux = process.platform === 'linux';

describe.runIf(isLinux)('a worker that is close to its limit of open files', () => {
  it('stops accepting and says so; clients beyond wait, and every one is served when others have left', async () => {
    await withMaster({ program: 'limited.mjs', options: { ...ONE, ...QUICK, std: { printStatus: true } } }, async (master) => {
      await master.ready(1);
      await master.up();
      const count = 200;
      const clients = await Promise.all(Array.from({ length: count }, () => master.connect()));

      const failed = await master.event('worker:error');
      const { workers: [worker] } = await master.status(({ workers }) => workers[0]?.paused.includes('descriptors') === true);
      await master.heartbeats();

      expect(failed).toMatchObject({ where: 'accept', error: { code: 'ERR_PREFORK_DESCRIPTORS' } });
      expect(failed.error.message).toContain('128');
      const inside = await answered(clients, worker?.connections ?? 0);
      // The rest of the 128 is kept free for the worker's own files.
      expect(inside.length).toBeGreaterThan(50);
      expect(inside.length).toBeLessThan(128 - 16);
      const outside = clients.filter((client) => !inside.includes(client));
      for (const client of outside) client.expectNothing();

      await serveInTurn(clients);
      expect(master.all('worker:exit')).toEqual([]);
      // One that was reported again only after it had accepted again.
      await master.status(({ workers }) => workers[0]?.paused.length === 0);
    });
  });

  it('takes no more of a burst than can open their files, though each opens them after it has been accepted', async () => {
    await withMaster({ program: 'limited.mjs', options: { ...ONE, ...QUICK, std: { files: 6 } } }, async (master) => {
      await master.up();
      const clients = await Promise.all(Array.from({ length: 100 }, () => master.connect()));

      await serveInTurn(clients);

      // EMFILE would be one of ClientConnected.
      expect(master.all('worker:error').map(({ where }) => where).filter((where) => where !== 'accept')).toEqual([]);
      expect(master.all('worker:exit')).toEqual([]);
    });
  });

  /** Each is greeted and echoed as soon as it can be, and leaves. */
  async function serveInTurn(clients: readonly TcpClient[]): Promise<void> {
    const waiting = new Set(clients);
    while (waiting.size > 0) {
      const [next] = [...waiting].filter(({ unread }) => unread.length > 0);
      const client = next ?? (await answered([...waiting], 1))[0];
      if (client === undefined) throw new Error('Nobody was answered.');
      await client.greeting();
      await client.echo('served');
      await client.quit();
      waiting.delete(client);
    }
  }
});

describe('a client that sends many requests at once', () => {
  it('lets others be accepted and answered between them', async () => {
    await withHandlers({
      MaxServer: 1, StartServer: 1,
      ClientInput({ heap, input }) {
        const counted = globalThis as unknown as { handled?: number };
        counted.handled ??= 0;
        if (input === 'how many') heap.client.put(counted.handled);
        else {
          counted.handled += 1;
          const end = performance.now() + 3;
          while (performance.now() < end);
          if (counted.handled === 1 || counted.handled === 200) heap.client.put(counted.handled);
        }
      },
    }, async (scene) => {
      const greedy = await scene.connect();
      greedy.send('work\n'.repeat(200));
      await greedy.expect('1\r\n');

      const other = await scene.connect();
      other.send('how many\n');

      const [answer = ''] = await other.expectMatch(/\d+\r\n/);
      expect(Number(answer)).toBeLessThan(200);
      await greedy.expect('200\r\n');
    });
  });
});

describe('MaxSessionPerAddress', () => {
  it.runIf(isLinux)('closes further clients of an address before any callback, and admits one when another has left', async () => {
    await withServer({ ...ONE, ...QUICK, worker: { MaxSessionPerAddress: 2 } }, async (running) => {
      const from = async (localAddress: string): Promise<TcpClient> => (
        TcpClient.connect({ port: running.port, host: '127.0.0.1', localAddress })
      );
      const one = await from('127.0.0.1');
      await one.greeting();
      await (await from('127.0.0.1')).greeting();

      await (await from('127.0.0.1')).expectOver();
      await (await from('127.0.0.2')).greeting();
      await (await from('127.0.0.2')).greeting();
      await (await from('127.0.0.2')).expectOver();

      await one.echo('untouched');
      await running.heartbeats();
      expect(running.server.status().totals).toMatchObject({ connections: 4, served: 4 });
      await one.quit();
      await poll(async () => (await from('127.0.0.1')).hasInput(), () => 'the place of the one who left');
      await running.server.shutdown({ grace: 0 });
    });
  });

  it('does not count against MaxSessionPerServer whom it turns away', async () => {
    await withServer({ ...ONE, ...QUICK, MaxSessionPerServer: 3, worker: { MaxSessionPerAddress: 1 } }, async (running) => {
      const one = await running.join();
      for (let count = 0; count < 20; count++) await (await running.connect()).expectOver();

      await one.echo('untouched');
      await one.quit();
      // Its place is free when its connection is closed on both sides.
      await poll(async () => (await running.connect()).hasInput(), () => 'the place of the one who left');
      await running.until(({ totals }) => totals.connections === 1 && totals.served === 2);
      await running.heartbeats();
      expect(running.server.status().totals).toMatchObject({ connections: 1, served: 2 });
    });
  });
});

describe('BlockList', () => {
  it.runIf(isLinux).each([
    ['CIDR ranges and addresses', 'std.mjs', { BlockList: ['127.0.0.8/30', '127.0.0.2', '::1/128'] }],
    ['a net.BlockList', 'block-list.mjs', { std: { ranges: [['127.0.0.8', '127.0.0.11'], ['127.0.0.2', '127.0.0.2']] } }],
  ])('closes clients of its addresses before any callback: %s', async (_title, file, worker) => {
    await withServer({ ...ONE, ...QUICK, program: file, worker }, async (running) => {
      const from = async (localAddress: string): Promise<TcpClient> => (
        TcpClient.connect({ port: running.port, host: '127.0.0.1', localAddress })
      );

      for (const address of ['127.0.0.8', '127.0.0.11', '127.0.0.2']) await (await from(address)).expectOver();
      const admitted: TcpClient[] = [];
      for (const address of ['127.0.0.7', '127.0.0.12', '127.0.0.3', '127.0.0.1']) {
        const client = await from(address);
        await client.greeting();
        admitted.push(client);
      }

      await running.heartbeats();
      expect(running.server.status().totals).toMatchObject({ connections: 4, served: 4 });
      for (const client of admitted) client.close();
    });
  });
});

/** What workers sent by themselves. */
class Messages {
  readonly all: { readonly pid: number; readonly message: unknown }[] = [];
  readonly #waiters = new Waiters();

  constructor({ server }: Running) {
    server.on('worker:message', ({ pid, message }) => {
      this.all.push({ pid, message });
      this.#waiters.notify();
    });
  }

  async count(count: number): Promise<void> {
    await this.#waiters.until(() => (this.all.length >= count ? true : undefined), () => `${count} messages; there are ${JSON.stringify(this.all)}`);
  }
}

describe('messages of the user', () => {
  it('go from a worker to worker:message as they are, and from send and broadcast to the worker', async () => {
    await withServer({ ...TWO, ...QUICK, MaxSessionPerServer: 1, program: 'survive.mjs' }, async (running) => {
      await running.settled(2);
      const messages = new Messages(running);
      const [one, other] = await clientOfEach(running);

      one.send('say {"from":"a worker","list":[1,null,"x"]}\n');
      await messages.count(1);
      expect(running.server.send(other.pid, { to: 'the other' })).toBe(true);
      await messages.count(2);
      running.server.broadcast('all');
      await messages.count(4);

      expect(messages.all.slice(0, 2)).toEqual([
        { pid: one.pid, message: { from: 'a worker', list: [1, null, 'x'] } },
        { pid: other.pid, message: { heard: { to: 'the other' } } },
      ]);
      expect(messages.all.slice(2).map(({ pid }) => pid).sort()).toEqual([one.pid, other.pid].sort());
      expect(messages.all.slice(2).map(({ message }) => message)).toEqual([{ heard: 'all' }, { heard: 'all' }]);
      expect(running.server.send(1, 'to nobody')).toBe(false);
    });
  });

  it('may have 10 MB in either direction, and heartbeats go on', async () => {
    await withServer({ ...TWO, ...QUICK, program: 'survive.mjs' }, async (running) => {
      await running.settled(2);
      const messages = new Messages(running);
      const client = await running.join();

      client.send('huge 10000000\n');
      await client.expect('did huge\r\n');
      await messages.count(1);
      running.server.send(client.pid, 'y'.repeat(10_000_000));
      await messages.count(2);
      await running.heartbeats();

      expect((messages.all[0]?.message as string).length).toBe(10_000_000);
      expect(messages.all[1]?.message).toEqual({ heard: 10_000_000 });
      await client.echo('untouched');
      expect(running.eventsOf('worker:error')).toEqual([]);
      expect(running.eventsOf('worker:exit')).toEqual([]);
    });
  });

  it('that cannot be sent are refused, and break nothing', async () => {
    await withServer({ ...ONE, ...QUICK }, async (running) => {
      const client = await running.join();
      const circle: Record<string, unknown> = {};
      circle['self'] = circle;

      for (const message of [circle, 1n, () => undefined]) expect(() => running.server.send(client.pid, message)).toThrow(expect.objectContaining({ code: 'ERR_PREFORK_MESSAGE' }) as Error);

      await client.echo('untouched');
      await running.heartbeats();
    });
  });

  it('under the key of the library are messages of the user like any other', async () => {
    await withServer({ ...TWO, ...QUICK, program: 'survive.mjs' }, async (running) => {
      await running.settled(2);
      const messages = new Messages(running);
      const client = await running.join();
      const junk = [
        null, 1, 'ready', [], {}, { type: 'unknown' }, { type: 'hello', version: 'two' }, { type: 'state', state: { clients: -1 } },
        { type: 'heartbeat', state: null, vitals: {} }, { type: 'draining', reason: 'whim' }, { type: 'failed', error: 'text' }, { type: 'shutdown-all' }, { type: 'hello', version: 999 }, { type: 'drain', reason: 'asked', graceMs: 0, lastCallMs: 0 },
      ];

      for (const inner of junk) client.send(`say ${JSON.stringify({ 'prefork-tcp-server': inner })}\n`);
      await client.expect('did say\r\n'.repeat(junk.length));
      for (const inner of junk) running.server.send(client.pid, { 'prefork-tcp-server': inner });
      await messages.count(2 * junk.length);
      await running.heartbeats();

      const wrapped = junk.map((inner) => ({ 'prefork-tcp-server': inner }));
      expect(messages.all.map(({ message }) => message)).toEqual([...wrapped, ...wrapped.map((heard) => ({ heard }))]);
      expect(running.eventsOf('worker:error')).toEqual([]);
      expect(running.eventsOf('worker:drain')).toEqual([]);
      expect(running.eventsOf('worker:exit')).toEqual([]);
      await client.echo('untouched');
    });
  });
});
