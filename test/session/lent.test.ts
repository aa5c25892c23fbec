import { PassThrough, Transform } from 'node:stream';
import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { AcceptorContext, InputContext, PreConnectContext } from '../../src/callbacks.js';
import type { Context } from '../../src/kernel.js';
import { TestClients, type TestClient } from './session-fixture.js';

type Line = InputContext<object, string>;
type Before = PreConnectContext<object>;

const oh = (): never => { throw new Error('oh'); };
const failing = async (): Promise<never> => Promise.reject(new Error('oh'));

/** Says one line and leaves, and returns what was reported. */
async function visited(clients: TestClients): Promise<{ readonly reports: string[]; readonly left: number }> {
  const client = await clients.connect();
  await client.send('one\r\n');
  await clients.settle();
  await client.end();
  client.socket.destroy();
  await clients.settle();
  return { reports: clients.failures.map(({ where, message }) => `${where}: ${message}`), left: clients.left };
}

const listens = (event: string, listener: () => unknown) => ({ heap }: Context<object>): void => { heap.client.socket.on(event, listener); };

describe('a listener that a user adds to a socket ends its client alone', () => {
  it.each([
    ['throws at the end of the input', listens('end', oh)],
    ['throws when it is closed', listens('close', oh)],
    ['throws at the bytes', listens('data', oh)],
    ['is asynchronous, and rejects', listens('data', failing)],
    ['is asynchronous, and rejects when it is closed', listens('close', failing)],
  ])('when it %s', async (_title, connected) => {
    expect(await visited(new TestClients({ callbacks: { connected } }))).toEqual({ reports: ['session: oh'], left: 1 });
  });

  it.each<[string, () => unknown]>([['throws', oh], ['rejects', failing]])('when it is one of ClientPreConnect that %s at what a client says', async (_how, listener) => {
    const clients = new TestClients({ preConnect: async ({ socket }: Before) => new Promise<Socket>(() => { socket.once('data', listener); }) });

    expect(await visited(clients)).toEqual({ reports: ['ClientPreConnect: oh'], left: 1 });
  });

  it('when it is one of an Acceptor', async () => {
    const clients = new TestClients({ acceptor: ({ socket }: AcceptorContext) => { socket.on('data', oh); } });

    expect(await visited(clients)).toEqual({ reports: ['Acceptor: oh'], left: 1 });
  });

  it('when it listens to the connection below a stream that has taken its place', async () => {
    const clients = new TestClients({ preConnect: ({ socket }: Before) => {
      socket.on('data', oh);
      return new PassThrough();
    } });

    expect(await visited(clients)).toEqual({ reports: ['ClientPreConnect: oh'], left: 1 });
  });
});

describe('removeAllListeners() of a socket', () => {
  const end = async (client: TestClient): Promise<void> => { await client.fail(); };

  it.each<[string, (socket: Socket) => void]>([
    ['without a name', (socket) => { socket.removeAllListeners(); }],
    ['of errors', (socket) => { socket.removeAllListeners('error'); }],
    ['of its close', (socket) => { socket.removeAllListeners('close'); }],
  ])('%s, in ClientPreConnect, leaves a reset to end its client alone', async (_name, remove) => {
    const clients = new TestClients({ preConnect: async ({ socket }: Before) => new Promise<Socket>(() => { remove(socket); }) });
    await end(await clients.connect());
    await clients.settle();

    expect(clients.left).toBe(1);
  });

  it('takes away what the user has added, and goes on with the session', async () => {
    const heard: string[] = [];
    const clients = new TestClients({ callbacks: { input: ({ heap, input }: Line) => {
      heap.client.socket.on('close', () => { heard.push('close'); });
      heap.client.socket.removeAllListeners();
      heap.client.put(input);
    } } });
    const client = await clients.connect();
    await client.send('one\r\n');
    await client.send('two\r\n');
    await clients.settle();
    const { text } = client;
    await end(client);
    await clients.settle();

    expect([text, ...heard, clients.left]).toEqual(['one\r\ntwo\r\n', 1]);
  });

  it('in ClientPreConnect leaves it to be read by whoever listens next', async () => {
    const heard: string[] = [];
    const clients = new TestClients({ preConnect: async ({ socket }: Before) => {
      while (heard.length < 2) {
        heard.push(await new Promise((resolve) => { socket.once('data', (chunk: Buffer) => { resolve(chunk.toString()); }); }));
        socket.removeAllListeners();
      }
    } });
    const client = await clients.connect();
    await client.send('one');
    await client.send('two');
    await clients.settle();

    expect(heard).toEqual(['one', 'two']);
  });

  it('below a stream that has taken its place leaves a reset to end the client', async () => {
    const below: Socket[] = [];
    const clients = new TestClients({ preConnect: ({ socket }: Before) => {
      below.push(socket);
      return new PassThrough();
    } });
    const client = await clients.connect();
    await clients.settle();
    for (const socket of below) socket.removeAllListeners();
    await end(client);
    await clients.settle();

    expect([below.length, clients.left]).toEqual([1, 1]);
  });

  it('leaves a client that is held back unread', async () => {
    let remove = (): void => undefined;
    const clients = new TestClients({ callbacks: { input: async ({ heap }: Line) => {
      remove = () => { heap.client.socket.removeAllListeners(); };
      return new Promise(() => undefined);
    } } });
    const client = await clients.connect();
    await client.send('one\r\n');
    await client.send('two\r\n');
    const before = client.socket.isPaused();
    remove();
    await clients.settle();

    expect([before, client.socket.isPaused()]).toEqual([true, true]);
  });

  it('of an Acceptor leaves its connection counted until it is closed', async () => {
    const clients = new TestClients({ acceptor: ({ socket }: AcceptorContext) => { socket.removeAllListeners(); } });
    const client = await clients.connect();
    const before = clients.left;
    await end(client);

    expect([before, clients.left]).toEqual([0, 1]);
  });
});

describe('a stream of ClientPreConnect', () => {
  const served = async (preConnect: (context: Before) => unknown): Promise<unknown[]> => {
    const records: string[] = [];
    const clients = new TestClients({ preConnect, callbacks: { input: ({ input }: Line) => { records.push(input); } } });
    const { reports, left } = await visited(clients);
    return [...records, ...reports, left];
  };
  const read = (made: (bytes: Buffer) => unknown) => ({ socket }: Before): Transform => socket.pipe(new Transform({
    readableObjectMode: true, transform(bytes: Buffer, _encoding, done) { done(null, made(bytes)); },
  }));

  it('may have an encoding: its bytes are what they were', async () => {
    expect(await served(({ socket }) => socket.setEncoding('hex'))).toEqual(['one', 1]);
  });

  it('may give Uint8Arrays and text', async () => {
    expect(await served(read((bytes) => new Uint8Array(bytes)))).toEqual(['one', 1]);
    expect(await served(read(String))).toEqual(['one', 1]);
  });

  it('that gives something else ends its client, and is reported', async () => {
    expect(await served(read(() => 7))).toEqual(['session: The stream that ClientPreConnect returned was read as 7; it must give bytes.', 1]);
  });
});
