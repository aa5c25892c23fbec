import { PassThrough } from 'node:stream';
import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { AcceptorContext, ClientErrorContext, PreConnectContext } from '../../src/callbacks.js';
import type { Context } from '../../src/kernel.js';
import { createAdmission } from '../../src/session/admission.js';
import { deferred } from '../support/deferred.js';
import { turn } from '../support/manual-clock.js';
import { TestClient, TestClients } from './session-fixture.js';

type PreConnect = PreConnectContext<object>;

describe('the clients of a worker', () => {
  it('closes those that may not come in, without a word, and does not count them', async () => {
    const clients = new TestClients({ admission: createAdmission(undefined, 1) });
    const first = await clients.connect();
    const second = await clients.connect();
    await first.end();
    await clients.settle();
    clients.clock.advance(5000);
    await clients.settle();

    const third = await clients.connect();

    expect([second.isClosed, third.isClosed, clients.left]).toEqual([true, false, 1]);
  });

  it('informs each of a drain, once', async () => {
    const deadlines: number[] = [];
    const clients = new TestClients({ callbacks: { draining: ({ deadline }: { deadline: number }) => { deadlines.push(deadline); } } });
    await clients.connect();
    await clients.connect();

    clients.clients.drain(20);

    expect(deadlines).toEqual([20, 20]);
  });

  it('informs those of a drain that come while it has begun, with the time that is left', async () => {
    const deadlines: number[] = [];
    const gate = deferred<Socket>();
    const clients = new TestClients({ callbacks: { draining: ({ deadline }: { deadline: number }) => { deadlines.push(deadline); } }, preConnect: () => gate.promise });
    const client = await clients.connect();
    clients.clients.drain(20);
    clients.clock.advance(5000);

    gate.resolve(client.socket);
    await clients.settle();

    expect(deadlines).toEqual([15]);
  });

  it('ends all of them at once on abort()', async () => {
    const calls: string[] = [];
    const clients = new TestClients({ callbacks: { disconnected: () => { calls.push('disconnected'); } } });
    const all = [await clients.connect(), await clients.connect()];

    clients.clients.abort();

    expect(all.map(({ isClosed }) => isClosed)).toEqual([true, true]);
    expect([calls.length, clients.left]).toEqual([2, 2]);
  });
});

