import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import type { Server } from 'node:tls';
import { describe, expect, it } from 'vitest';
import type { ClientErrorContext, InputContext } from '../../src/callbacks.js';
import type { TlsConfig } from '../../src/options/tls.js';
import { turn } from '../support/manual-clock.js';
import { TestClient, TestClients, type Given } from './session-fixture.js';

/** A TLS server that only knows which connections it was given. */
class FakeServer extends EventEmitter {
  readonly given: Socket[] = [];
  readonly keys: string[] = [];

  constructor() {
    super();
    this.on('connection', (socket: Socket) => { this.given.push(socket); });
  }

  setTicketKeys(keys: Buffer): void {
    this.keys.push(keys.toString());
  }

  /** The handshake on a connection is done: what is said over it is in the clear here. */
  secure({ socket }: TestClient): void {
    Object.assign(socket, { _parent: socket });
    this.emit('secureConnection', socket);
  }

  fail({ socket }: TestClient, error: object = { code: 'ECONNRESET' }, more: object = {}): void {
    Object.assign(socket, { _parent: socket }, more);
    this.emit('tlsClientError', Object.assign(new Error('failed'), error), socket);
  }
}

const configOf = (server: FakeServer, { handshakeMs = 120_000, ...given }: { readonly handshakeMs?: number; readonly ticketKeys?: Buffer } = {}): TlsConfig => (
  { server: server as unknown as Server, handshakeMs, given }
);

interface Scene { readonly server: FakeServer; readonly clients: TestClients; readonly calls: string[] }

/** Clients that shake hands, and what is called for them. */
function scene({ callbacks, ...given }: Given = {}): Scene {
  const server = new FakeServer();
  const calls: string[] = [];
  const clients = new TestClients({
    tls: configOf(server), preConnectMs: 10_000, ...given,
    callbacks: {
      connected: () => { calls.push('connected'); },
      input: ({ heap, input }: InputContext<object, string>) => { heap.client.put(`you said ${input}`); },
      disconnected: () => { calls.push('disconnected'); },
      error: ({ operation, errno, errstr, error }: ClientErrorContext<object>) => {
        calls.push(`${operation} ${errno} ${errstr} ${String((error as NodeJS.ErrnoException | undefined)?.code)}`);
      },
      ...callbacks,
    },
  });
  return { server, clients, calls };
}

