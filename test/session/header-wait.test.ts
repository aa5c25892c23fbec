import { Buffer } from 'node:buffer';
import { BlockList } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { AcceptorContext, ClientErrorContext, PreConnectContext } from '../../src/callbacks.js';
import type { Context } from '../../src/kernel.js';
import { resolveProxy } from '../../src/options/proxy.js';
import { createAdmission } from '../../src/session/admission.js';
import { IPV6, binary, tlv } from '../proxy/headers.js';
import { TestClient, TestClients, type Given } from './session-fixture.js';

const LINE = 'PROXY TCP4 192.0.2.1 198.51.100.2 4711 443\r\n';
const LOCAL = binary({ command: 0x20, family: 0, addresses: Buffer.alloc(0) }).toString('latin1');
const withoutAddress = (): TestClient['socket'] => Object.assign(balancer().socket, { remoteAddress: undefined, remotePort: undefined });
const balancer = (): TestClient => new TestClient({ address: '10.0.0.1', port: 40_000 });

/** Clients behind the balancer 10.0.0.1, and what is said of them, in order. */
function behind(given: Given = {}): { readonly clients: TestClients; readonly calls: string[] } {
  const calls: string[] = [];
  const clients = new TestClients({
    proxy: resolveProxy({ From: ['10.0.0.0/24'] }),
    ...given,
    callbacks: {
      connected: ({ heap }: Context<object>) => { calls.push(`connected ${heap.remote_addr}`); },
      input: ({ input }: { input: string }) => { calls.push(`input ${input}`); },
      error: ({ operation, errstr }: ClientErrorContext<object>) => { calls.push(`error ${operation} ${errstr}`); },
      disconnected: () => { calls.push('disconnected'); },
      ...given.callbacks,
    },
  });
  return { clients, calls };
}

/** As the connection would have come without the header. */
const served = ['connected 192.0.2.1:4711', 'input hello'];

describe('a connection from a balancer', () => {
  it('is served when its header has come, as the client whom it names', async () => {
    const heaps: unknown[] = [];
    const { clients } = behind({ callbacks: { connected: ({ heap }: Context<object>) => { heaps.push({ ...heap }); } } });
    const client = await clients.connect(balancer());
    await client.send(LINE.slice(0, 20));
    const early = heaps.length;

    await client.send(LINE.slice(20));

    expect(early).toBe(0);
    expect(heaps).toMatchObject([{
      remote_ip: '192.0.2.1', remote_port: 4711, remote_addr: '192.0.2.1:4711',
      proxy: { version: 1, local: false, source: { address: '192.0.2.1', port: 4711 }, destination: { address: '198.51.100.2', port: 443 } },
    }]);
    expect(clients.clock.delays).toEqual([]);
  });

  it('may have a client of IPv6, and extensions', async () => {
    const heaps: Context<object>['heap'][] = [];
    const { clients } = behind({ callbacks: { connected: ({ heap }: Context<object>) => { heaps.push({ ...heap }); } } });
    const client = await clients.connect(balancer());

    await client.send(binary({ family: 0x21, addresses: IPV6, tlvs: [tlv(2, 'example.org')] }).toString('latin1'));

    expect(heaps).toMatchObject([{ remote_addr: '[2001:db8::1]:4711', proxy: { authority: 'example.org' } }]);
  });

  it.each(['PROXY UNKNOWN\r\n', binary({ family: 0x31, addresses: Buffer.alloc(216) }).toString('latin1')])('counts as itself if the header names no client of TCP', async (header) => {
    const { clients, calls } = behind();
    const client = await clients.connect(balancer());

    await client.send(header);

    expect(calls).toEqual(['connected 10.0.0.1:40000']);
  });

  it.each(Array.from({ length: LINE.length + 8 }, (_, at) => at))('loses no byte behind the header, wherever the input is cut: %d', async (at) => {
    const { clients, calls } = behind();
    const client = await clients.connect(balancer());
    const bytes = `${LINE}hello\r\n`;

    await client.send(bytes.slice(0, at));
    await client.send(bytes.slice(at));

    expect(calls).toEqual(served);
  });

  it('is served to the end even if everything came at once, its end too', async () => {
    const { clients, calls } = behind();
    const client = balancer();
    void client.send(`${LINE}hello\r\n`);
    void client.end();

    await clients.connect(client);
    await clients.settle();

    expect(calls).toEqual([...served, 'error read ', 'disconnected']);
    expect(clients.failures).toEqual([]);
  });

  it('reaches ClientPreConnect, and an Acceptor, without the header', async () => {
    const heard: unknown[] = [];
    const prepared = behind({ preConnect: ({ heap, socket }: PreConnectContext<object>) => {
      heard.push(heap.remote_ip, String(socket.read()));
      socket.unshift(Buffer.from('hello\r\n'));
      return socket;
    } });
    await (await prepared.clients.connect(balancer())).send(`${LINE}taken`);
    const accepted = behind({ acceptor: ({ socket, remoteAddress, remotePort, proxy }: AcceptorContext) => {
      socket.on('data', (chunk) => { heard.push(remoteAddress, remotePort, proxy?.version, String(chunk)); });
    } });
    await (await accepted.clients.connect(balancer())).send(`${LINE}taken`);

    expect(heard).toEqual(['192.0.2.1', 'taken', '192.0.2.1', 4711, 1, 'taken']);
    expect(prepared.calls).toEqual(served);
  });

  it('is judged by the address of the client: BlockList and MaxSessionPerAddress', async () => {
    const blocked = new BlockList();
    blocked.addAddress('192.0.2.9');
    const { clients, calls } = behind({ admission: createAdmission(blocked, 1) });
    const all = [balancer(), balancer(), balancer(), balancer()];
    for (const client of all) await clients.connect(client);

    await all[0]?.send(LINE.replace('192.0.2.1', '192.0.2.9'));
    for (const client of all.slice(1, 3)) await client.send(LINE);
    await all[3]?.send(LINE.replace('192.0.2.1', '192.0.2.3'));

    expect(all.map(({ isClosed }) => isClosed)).toEqual([true, false, true, false]);
    expect([clients.left, calls]).toEqual([2, ['connected 192.0.2.1:4711', 'connected 192.0.2.3:4711']]);
    expect(clients.failures).toEqual([]);
  });
});