describe('ClientPreConnect', () => {
  it('prepares a connection before anything else happens', async () => {
    const calls: string[] = [];
    const gate = deferred<Socket>();
    const clients = new TestClients({
      preConnect: () => gate.promise,
      callbacks: { connected: () => { calls.push('connected'); }, input: ({ input }: { input: string }) => { calls.push(input); } },
    });
    const client = await clients.connect();
    await client.send('early\r\n');
    const before = [...calls];

    gate.resolve(client.socket);
    await clients.settle();

    expect(before).toEqual([]);
    expect(calls).toEqual(['connected', 'early']);
  });

  it('may replace the connection, which goes with the replacement', async () => {
    const replacement = new PassThrough();
    let given: unknown;
    const clients = new TestClients({ preConnect: () => replacement, callbacks: { connected: ({ heap }: Context<object>) => { given = heap.client.socket; } } });
    const client = await clients.connect();
    await clients.settle();

    replacement.destroy();
    await clients.settle();

    expect(given).toBe(replacement);
    expect([client.isClosed, clients.left]).toEqual([true, 1]);
  });

  it.each<[string, (context: PreConnect) => unknown]>([
    ['undefined', () => undefined],
    ['false', () => false],
    ['a promise of nothing', () => Promise.resolve()],
    ['null', () => null],
  ])('rejects a client by returning %s', async (_title, preConnect) => {
    const calls: string[] = [];
    const clients = new TestClients({ preConnect, callbacks: { connected: () => { calls.push('connected'); }, disconnected: () => { calls.push('disconnected'); } } });

    const client = await clients.connect();
    await clients.settle();

    expect([client.isClosed, clients.left]).toEqual([true, 1]);
    expect(calls).toEqual([]);
    expect(clients.failures).toEqual([]);
  });

  it.each<[string, () => unknown]>([
    ['throws', () => { throw new Error('no key'); }],
    ['rejects', () => Promise.reject(new Error('no key'))],
  ])('costs one client when it %s, and the master is told', async (_title, preConnect) => {
    const clients = new TestClients({ preConnect });

    const client = await clients.connect();
    await clients.settle();

    expect([client.isClosed, clients.left]).toEqual([true, 1]);
    expect(clients.failures).toMatchObject([{ where: 'ClientPreConnect', message: 'no key' }]);
  });

  it('has only so much time', async () => {
    const clients = new TestClients({ preConnect: () => deferred().promise, preConnectMs: 3000 });
    const client = await clients.connect();
    clients.clock.advance(2999);
    await clients.settle();
    const early = client.isClosed;

    clients.clock.advance(1);
    await clients.settle();

    expect([early, client.isClosed, clients.left]).toEqual([false, true, 1]);
  });

  it('is over when the client goes meanwhile, and leaves no timer', async () => {
    const clients = new TestClients({ preConnect: () => deferred().promise, preConnectMs: 3000 });
    const client = await clients.connect();

    await client.fail();
    await clients.settle();

    expect(clients.left).toBe(1);
    expect(clients.clock.delays).toEqual([]);
  });

  it('is over when the worker has no more time', async () => {
    const clients = new TestClients({ preConnect: () => deferred().promise });
    const client = await clients.connect();

    clients.clients.abort();
    await clients.settle();

    expect([client.isClosed, clients.left]).toEqual([true, 1]);
  });
});

describe('an Acceptor', () => {
  it('gets each connection, which counts until it is closed', async () => {
    const given: AcceptorContext[] = [];
    const clients = new TestClients({ acceptor: (context: AcceptorContext) => { given.push(context); } });
    const client = await clients.connect(new TestClient({ address: '10.0.0.9', port: 7 }));
    const early = clients.left;

    client.socket.destroy();
    await clients.settle();

    expect(given).toMatchObject([{ socket: client.socket, remoteAddress: '10.0.0.9', remotePort: 7 }]);
    expect([early, clients.left]).toEqual([0, 1]);
  });

  it('learns of a drain by its signal, and of the end of all patience by the end of the connection', async () => {
    const signals: AbortSignal[] = [];
    const clients = new TestClients({ acceptor: ({ draining }: AcceptorContext) => { signals.push(draining); } });
    const client = await clients.connect();
    const before = signals[0]?.aborted;

    clients.clients.drain(20);
    const isOpen = !client.isClosed;
    clients.clients.abort();
    await clients.settle();

    expect([before, signals[0]?.aborted, isOpen, client.isClosed, clients.left]).toEqual([false, true, true, true, 1]);
  });

  it.each<[string, () => unknown]>([
    ['throws', () => { throw new Error('oh'); }],
    ['rejects', () => Promise.reject(new Error('oh'))],
  ])('costs one client when it %s', async (_title, acceptor) => {
    const clients = new TestClients({ acceptor });

    const client = await clients.connect();
    await clients.settle();

    expect([client.isClosed, clients.left]).toEqual([true, 1]);
    expect(clients.failures).toMatchObject([{ where: 'Acceptor', message: 'oh' }]);
  });
});

