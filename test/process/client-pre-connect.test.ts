import { describe, expect, it } from 'vitest';
import { withHandlers } from '../programs/inline.js';

describe('ClientPreConnect', () => {
  it('comes before heap.client, with the addresses; the socket that it returns is served', async () => {
    await withHandlers<{ prepared?: string }>({
      ClientPreConnect({ heap, socket }) {
        heap.prepared = `${heap.remote_ip} ${typeof heap.client} ${String(heap.shutdown)} ${String(socket.remotePort === heap.remote_port)}`;
        return socket;
      },
      ClientConnected({ heap }) { heap.client.put(heap.prepared); },
    }, async (scene) => {
      const client = await scene.connect();

      await client.expect('127.0.0.1 undefined false true\r\n');
    });
  });

  it.each([
    ['undefined', 'undefined'], ['false', 'false'], ['null', 'null'], ['no stream', '1'], ['a throw', 'throw'], ['a rejection', 'reject'],
    ['a later undefined', 'later'], ['a destroyed socket', 'destroyed'],
  ])('closes the client, and nothing else is called for it, after %s', async (_title, how) => {
    await withHandlers({
      ClientArgs: [how],
      ClientPreConnect({ socket, args: [returned] }) {
        tell('PreConnect');
        switch (returned) {
          case 'throw': throw new Error('as asked');
          case 'reject': return Promise.reject(new Error('as asked'));
          case 'later': return Promise.resolve(undefined);
          case 'destroyed': return socket.destroy();
          default: return returned === 'undefined' ? undefined : JSON.parse(String(returned)) as never;
        }
      },
      ClientConnected() { tell('Connected'); },
      ClientDisconnected() { tell('Disconnected'); },
      ClientError() { tell('Error'); },
    }, async (scene) => {
      const client = await scene.connect();

      await client.expectEof();

      if (how === 'throw' || how === 'reject') expect((await scene.fault('ClientPreConnect')).message).toBe('as asked');
      await scene.running.until(({ totals }) => totals.connections === 0 && totals.served === 1);
      expect(await scene.end()).toEqual(['PreConnect']);
    });
  });

  it('may be async; the client counts meanwhile, and what it has sent is handled afterwards', async () => {
    await withHandlers({
      MaxSessionPerServer: 1,
      ClientPreConnect: ({ kernel, socket }) => new Promise((resolve) => {
        kernel.state('go on', () => { resolve(socket); });
        kernel.delay('go on', 0.05);
        tell('PreConnect');
      }),
    }, async (scene) => {
      const client = await scene.connect();
      client.send('early\n');
      await scene.told('PreConnect');
      await scene.running.until(({ totals, workers }) => totals.connections === 1 && workers.every(({ accepting }) => !accepting));

      await client.expect('early\r\n');
    });
  });

  it('may put another stream in the place of the socket', async () => {
    await withHandlers({
      ClientPreConnect({ socket }) {
        const { Duplex } = process.getBuiltinModule('node:stream');
        const upper = new Duplex({
          read: () => { socket.resume(); },
          write: (chunk: Buffer, _encoding, callback) => { socket.write(chunk.toString().toUpperCase(), callback); },
          final: (callback) => { socket.end(callback); },
        });
        socket.on('data', (chunk) => { if (!upper.push(chunk)) socket.pause(); });
        socket.on('end', () => { upper.push(null); });
        return upper;
      },
      ClientInput({ heap, kernel, input }) {
        heap.client.put(input);
        if (input === 'quit') kernel.yield('shutdown');
      },
      ClientDisconnected() { tell('Disconnected'); },
    }, async (scene) => {
      const client = await scene.connect();

      client.send('hello\nquit\n');

      await client.expect('HELLO\r\nQUIT\r\n');
      await client.expectEof();
      client.close();
      await scene.told('Disconnected');
      await scene.running.until(({ totals }) => totals.connections === 0);
    });
  });

  it('that takes longer than ClientPreConnectTimeout has its client closed, others are served', async () => {
    await withHandlers({
      ClientPreConnectTimeout: 0.1,
      ClientPreConnect({ kernel, socket }) {
        return kernel.alias_set('first') ? new Promise(() => undefined) : socket;
      },
      ClientDisconnected() { tell('Disconnected'); },
    }, async (scene) => {
      const slow = await scene.connect();
      const other = await scene.connect();
      other.send('hello\n');
      await other.expect('hello\r\n');

      await slow.expectEof();

      await scene.running.until(({ totals }) => totals.connections === 1);
      expect(scene.names).toEqual([]);
    });
  });

  it('whose client leaves meanwhile is given up', async () => {
    await withHandlers({
      ClientPreConnectTimeout: 0,
      ClientPreConnect({ socket }) {
        tell('PreConnect');
        // It reads, as a handshake does; so it sees the end.
        socket.on('end', () => { socket.destroy(); }).resume();
        return new Promise(() => undefined);
      },
    }, async (scene) => {
      const client = await scene.connect();
      await scene.told('PreConnect');

      client.close();

      await scene.running.until(({ totals }) => totals.connections === 0);
    });
  });

  it('does not outlive the grace time of a drain', async () => {
    await withHandlers({
      ClientPreConnectTimeout: 0,
      ClientPreConnect() {
        tell('PreConnect');
        return new Promise(() => undefined);
      },
    }, async (scene) => {
      const client = await scene.connect();
      await scene.told('PreConnect');

      expect(await scene.end(0.05)).toEqual(['PreConnect']);

      await client.expectOver();
      expect(scene.running.eventsOf('worker:exit')[0]?.detail).toMatchObject({ code: 0 });
    });
  });
});