describe('a header', () => {
  it.each([
    ['is none', 'GET / HTTP/1.1\r\n', /from 10.0.0.1 port 40000 was closed. The connection begins with "G"/],
    ['is wrong', LINE.replace('4711', '99999'), /"99999" is not a port/],
  ])('that %s ends that connection alone, and is reported', async (_title, bytes, reason) => {
    const { clients, calls } = behind();
    const other = await clients.connect(balancer());
    const client = await clients.connect(balancer());

    await client.send(bytes);
    await other.send(LINE);

    expect([client.isClosed, clients.left, calls]).toEqual([true, 1, ['connected 192.0.2.1:4711']]);
    expect(clients.failures).toMatchObject([{ where: 'Proxy', code: 'ERR_PREFORK_PROXY', message: expect.stringMatching(reason) as string }]);
  });

  it('that does not come in time is no longer waited for', async () => {
    const { clients, calls } = behind({ proxy: resolveProxy({ From: ['10.0.0.1'], Timeout: 2 }) });
    const client = await clients.connect(balancer());
    await client.send(LINE.slice(0, 20));
    clients.clock.advance(1999);
    const early = client.isClosed;

    clients.clock.advance(1);
    await clients.settle();

    expect([early, client.isClosed, clients.left, calls]).toEqual([false, true, 1, []]);
    expect(clients.failures).toMatchObject([{ message: expect.stringMatching(/did not come within 2 s \(20 bytes did\)/) as string }]);
  });

  it('that ends in the middle is reported; a connection that says nothing, or is reset, is not', async () => {
    const { clients, calls } = behind();
    const all = [balancer(), balancer(), balancer()];
    for (const client of all) await clients.connect(client);

    await all[0]?.send(LINE.slice(0, 20));
    await all[0]?.end();
    await all[1]?.end();
    await all[2]?.send(LINE.slice(0, 20));
    await all[2]?.fail();

    expect(all.map(({ isClosed }) => isClosed)).toEqual([true, true, true]);
    expect([clients.left, calls, clients.clock.delays]).toEqual([3, [], []]);
    expect(clients.failures).toMatchObject([{ message: expect.stringMatching(/ended after 20 bytes/) as string }]);
  });

  it('is read that came in time, though its worker was blocked until the time was over', async () => {
    const { clients, calls } = behind();
    const client = await clients.connect(balancer());
    clients.clock.sleep(10_000);

    clients.clock.wake(() => undefined);
    await client.send(LINE + 'hello\r\n');

    expect([client.isClosed, calls]).toEqual([false, ['connected 192.0.2.1:4711', 'input hello']]);
  });

  it('has at most a second more when the worker drains, and none when it has no more time', async () => {
    const { clients } = behind();
    const [silent, late] = [await clients.connect(balancer()), await clients.connect(balancer())];
    clients.clients.drain(20);
    const third = await clients.connect(balancer());
    clients.clock.advance(999);
    await late.send(LINE);

    clients.clock.advance(1);
    await clients.settle();
    expect([silent.isClosed, late.isClosed, third.isClosed, clients.left]).toEqual([true, false, true, 2]);

    const last = await clients.connect(balancer());
    clients.clients.abort();
    await clients.settle();
    expect([last.isClosed, late.isClosed, clients.left]).toEqual([true, true, 4]);
    expect(clients.failures).toHaveLength(2);
  });
});