describe('ClientTimeout', () => {
  const IDLE_MS = 8000;

  it('ends a client that does nothing, with ETIMEDOUT, within its time and an eighth', async () => {
    const errors: string[] = [];
    const clients = new TestClients({ idleMs: IDLE_MS, callbacks: { error: ({ operation, errstr }: ClientErrorContext<object>) => { errors.push(`${operation} ${errstr}`); } } });
    await clients.connect();
    clients.clock.advance(IDLE_MS - 1);
    const early = [...errors];

    clients.clock.advance(IDLE_MS / 8 + 1);
    await clients.settle();

    expect(early).toEqual([]);
    expect(errors).toEqual(['read connection timed out']);
    expect(clients.left).toBe(1);
  });

  it('begins anew with each record', async () => {
    const clients = new TestClients({ idleMs: IDLE_MS });
    const client = await clients.connect();

    for (let round = 0; round < 4; round++) {
      clients.clock.advance(IDLE_MS - 1000);
      await client.send('still here\r\n');
    }

    expect(clients.left).toBe(0);
  });

  it('does not count while a callback has not settled', async () => {
    const work = deferred();
    const clients = new TestClients({ idleMs: IDLE_MS, callbacks: { input: () => work.promise } });
    const client = await clients.connect();
    await client.send('work\r\n');
    clients.clock.advance(5 * IDLE_MS);
    const during = clients.left;

    work.resolve(undefined);
    await clients.settle();
    clients.clock.advance(IDLE_MS - 1000);
    const soon = clients.left;
    clients.clock.advance(3 * IDLE_MS);
    await clients.settle();

    expect([during, soon, clients.left]).toEqual([0, 0, 1]);
  });

  it('does not count while what the client has sent waits for the turns of others', async () => {
    const handled: unknown[] = [];
    const clients = new TestClients({ idleMs: IDLE_MS, callbacks: { input: ({ input }: { readonly input: unknown }) => {
      handled.push(input);
      clients.clock.sleep(5);
    } } });
    const client = await clients.connect();
    await client.send('work\r\n'.repeat(20));
    const before = handled.length;

    clients.clock.sleep(5 * IDLE_MS);
    // The timers are first.
    clients.clock.wake(() => undefined);
    await clients.settle();

    expect(before).toBeLessThan(20);
    expect([handled.length, clients.left]).toEqual([20, 0]);
  });

  it.each<[string, (heap: object) => void]>([
    ['', () => undefined],
    [', whatever became of its heap', (heap) => { Object.freeze(heap); }],
  ])('does not wait for a client that does not take its goodbye%s', async (_title, spoil) => {
    const clients = new TestClients({ idleMs: IDLE_MS, callbacks: { error: ({ heap }: Context<object>) => { heap.client.put('too slow'); spoil(heap); } } });
    const client = new TestClient();
    client.stopReading();
    await clients.connect(client);

    clients.clock.advance(2 * IDLE_MS);
    await clients.settle();

    expect(clients.left).toBe(1);
  });

  it('keeps no timer when no client is there', async () => {
    const clients = new TestClients({ idleMs: IDLE_MS });
    const client = await clients.connect();
    await client.end();
    await clients.settle();
    await client.fail();

    clients.clock.advance(3 * IDLE_MS);

    expect(clients.clock.delays).toEqual([]);
  });
});

describe('a client whose connection is sent to another process', () => {
  /** As `child.send(message, socket)` leaves it. */
  const give = ({ heap }: Context<object>): void => { (heap.client.socket as unknown as { _handle: null })._handle = null; };

  it.each<[string, (context: Context<object>) => unknown]>([
    ['a callback', give],
    ['an async callback', async (context) => {
      await turn();
      give(context);
    }],
  ])('by %s counts no longer, and ClientDisconnected is called once', async (_by, input) => {
    let disconnected = 0;
    const clients = new TestClients({ callbacks: { input, disconnected: () => { disconnected += 1; } } });
    const client = await clients.connect();

    await client.send('give\n');
    await clients.settle();

    expect([clients.left, disconnected, clients.failures]).toEqual([1, 1, []]);
  });

  it('later is given back by the event for that, and others stay', async () => {
    const contexts: Context<object>[] = [];
    const clients = new TestClients({ callbacks: { connected: (context: Context<object>) => { contexts.push(context); } } });
    await clients.connect();
    await clients.connect();
    contexts.slice(0, 1).forEach(give);

    clients.clients.giveBack();

    expect(clients.left).toBe(1);
  });
});
