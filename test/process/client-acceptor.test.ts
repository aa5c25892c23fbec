import { describe, expect, it } from 'vitest';
import type { AcceptorContext } from 'prefork-tcp-server';
import { withHandlers } from '../programs/inline.js';

/** Echoes bytes, without sessions or filters, and says when its worker drains. */
const ECHO = {
  Acceptor({ socket, remoteAddress, remotePort, draining }: AcceptorContext): void {
    socket.write(`${String(remoteAddress)} ${String(remotePort)} ${String(draining.aborted)}\n`);
    socket.pipe(socket);
    draining.addEventListener('abort', () => { if (socket.writable) socket.write('draining\n'); });
  },
};
const hello = (client: { socket: { localPort?: number | undefined } }): string => `127.0.0.1 ${client.socket.localPort ?? ''} false\n`;

describe('Acceptor', () => {
  it('gets a net.Socket with its addresses, and bytes go as they are', async () => {
    await withHandlers(ECHO, async (scene) => {
      const client = await scene.connect();
      await client.expect(hello(client));

      client.send('no line \0\xff');

      await client.expect('no line \0\xff');
    });
  });

  it('has its connections counted until they are closed, so that MaxSessionPerServer holds', async () => {
    await withHandlers({ ...ECHO, MaxSessionPerServer: 2 }, async (scene) => {
      const [first, second, third] = [await scene.connect(), await scene.connect(), await scene.connect()];
      await first.expect(hello(first));
      await second.expect(hello(second));
      await scene.running.until(({ totals }) => totals.connections === 2);
      second.send('fence');
      await second.expect('fence');
      third.expectNothing();

      first.close();

      await third.expect(hello(third));
      await scene.running.until(({ totals }) => totals.connections === 2 && totals.served === 3);
    });
  });

  it('learns of a drain by its signal, however many listen to it, and is waited for', async () => {
    await withHandlers({ ...ECHO, MaxServer: 1 }, async (scene) => {
      const clients = await Promise.all(Array.from({ length: 12 }, async () => scene.connect()));
      for (const client of clients) await client.expect(hello(client));
      const [pid = 0] = scene.running.ready;

      scene.running.server.term(pid);

      for (const client of clients) {
        await client.expect('draining\n');
        client.send('still served');
        await client.expect('still served');
        client.halfClose();
        await client.expectEof();
      }
      expect((await scene.running.exit(pid)).detail).toMatchObject({ code: 0, reason: 'asked' });
    });
  });

  it('that does not listen to errors loses nothing but the connection that was reset', async () => {
    await withHandlers(ECHO, async (scene) => {
      const [client, other] = [await scene.connect(), await scene.connect()];
      await client.expect(hello(client));
      await other.expect(hello(other));

      client.reset();

      await scene.running.until(({ totals }) => totals.connections === 1);
      other.send('untouched');
      await other.expect('untouched');
      expect(scene.running.eventsOf('worker:exit')).toEqual([]);
    });
  });

  it.each([
    ['ends with its client, as one of net.createServer', (context: AcceptorContext) => { context.socket.resume(); }, ''],
    ['may be kept half open', ({ socket }: AcceptorContext) => {
      socket.allowHalfOpen = true;
      socket.on('end', () => { socket.end('goodbye'); }).resume();
    }, 'goodbye'],
  ])('gets a socket that %s', async (_title, Acceptor, last) => {
    await withHandlers({ Acceptor }, async (scene) => {
      const client = await scene.connect();

      client.halfClose();

      await client.expect(last);
      await client.expectEof();
      await scene.running.until(({ totals }) => totals.connections === 0 && totals.served === 1);
    });
  });

  it('has its connections closed at the deadline of a shutdown', async () => {
    await withHandlers(ECHO, async (scene) => {
      const client = await scene.connect();
      await client.expect(hello(client));

      await scene.end(0.05);

      await client.expect('draining\n');
      await client.expectOver();
      expect(scene.running.eventsOf('worker:exit')[0]?.detail).toMatchObject({ code: 0, reason: 'shutdown' });
    });
  });

  it.each([
    ['throws', () => { throw new Error('as asked'); }],
    ['rejects', () => Promise.reject(new Error('as asked'))],
  ])('that %s costs this one connection and is reported', async (_title, Acceptor) => {
    await withHandlers({ Acceptor }, async (scene) => {
      const client = await scene.connect();

      await client.expectOver();

      expect((await scene.fault('Acceptor')).message).toBe('as asked');
      await scene.running.until(({ totals }) => totals.connections === 0);
      expect(scene.running.eventsOf('worker:exit')).toEqual([]);
    });
  });
});