describe('a LOCAL connection', () => {
  it.each<[string, (client: TestClient) => Promise<void>]>([
    ['is reset', (client) => client.fail()], ['ends', (client) => client.end()],
  ])('that says nothing and %s is a health check: no callback, no error', async (_title, leave) => {
    const { clients, calls } = behind();
    const client = await clients.connect(balancer());
    await client.send(LOCAL);

    await leave(client);
    await clients.settle();

    expect([client.isClosed, clients.left, calls, clients.failures, clients.clock.delays]).toEqual([true, 1, [], [], []]);
  });

  it('is served when it says something, with its own address', async () => {
    const { clients, calls } = behind();
    const [one, two] = [await clients.connect(balancer()), await clients.connect(balancer())];

    await one.send(`${LOCAL}hello\r\n`);
    await two.send(LOCAL);
    await two.send('later\r\n');

    expect(calls).toEqual(['connected 10.0.0.1:40000', 'input hello', 'connected 10.0.0.1:40000', 'input later']);
  });

  it('that waits for the first word of the server gets it after a moment', async () => {
    const { clients, calls } = behind();
    const client = await clients.connect(balancer());
    await client.send(LOCAL);
    clients.clients.drain(20);

    clients.clock.advance(100);

    expect(calls).toEqual(['connected 10.0.0.1:40000']);
    expect(client.isClosed).toBe(false);
  });
});

describe('a connection that is not from a balancer', () => {
  it.each(['192.0.2.1', '::1'])('is closed at once and not counted, whatever it says: %s', (address) => {
    const { clients, calls } = behind();
    const client = new TestClient({ address });
    void client.send(LINE);

    expect(clients.clients.admit(client.socket)).toBe(false);

    expect([client.isClosed, calls]).toEqual([true, []]);
    expect(clients.failures).toMatchObject([{ where: 'Proxy', code: 'ERR_PREFORK_PROXY', message: expect.stringContaining(`from ${address} was closed: it is not in Proxy.From`) as string }]);
  });

  it('is nobody if it was reset before it was taken', () => {
    const { clients } = behind();

    expect(clients.clients.admit(withoutAddress())).toBe(false);
    expect(clients.failures).toEqual([]);
  });

  it("may come over the server's Unix socket only if From is 'unix', and then no other way", () => {
    const admits = (From: readonly string[] | 'unix', isLocal: boolean, one = withoutAddress()): boolean => (
      behind({ proxy: resolveProxy({ From }), isLocal: () => isLocal }).clients.clients.admit(one)
    );

    expect([admits('unix', true), admits(['0.0.0.0/0'], true), admits('unix', false, balancer().socket)]).toEqual([true, false, false]);
  });
});
