import { describe, expect, it } from 'vitest';
import { withHandlers } from '../programs/inline.js';
import { failures, visitMany } from '../programs/load.js';
import { listeningDescriptors, openFiles } from '../support/proc.js';
import { TcpClient } from '../support/tcp-client.js';
import { poll } from '../support/wait.js';
import { ONE, QUICK, withServer } from '../support/with-server.js';

describe('a client that resets before it is taken', () => {
  it('passes no block list and reaches no callback, although it has lost its address', async () => {
    await withHandlers({
      ...ONE, ...QUICK, BlockList: ['127.0.0.0/8'],
      ClientConnected: () => { tell('connected'); },
      ClientInput: () => { tell('input'); },
    }, async (scene) => {
      const { server } = scene.running;
      server.pause();
      await scene.running.until(({ workers }) => workers[0]?.paused.includes('paused') === true);
      const client = await scene.connect();
      client.send('evil\n');
      client.reset();

      server.resume();

      await scene.running.until(({ workers }) => workers[0]?.accepting === true);
      await scene.running.heartbeats();
      expect(scene.names).toEqual([]);
      expect(server.status().totals.connections).toBe(0);
    });
  });
});

describe.runIf(process.platform === 'linux')('clients that connect and reset at once', () => {
  it('leave neither a count nor an open file behind', async () => {
    await withServer({ ...ONE, ...QUICK }, async (running) => {
      const [pid = NaN] = running.ready;
      // Without the copies of the listening handle that it has in advance.
      const files = (): number => openFiles(pid) - listeningDescriptors(pid, running.port);
      expect(failures(await visitMany(running.port, 20, 5))).toEqual([]);
      const before = files();

      for (let round = 0; round < 10; round++) {
        const clients = await Promise.all(Array.from({ length: 30 }, () => TcpClient.connect(running.port)));
        for (const client of clients) client.reset();
      }

      // Behind all of them in the queue.
      const [last] = await visitMany(running.port, 1, 1);
      expect(last).toMatchObject({ pid, outcome: 'served' });
      await running.heartbeats();
      expect(running.server.status().totals.connections).toBe(0);
      expect(files()).toBeLessThanOrEqual(before);
    });
  });
});

describe('a client that leaves while ClientPreConnect is at work', () => {
  it('does not keep its place', async () => {
    await withHandlers({
      ...ONE, MaxSessionPerServer: 1,
      ClientPreConnect: ({ socket }) => new Promise((resolve) => {
        tell('preparing');
        // Nothing but the client's end lets it go on.
        socket.once('end', () => { resolve(socket); });
        socket.resume();
      }),
      ClientInput: () => undefined,
      ClientDisconnected: () => { tell('disconnected'); },
    }, async (scene) => {
      const client = await scene.connect();
      await scene.told('preparing');
      client.halfClose();

      await scene.told('disconnected');

      await client.expectEof();
      await scene.running.until(({ totals }) => totals.connections === 0 && totals.served === 1);
    });
  });
});

describe('a session that ClientPreConnect shuts down', () => {
  it('is never opened', async () => {
    await withHandlers({
      ...ONE,
      ClientPreConnect: async ({ socket, kernel }) => {
        kernel.yield('shutdown');
        await Promise.resolve();
        return socket;
      },
      ClientConnected: () => { tell('connected'); },
      ClientInput: () => undefined,
    }, async (scene) => {
      const client = await scene.connect();

      await client.expectOver();

      expect(scene.names).toEqual([]);
    });
  });
});

