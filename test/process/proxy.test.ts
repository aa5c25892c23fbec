import type { Socket } from 'node:net';
import { connect as connectTls, TLSSocket } from 'node:tls';
import type { AcceptorContext } from 'prefork-tcp-server';
import { describe, expect, it } from 'vitest';
import { withHandlers } from '../programs/inline.js';
import { binary } from '../proxy/headers.js';
import { poll } from '../support/wait.js';

const LINE = 'PROXY TCP4 192.0.2.1 198.51.100.2 4711 443\r\n';
const LOCAL = binary({ command: 0x20, family: 0, addresses: Buffer.alloc(0) });
const Proxy = { From: ['127.0.0.1'] };

/** Tells all that is called for a client. */
const TOLD = {
  ClientConnected({ heap }: { heap: { remote_addr: string; client: { put(text: string): void } } }) {
    tell('connected', heap.remote_addr);
    heap.client.put(heap.remote_addr);
  },
  ClientError({ operation, errstr }: { operation: string; errstr: string }) { tell('error', `${operation} ${errstr}`); },
  ClientDisconnected() { tell('disconnected'); },
};

describe('behind a balancer', () => {
  it.each([
    ['read directly', {}],
    ['read as streams', { ClientPreConnect: ({ socket }: { socket: Socket }) => socket }],
    ['read by ClientPreConnect, which puts back what it has taken', {
      ClientPreConnect: ({ socket }: { socket: Socket }) => new Promise<Socket>((resolve) => {
        socket.once('data', (chunk: Buffer) => {
          socket.pause();
          socket.unshift(chunk);
          resolve(socket);
        });
      }),
    }],
  ])('sockets that are %s lose no byte, wherever the header is cut', async (_title, options) => {
    await withHandlers({ Proxy, ...options }, async (scene) => {
      const bytes = Buffer.from(`${LINE}hello\nyou\n`);
      for (const at of [0, 1, 7, LINE.length - 1, LINE.length, LINE.length + 1, bytes.length]) {
        const client = await scene.connect();
        await client.sendAll(bytes.subarray(0, at));
        client.send(bytes.subarray(at));
        client.halfClose();

        await client.expect('hello\r\nyou\r\n');
        await client.expectEof();
      }
      const slow = await scene.connect();
      for (const byte of bytes) await slow.sendAll(Buffer.from([byte]));
      await slow.expect('hello\r\nyou\r\n');
    });
  });

  it('an Acceptor gets the addresses of the client, and the bytes behind the header: a pipe, node:http, TLS', async () => {
    await withHandlers({
      Proxy,
      Acceptor({ socket, remoteAddress, remotePort, proxy }: AcceptorContext) {
        tell('accepted', [remoteAddress, remotePort, proxy?.destination?.port]);
        if (remotePort === 1) socket.pipe(socket);
        if (remotePort === 2) {
          const { createServer } = process.getBuiltinModule('node:http');
          createServer((request, response) => { response.end(request.url); }).emit('connection', socket);
        }
        if (remotePort === 3) {
          const { TLSSocket: Tls, createSecureContext } = process.getBuiltinModule('node:tls');
          const secured = new Tls(socket, { isServer: true, secureContext: createSecureContext({ ciphers: 'aNULL:@SECLEVEL=0', maxVersion: 'TLSv1.2' }) });
          secured.end('secret');
        }
      },
    }, async (scene) => {
      const from = (port: number): string => LINE.replace('4711', String(port));
      const piped = await scene.connect();
      piped.send(`${from(1)}hello`);
      await piped.expect('hello');

      const web = await scene.connect();
      web.send(`${from(2)}GET /path HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
      await web.expectMatch(/^HTTP\/1.1 200 OK[^]*\r\n\r\n\/path/);

      const secured = await scene.connect();
      secured.send(from(3));
      secured.socket.removeAllListeners('data');
      const tls = connectTls({ socket: secured.socket, ciphers: 'aNULL:@SECLEVEL=0', maxVersion: 'TLSv1.2', rejectUnauthorized: false });
      let text = '';
      for await (const chunk of tls) text += String(chunk);

      expect([text, tls instanceof TLSSocket]).toEqual(['secret', true]);
      await poll(() => scene.all.length >= 3, () => 'what the worker says of the third');
      expect(scene.all.map(({ detail }) => detail)).toEqual([1, 2, 3].map((port) => ['192.0.2.1', port, 443]));
    });
  });

  it('health checks in the LOCAL form, and those that only connect, call nothing and report nothing', async () => {
    await withHandlers({ Proxy, ...TOLD }, async (scene) => {
      const [silent, resetting, ending] = [await scene.connect(), await scene.connect(), await scene.connect()];
      silent.reset();
      await resetting.sendAll(LOCAL);
      resetting.reset();
      await ending.sendAll(LOCAL);
      ending.halfClose();
      await ending.expectEof();
      await scene.running.until(({ totals }) => totals.connections === 0);

      const client = await scene.connect();
      client.send(LINE);
      await client.expect('192.0.2.1:4711\r\n');
      client.close();
      await scene.told('disconnected');

      expect(scene.all[0]?.detail).toBe('192.0.2.1:4711');
      expect(scene.running.eventsOf('worker:error')).toEqual([]);
    });
  });

  it('counts those whose header has not come, up to the limit and no longer than Timeout; the worker goes on', async () => {
    await withHandlers({ Proxy: { ...Proxy, Timeout: 0.2 }, MaxSessionPerServer: 1, ...TOLD }, async (scene) => {
      const silent = await scene.connect();
      const next = await scene.connect();
      next.send(LINE);

      await silent.expectEof();
      await next.expect('192.0.2.1:4711\r\n');

      expect((await scene.fault('Proxy')).message).toMatch(/from 127.0.0.1 port \d+ was closed. Its PROXY header did not come within 0.2 s/);
    });
  });

  it('closes whoever is not one of its balancers, and says so', async () => {
    await withHandlers({ Proxy: { From: ['192.0.2.0/24'] }, ...TOLD }, async (scene) => {
      const client = await scene.connect();
      client.send(LINE);

      await client.expectOver();

      expect(await scene.fault('Proxy')).toMatchObject({ code: 'ERR_PREFORK_PROXY', message: expect.stringContaining('127.0.0.1 was closed: it is not in Proxy.From') as string });
      expect(await scene.end()).toEqual([]);
    });
  });

  it('a drain is not held up by a connection that never says who it is', async () => {
    await withHandlers({ Proxy: { ...Proxy, Timeout: 60 }, GraceExpireTime: 30, ...TOLD }, async (scene) => {
      const silent = await scene.connect();
      await scene.running.until(({ totals }) => totals.connections === 1);

      expect(await scene.end()).toEqual([]);
      await silent.expectEof();
    });
  });
});
