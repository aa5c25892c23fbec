import { describe, expect, it } from 'vitest';
import { withHandlers } from '../programs/inline.js';

describe('a client that leaves', () => {
  it('counts no longer when it resets below a stream that does not notice', async () => {
    await withHandlers({
      MaxSessionPerServer: 1,
      ClientPreConnect({ socket }) {
        const { Duplex, PassThrough } = process.getBuiltinModule('node:stream');
        const [readable, writable] = [new PassThrough(), new PassThrough()];
        socket.pipe(readable);
        writable.pipe(socket);
        return Duplex.from({ readable, writable });
      },
      ClientInput({ heap, input }) { heap.client.put(input); },
      ClientDisconnected() { tell('Disconnected'); },
    }, async (scene) => {
      for (let round = 0; round < 3; round++) {
        const client = await scene.connect();
        client.send('hello\n');
        await client.expect('hello\r\n');
        client.reset();
        await scene.told('Disconnected', round + 1);
      }

      await scene.running.until(({ totals }) => totals.connections === 0 && totals.served === 3);
    });
  });

  it('counts until its callback has settled: with MaxSessionPerServer 1 none runs beside it', async () => {
    await withHandlers({
      MaxSessionPerServer: 1,
      ServerHeartBeatTime: 0.05,
      async ClientInput({ heap, input }) {
        tell(`begin ${input}`);
        if (input === '1') await released('1');
        tell(`end ${input}`);
        heap.client.put(input);
      },
      ClientDisconnected() { tell('Disconnected'); },
    }, async (scene) => {
      const first = await scene.connect();
      first.send('1\n');
      await scene.told('begin 1');
      const second = await scene.connect();
      second.send('2\n');

      first.reset();
      // At once, although its next record is not wanted yet.
      await scene.told('Disconnected');
      await scene.running.heartbeats();
      expect(scene.names).toEqual(['begin 1', 'Disconnected']);
      scene.release('1');
      await second.expect('2\r\n');
      await scene.told('end 2');

      expect(scene.names.filter((name) => name !== 'Disconnected')).toEqual(['begin 1', 'end 1', 'begin 2', 'end 2']);
    });
  });

  it('is ended by ClientCallbackTimeout if a callback of it never settles, whether it stays or resets', async () => {
    await withHandlers({
      ClientCallbackTimeout: 0.3,
      ClientInput({ input }) {
        tell(input);
        return new Promise(() => undefined);
      },
      ClientError({ operation, errstr }) { tell(operation, errstr); },
    }, async (scene) => {
      const [stays, leaves] = [await scene.connect(), await scene.connect()];
      stays.send('one\n');
      leaves.send('other\n');
      await scene.told('other');
      leaves.reset();

      await stays.expectEof();

      expect(await scene.told('callback')).toMatch(/^ClientInput has not settled within ClientCallbackTimeout \(0\.3 s\)/);
      stays.close();
      await scene.running.until(({ totals }) => totals.connections === 0);
    });
  });
});

describe('a client that is ended', () => {
  it('gets the answer of a callback that was running when its worker drained', async () => {
    await withHandlers({
      async ClientInput({ heap, input }) {
        tell('asked');
        await released('answer');
        heap.client.put(`answer to ${input}`);
      },
      ClientDraining({ kernel }) { kernel.yield('shutdown'); },
      async ClientDisconnected() {
        tell('leaving');
        await released('goodbye');
        tell('Disconnected');
      },
    }, async (scene) => {
      const client = await scene.connect();
      client.send('question\nmore\n');
      await scene.told('asked');

      const down = scene.running.server.shutdown();
      await scene.running.event('worker:drain');
      scene.release('answer');
      await client.expect('answer to question\r\n');
      await client.expectEof();
      client.close();
      await scene.told('leaving');
      scene.release('goodbye');
      await down;

      expect(scene.names).toEqual(['asked', 'leaving', 'Disconnected']);
    });
  });

  it('gets all of a goodbye although it sends on, and is closed when it stops', async () => {
    await withHandlers({
      ClientInput({ heap, kernel }) {
        heap.client.put('x'.repeat(500_000));
        kernel.yield('shutdown');
      },
      ClientDisconnected() { tell('Disconnected'); },
    }, async (scene) => {
      const client = await scene.connect();
      client.pause();
      client.send('go\n');
      for (let chunk = 0; chunk < 30; chunk++) client.send('more'.repeat(16_384));
      client.resume();

      await client.read(500_002);
      client.send('and more\n');
      await client.expectEof();

      expect(await scene.told('Disconnected')).toBeUndefined();
    });
  });

  it('with what it does not take, beyond MaxOutput, costs no other client and no memory without bound', async () => {
    await withHandlers({
      MaxOutput: 200_000,
      ClientConnected({ kernel }) { kernel.alias_set('everybody'); },
      ClientInput({ heap, kernel, input }) {
        if (input === 'ping') { heap.client.put('pong'); return; }
        heap.client.put('x'.repeat(100_000));
        if (!heap.shutdown) kernel.yield('again');
      },
      InlineStates: { again({ heap, kernel }) {
        heap.client.put('x'.repeat(100_000));
        if (!heap.shutdown) kernel.yield('again');
      } },
      ClientError({ operation, errno }) { tell(`${operation} ${errno}`); },
    }, async (scene) => {
      const [deaf, other] = [await scene.connect(), await scene.connect()];
      deaf.pause();

      deaf.send('go\n');

      await scene.told('write 105');
      other.send('ping\n');
      await other.expect('pong\r\n');
    });
  });

  it('because it reads nothing of what a chat sends to all has cost the worker no more memory than MaxOutput, by default', async () => {
    await withHandlers({
      ExecArgv: ['--expose-gc'],
      ClientConnected({ heap }) {
        const room = globalThis as unknown as { others?: Set<typeof heap.client> };
        (room.others ??= new Set()).add(heap.client);
        heap.client.put('in');
      },
      ClientInput({ heap, input }) {
        const room = globalThis as unknown as { others: Set<typeof heap.client>; gc: () => void };
        const text = Buffer.alloc(1024 * 1024, input).toString('latin1');
        for (const other of room.others) if (other !== heap.client) other.put(text);
        room.gc();
        heap.client.put(`${process.memoryUsage.rss()}`);
      },
      ClientError({ operation, errno }) { tell(`${operation} ${errno}`); },
      ClientDisconnected({ heap }) { (globalThis as unknown as { others: Set<unknown> }).others.delete(heap.client); },
    }, async (scene) => {
      const [deaf, other] = [await scene.connect(), await scene.connect()];
      for (const client of [deaf, other]) await client.expect('in\r\n');
      deaf.pause();
      const held: number[] = [];

      for (let round = 0; round < 48; round++) {
        other.send(`${round}\n`);
        held.push(Number(await other.readLine()));
      }

      await scene.told('write 105');
      // 16 MiB, and what one round is; all rounds are three times as much.
      const most = (Math.max(...held) - Math.min(...held)) / (1024 * 1024);
      expect(most).toBeLessThan(24);
    });
  });
});