describe('a client of a server with Tls', () => {
  it('is heard of when its handshake is done, and counts until then too', async () => {
    const { server, clients, calls } = scene();
    const client = await clients.connect();
    const before = [...calls, clients.left, server.given.length];

    server.secure(client);
    await client.send('hello\r\n');

    expect(before).toEqual([0, 1]);
    expect(calls).toEqual(['connected']);
    expect(client.text).toBe('you said hello\r\n');
    // What it has sent before its end is answered.
    expect([client.socket.allowHalfOpen, clients.left]).toEqual([true, 0]);
  });

  it.each([
    ['a fault of OpenSSL in its own words', { code: 'ERR_SSL_WRONG_VERSION_NUMBER', reason: 'wrong version number' }, {}, 'read 0 TLS handshake: wrong version number ERR_SSL_WRONG_VERSION_NUMBER'],
    ['a reset', { code: 'ECONNRESET' }, {}, 'read 104 connection reset by peer ECONNRESET'],
    ['a certificate that is refused', { code: 'ECONNRESET' }, { authorizationError: 'CERT_HAS_EXPIRED' }, "read 0 The client's certificate was refused: CERT_HAS_EXPIRED. CERT_HAS_EXPIRED"],
  ])('whose handshake fails gets ClientError alone: %s', async (_title, error, more, expected) => {
    const { server, clients, calls } = scene();
    const client = await clients.connect();

    server.fail(client, error, more);
    server.fail(client, { code: 'EPIPE' });
    server.secure(client);
    await turn();

    expect(calls).toEqual([expected]);
    expect([client.isClosed, clients.left, clients.failures]).toEqual([true, 1, []]);
  });

  it.each([
    ['ClientPreConnectTimeout', 2000, 120_000, 2000], ['handshakeTimeout', 10_000, 300, 300], ['handshakeTimeout, without the other', Infinity, 120_000, 120_000],
  ])('that takes too long is ended after %s', async (_title, preConnectMs, handshakeMs, ms) => {
    const server = new FakeServer();
    const { clients, calls } = scene({ preConnectMs, tls: configOf(server, { handshakeMs }) });
    const client = await clients.connect();

    clients.clock.advance(ms - 1);
    const before = [...calls];
    clients.clock.advance(1);
    await turn();

    expect(before).toEqual([]);
    expect(calls).toEqual([`read 0 The TLS handshake was not done within ${ms / 1000} s. ERR_TLS_HANDSHAKE_TIMEOUT`]);
    expect([client.isClosed, clients.left]).toEqual([true, 1]);
  });

  it('that has shaken hands in time is not ended by that time', async () => {
    const { server, clients } = scene();
    const client = await clients.connect();
    server.secure(client);

    clients.clock.advance(60_000);
    await turn();

    expect([client.isClosed, clients.left]).toEqual([false, 0]);
  });

  it('may be said goodbye to, which goes nowhere and is no fault; a callback that takes time is waited for', async () => {
    let settle = (): void => undefined;
    const { server, clients } = scene({ callbacks: { error: ({ heap }: ClientErrorContext<object>) => {
      heap.client.put('bye');
      return new Promise<void>((resolve) => { settle = () => { heap.client.put('bye again'); resolve(); }; });
    } } });
    const client = await clients.connect();

    server.fail(client);
    await turn();
    const during = clients.left;
    settle();
    await turn();

    expect([during, clients.left, clients.failures, client.text]).toEqual([0, 1, [], '']);
  });

  it('is forgotten if nobody asks why', async () => {
    const { server, clients } = scene({ callbacks: { error: undefined }, createHeap: () => { throw new Error('no heap is needed'); } });
    const client = await clients.connect();

    server.fail(client);
    await turn();

    expect([client.isClosed, clients.left, clients.failures]).toEqual([true, 1, []]);
  });

  it('costs nobody else anything if ClientError throws, or Node cannot begin', async () => {
    const { server, clients } = scene({ callbacks: { error: () => { throw new Error('as asked'); } } });
    const client = await clients.connect();
    server.fail(client);
    server.prependListener('connection', () => { throw new Error('no handle'); });
    await clients.connect(new TestClient());
    await turn();

    expect(clients.left).toBe(2);
    expect(clients.failures).toMatchObject([{ where: 'ClientError', message: 'as asked' }, { where: 'ClientError', message: 'as asked' }]);
  });

  it('is ended without a word when there is no more time, and begins in a drain', async () => {
    const { server, clients, calls } = scene({ callbacks: { draining: () => { calls.push('draining'); } } });
    const [done, late] = [await clients.connect(), await clients.connect(new TestClient())];
    clients.clients.drain(5);

    server.secure(done);
    const begun = [...calls];
    clients.clients.abort();
    await turn();

    expect(begun).toEqual(['connected', 'draining']);
    expect(calls).toEqual(['connected', 'draining', 'disconnected']);
    expect([done.isClosed, late.isClosed, clients.left]).toEqual([true, true, 2]);
  });

  it('goes to ClientPreConnect and to an Acceptor when it has shaken hands', async () => {
    const seen: unknown[] = [];
    for (const given of [
      { preConnect: ({ socket }: { socket: Socket }) => { seen.push(socket); return socket; } },
      { acceptor: ({ socket, remoteAddress }: { socket: Socket; remoteAddress: string }) => { seen.push(socket, remoteAddress); } },
    ]) {
      const { server, clients } = scene(given);
      const client = await clients.connect();
      expect(seen).not.toContain(client.socket);
      server.secure(client);
      await turn();
      expect(seen).toContain(client.socket);
    }
    expect(seen).toHaveLength(3);
    expect(seen.at(-1)).toBe('127.0.0.1');
  });
});

describe('a renewed certificate', () => {
  it('is for those who come from now on; handshakes that have begun go on with the old one', async () => {
    const { server, clients, calls } = scene();
    const renewed = new FakeServer();
    const [first, second, third] = [new TestClient(), new TestClient(), new TestClient()];
    await clients.connect(first);

    clients.clients.renewTls(configOf(renewed));
    await clients.connect(second);
    clients.clients.renewTls(configOf(server));
    await clients.connect(third);
    server.secure(first);
    renewed.secure(second);
    server.secure(third);

    expect([server.given, renewed.given]).toEqual([[first.socket, third.socket], [second.socket]]);
    expect(calls).toEqual(['connected', 'connected', 'connected']);
    expect(server.listenerCount('secureConnection')).toBe(1);
  });

  it('comes with the ticket keys of all workers, unless it brings its own', () => {
    const { server, clients: { clients } } = scene();
    const [renewed, own] = [new FakeServer(), new FakeServer()];

    clients.setTicketKeys(Buffer.from('first'));
    clients.renewTls(configOf(renewed));
    clients.setTicketKeys(Buffer.from('second'));
    clients.renewTls(configOf(own, { ticketKeys: Buffer.alloc(48) }));

    expect([server.keys, renewed.keys, own.keys]).toEqual([['first'], ['first', 'second'], []]);
  });
});