describe('a fault of a strange kind', () => {
  it.each([
    ['an error whose message is a number', 'message'],
    ['an error without a prototype for a message', 'nothing'],
  ])('costs its client and nobody else: %s', async (_title, kind) => {
    await withHandlers({
      ...ONE,
      ClientInput: ({ heap, input }) => {
        if (input === 'message') throw Object.assign(new Error('x'), { message: 42 });
        if (input === 'nothing') throw Object.assign(new Error('x'), { message: Object.create(null) as unknown });
        heap.client.put(`echo ${input}`);
      },
    }, async (scene) => {
      const other = await scene.connect();
      other.send('one\n');
      await other.readLine();
      const client = await scene.connect();
      client.send(`${kind}\n`);

      await client.expectOver();

      other.send('two\n');
      expect(await other.readLine()).toBe('echo two');
      expect(scene.running.eventsOf('worker:exit')).toEqual([]);
    });
  });
});

describe('a client that takes its output slowly', () => {
  it('is not idle, however large one write is', async () => {
    const size = 48_000_000;
    await withHandlers({
      ...ONE, ...QUICK, ClientTimeout: 1,
      ClientInput: ({ heap, input }) => {
        if (input === 'big') heap.client.put('x'.repeat(48_000_000));
      },
      ClientError: ({ operation, errstr }) => { tell('error', `${operation} ${errstr}`); },
    }, async (scene) => {
      const client = await scene.connect();
      const startedAt = performance.now();
      client.pause();
      client.send('big\n');
      let [received, wanted] = [0, 0];
      client.socket.on('data', (chunk: Buffer) => {
        received += chunk.length;
        if (received >= wanted) client.pause();
      });
      // More at a time than the kernel keeps for the server, so that the server sees each; for longer than ClientTimeout.
      while (performance.now() - startedAt < 1500 && received < size) {
        wanted = Math.min(received + 4_000_000, size);
        client.socket.resume();
        await poll(() => received >= wanted, () => `${wanted} bytes`);
        await scene.running.heartbeats();
      }

      expect(scene.names).toEqual([]);
    });
  });
});

describe('configure', () => {
  it('gives living workers another MaxServerLifeTime', async () => {
    await withServer({ ...ONE, ...QUICK }, async (running) => {
      const [first] = running.ready;

      running.server.configure({ MaxServerLifeTime: 0.1 });

      const { detail } = await running.event('worker:drain', ({ pid }) => pid === first);
      expect(detail.reason).toBe('lifetime');
    });
  });

  it('leaves a set_concurrency of a worker alone, unless Concurrency itself changes', async () => {
    await withHandlers({
      ...ONE, ...QUICK,
      ClientInput: ({ heap, kernel, input }) => {
        kernel.call(heap.alias, 'set_concurrency', Number(input));
        heap.client.put('done');
      },
    }, async (scene) => {
      const { running } = scene;
      const client = await scene.connect();
      client.send('1\n');
      await client.readLine();
      await running.until(({ workers }) => workers[0]?.paused.includes('concurrency') === true);

      running.server.configure({ MaxServer: 3 });
      await running.heartbeats();

      expect(running.server.status().workers[0]?.paused).toEqual(['concurrency']);
      running.server.configure({ Concurrency: 2 });
      await running.until(({ workers }) => workers[0]?.paused.length === 0);
    });
  });
});

describe('waitUntil', () => {
  it('gives up when the server has shut down', async () => {
    await withServer(ONE, async ({ server }) => {
      const waiting = expect(server.waitUntil(() => false)).rejects.toMatchObject({ code: 'ERR_PREFORK_STATE' });

      await server.shutdown({ grace: 0 });

      await waiting;
    });
  });
});

describe('a shutdown without any time', () => {
  it('still runs ServerStopped, although clients have just left', async () => {
    await withHandlers({
      ...ONE,
      ClientInput: ({ kernel }) => { kernel.yield('shutdown'); },
      ServerStopped: () => { tell('stopped'); },
    }, async (scene) => {
      const client = await scene.connect();
      client.send('quit\n');
      await client.expectEof();
      // It does not close its side: the worker lingers for it.
      await scene.running.server.shutdown({ grace: 0 });

      expect(scene.names).toEqual(['stopped']);
      expect(scene.running.eventsOf('worker:exit').map(({ detail }) => detail.reason)).toEqual(['shutdown']);
    });
  });
});
