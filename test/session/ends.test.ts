import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import type { AcceptorContext, ClientErrorContext, InputContext } from '../../src/callbacks.js';
import type { Context, StateContext } from '../../src/kernel.js';
import { BlockFilter } from '../../src/filters/block.js';
import { LineFilter } from '../../src/filters/line.js';
import { MapFilter } from '../../src/filters/map.js';
import type { AnyFilter } from '../../src/filters/filter.js';
import { createAdmission } from '../../src/session/admission.js';
import { TestClient, TestClients, bothWays } from './session-fixture.js';
import { turn } from '../support/manual-clock.js';

type Any = Context<object>;
type Line = InputContext<object, string>;

function deferred(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve!: () => void;
  const promise = new Promise<void>((onResolve) => { resolve = onResolve; });
  return { promise, resolve };
}

describe('a session counts until its last callback has settled', () => {
  it('when its client resets, and ClientDisconnected is called at once', async () => {
    const work = deferred();
    const calls: string[] = [];
    const clients = new TestClients({ callbacks: { input: () => work.promise, disconnected: () => { calls.push('disconnected'); } } });
    const client = await clients.connect();
    await client.send('work\r\n');
    await client.fail();
    const during = [clients.left, ...calls];

    work.resolve();
    await clients.settle();

    expect(during).toEqual([0, 'disconnected']);
    expect(clients.left).toBe(1);
  });

  it('when ClientDisconnected takes time', async () => {
    const cleaning = deferred();
    const clients = new TestClients({ callbacks: { disconnected: () => cleaning.promise } });
    const client = await clients.connect();
    await client.end();
    await clients.settle();
    const during = clients.left;

    cleaning.resolve();
    await clients.settle();

    expect([during, clients.left]).toEqual([0, 1]);
  });

  it('unless the worker has no more time', async () => {
    const clients = new TestClients({ callbacks: { input: () => deferred().promise } });
    const client = await clients.connect();
    await client.send('work\r\n');
    await client.fail();

    clients.clients.abort();

    expect(clients.left).toBe(1);
  });
});

describe('a session that is shut down while a callback runs', () => {
  it.each<[string, (context: Line, work: Promise<void>) => Promise<void>]>([
    ['by its worker\'s drain', async ({ heap }, work) => {
      await work;
      heap.client.put('answer');
    }],
    ['by that callback', async ({ heap, kernel }, work) => {
      kernel.yield('shutdown');
      await work;
      heap.client.put('answer');
    }],
  ])('%s takes no new record, sends the answer, and ends', async (_title, input) => {
    const work = deferred();
    const records: string[] = [];
    const clients = new TestClients({ callbacks: {
      input: (context: Line) => {
        records.push(context.input);
        return input(context, work.promise);
      },
      draining: ({ kernel }: Any) => { kernel.yield('shutdown'); },
    } });
    const client = await clients.connect();
    await client.send('work\r\nmore\r\n');
    clients.clients.drain(20);
    await clients.settle();
    const during = [client.hasEnded, clients.left];

    work.resolve();
    await clients.settle();

    expect(during).toEqual([false, 0]);
    expect([client.text, client.hasEnded, clients.left]).toEqual(['answer\r\n', true, 1]);
    expect(records).toEqual(['work']);
  });

  it('sends what is put after a synchronous call of its shutdown', async () => {
    const clients = new TestClients({ callbacks: { input: ({ heap, kernel, session }: Line) => {
      kernel.call(session, 'shutdown');
      heap.client.put('bye');
    } } });
    const client = await clients.connect();

    await client.send('quit\r\n');
    await clients.settle();

    expect([client.text, clients.left, clients.failures]).toEqual(['bye\r\n', 1, []]);
  });
});

describe('the end of a client\'s input', () => {
  it('ends the session once its output is sent, also if errors do not', async () => {
    const calls: string[] = [];
    const clients = new TestClients({ shutdownOnError: false, callbacks: {
      input: ({ heap }: Line) => { heap.client.put('answer'); },
      error: ({ operation, errno }: ClientErrorContext<object>) => { calls.push(`${operation} ${errno}`); },
      disconnected: () => { calls.push('disconnected'); },
    } });
    const client = await clients.connect();
    await client.send('ask\r\n');

    await client.end();
    await clients.settle();

    expect(calls).toEqual(['read 0', 'disconnected']);
    expect([client.text, clients.left]).toEqual(['answer\r\n', 1]);
  });
});

describe('ClientCallbackTimeout', () => {
  it('reports a callback that has not settled, calls ClientError, and ends the client', async () => {
    const errors: string[] = [];
    const clients = new TestClients({ callbackMs: 2000, callbacks: {
      input: () => deferred().promise,
      error: ({ operation, errstr }: ClientErrorContext<object>) => { errors.push(`${operation} ${errstr}`); },
    } });
    const client = await clients.connect();
    await client.send('work\r\n');
    clients.clock.advance(1900);
    const early = [clients.left, clients.failures.length];

    clients.clock.advance(400);
    await clients.settle();

    expect(early).toEqual([0, 0]);
    expect(clients.failures).toMatchObject([{ where: 'ClientInput', code: 'ERR_PREFORK_CALLBACK' }]);
    expect(errors).toEqual([expect.stringMatching(/^callback ClientInput has not settled within ClientCallbackTimeout \(2 s\)/)]);
    expect([client.hasEnded, clients.left]).toEqual([true, 1]);
  });

  it.each<[string, (client: TestClient) => Promise<void>]>([
    ['closes its side', (client) => client.end()],
    ['resets', (client) => client.fail()],
  ])('bounds how long a client counts that %s while its callback never settles', async (_title, leave) => {
    const clients = new TestClients({ callbackMs: 2000, callbacks: { input: () => deferred().promise } });
    const client = await clients.connect();
    await client.send('work\r\n');
    await leave(client);

    clients.clock.advance(2500);
    await clients.settle();

    expect(clients.left).toBe(1);
  });

  it('does not wait longer for a goodbye than it did for the callback', async () => {
    const clients = new TestClients({ callbackMs: 2000, callbacks: {
      input: () => deferred().promise, error: ({ heap }: Any) => { heap.client.put('too late'); },
    } });
    const client = new TestClient();
    await clients.connect(client);
    await client.send('work\r\n');
    client.stopReading();

    clients.clock.advance(5000);
    await clients.settle();

    expect(clients.left).toBe(1);
  });

  it('leaves callbacks alone that settle in time, each in its own', async () => {
    const gates = [deferred(), deferred(), deferred()];
    let next = 0;
    const clients = new TestClients({ callbackMs: 2000, callbacks: { input: () => gates[next++]?.promise } });
    const client = await clients.connect();
    await client.send('1\r\n2\r\n3\r\n');

    for (const gate of gates) {
      clients.clock.advance(1500);
      gate.resolve();
      await clients.settle();
    }

    expect([clients.left, clients.failures]).toEqual([0, []]);
  });

  it('may be set while clients are there', async () => {
    const clients = new TestClients({ callbacks: { input: () => deferred().promise } });
    const client = await clients.connect();
    await client.send('work\r\n');

    clients.clients.configure({ callbackMs: 2000 });
    clients.clock.advance(2500);
    await clients.settle();

    expect(clients.left).toBe(1);
  });
});

describe('a callback that outlives its client', () => {
  it('is waited for no longer than ClientTimeout', async () => {
    const clients = new TestClients({ idleMs: 4000, callbacks: { input: () => deferred().promise } });
    const client = await clients.connect();
    await client.send('work\r\n');
    await client.fail();
    clients.clock.advance(3500);
    const early = clients.left;

    clients.clock.advance(1500);

    expect([early, clients.left]).toEqual([0, 1]);
    expect(clients.failures).toMatchObject([{ where: 'ClientInput', code: 'ERR_PREFORK_CALLBACK' }]);
  });

  it('is reported once where nothing bounds it', async () => {
    const clients = new TestClients({ callbacks: { input: () => deferred().promise } });
    const client = await clients.connect();
    await client.send('work\r\n');
    await client.fail();

    clients.clock.advance(200_000);

    expect(clients.failures).toMatchObject([{ where: 'ClientInput' }]);
    expect(clients.left).toBe(0);
  });
});

describe('a fault behind any door ends one client, and is reported', () => {
  const badFilter = (own: Partial<AnyFilter>): (() => AnyFilter) => () => Object.assign(new LineFilter(), { put_text: undefined }, own);

  it.each<[string, ConstructorParameters<typeof TestClients>[0]]>([
    ['a callback that returns an object whose then throws', { callbacks: { input: () => ({ get then() { throw new Error('oh'); } }) } }],
    ['an error whose message throws', { callbacks: { input: () => { throw Object.defineProperty(new Error(), 'message', { get() { throw new Error('oh'); } }); } } }],
    ['a thrown proxy that refuses everything', { callbacks: { input: () => { throw new Proxy({}, { getPrototypeOf() { throw new Error('oh'); }, get() { throw new Error('oh'); } }) as Error; } } }],
    ['a filter that gives numbers to send', { createFilters: bothWays(badFilter({ put: () => [5] as never })) }],
    ['a filter that gives nothing to send', { createFilters: bothWays(badFilter({ put: () => undefined as never })) }],
    ['a Map filter that puts what is not there', { createFilters: bothWays(() => new MapFilter({ Get: (record: unknown) => [record], Put: (record: unknown) => [(record as { text?: unknown }).text] }) as never) }],
    ['a filter whose records are none', { createFilters: bothWays(badFilter({ get_one: () => undefined as never })) }],
    ['a filter that cannot be made', { createFilters: () => { throw new Error('oh'); } }],
    ['a heap that cannot be made', { createHeap: () => { throw new Error('oh'); } }],
    ['a heap that is none', { createHeap: () => 5 as never }],
  ])('%s', async (_title, given) => {
    const errors: string[] = [];
    const clients = new TestClients({ ...given, callbacks: {
      input: ({ heap, input }: Line) => { heap.client.put(input); }, error: ({ operation }: ClientErrorContext<object>) => { errors.push(operation); }, ...given?.callbacks,
    } });
    const client = await clients.connect();
    await client.send('x\r\n');
    await clients.settle();
    await client.end();
    await clients.settle();

    expect(clients.left).toBe(1);
    expect(clients.failures.length + errors.length).toBeGreaterThan(0);
  });

  it('an alarm, an event and a promise that fail', async () => {
    const clients = new TestClients({ callbacks: {
      connected: ({ kernel }: Any) => { kernel.delay('tick', 1); },
      states: new Map([['tick', () => { throw new Error('oh'); }]]),
    } });
    await clients.connect();

    clients.clock.advance(1000);
    await clients.settle();

    expect([clients.left, clients.failures[0]?.where]).toEqual([1, 'tick']);
  });

  it('a stream of ClientPreConnect whose write throws', async () => {
    const replacement = new PassThrough();
    replacement.write = () => { throw new Error('oh'); };
    const clients = new TestClients({ preConnect: () => replacement, callbacks: { connected: ({ heap }: Any) => { heap.client.put('hello'); } } });
    const client = await clients.connect();
    await clients.settle();

    expect([clients.left, client.isClosed]).toEqual([1, true]);
    expect(clients.failures).toMatchObject([{ message: 'oh' }]);
  });

  const throws = (): never => { throw new Error('oh'); };
  const rejects = (): never => Promise.reject(new Error('oh')) as never;
  it.each([throws, rejects].flatMap((fail): [string, (signal: AbortSignal) => void][] => [
    [`set by addEventListener, that ${fail.name}`, (signal) => { signal.addEventListener('abort', fail); }],
    [`set by onabort, that ${fail.name}`, (signal) => { signal.onabort = fail; }],
    [`set as an object, that ${fail.name}`, (signal) => { signal.addEventListener('abort', { handleEvent: fail }); }],
  ]))('a listener of a draining signal, %s', async (_title, listen) => {
    const clients = new TestClients({ acceptor: ({ draining }: AcceptorContext) => { listen(draining); } });
    const client = await clients.connect();

    clients.clients.drain(20);
    await clients.settle();

    expect([clients.left, client.isClosed]).toEqual([1, true]);
    expect(clients.failures).toMatchObject([{ where: 'Acceptor', message: 'oh' }]);
  });
});

describe('the connections of an Acceptor', () => {
  it('have a signal each, and it may be left again', async () => {
    const signals: AbortSignal[] = [];
    let heard = 0;
    const listener = (): void => { heard += 1; };
    const clients = new TestClients({ acceptor: ({ draining }: AcceptorContext) => {
      signals.push(draining);
      draining.addEventListener('abort', listener);
      if (signals.length === 2) draining.removeEventListener('abort', listener);
    } });
    await clients.connect();
    await clients.connect();

    clients.clients.drain(20);

    expect(signals[0]).not.toBe(signals[1]);
    expect([heard, signals.every(({ aborted }) => aborted)]).toEqual([1, true]);
  });

  it('count no longer for their address either when they are given back', async () => {
    const given: AcceptorContext[] = [];
    const clients = new TestClients({ admission: createAdmission(undefined, 1), acceptor: (context: AcceptorContext) => { given.push(context); } });
    const first = await clients.connect();
    const early = await clients.connect();

    given[0]?.disconnected();
    const second = await clients.connect();
    // It was counted once, and must not be taken off again.
    first.socket.destroy();
    await clients.settle();
    const third = await clients.connect();

    expect([early, second, third].map(({ isClosed }) => isClosed)).toEqual([true, false, true]);
  });

  it('count no longer when they are given back, once', async () => {
    const given: AcceptorContext[] = [];
    const clients = new TestClients({ acceptor: (context: AcceptorContext) => { given.push(context); } });
    const client = await clients.connect();

    given[0]?.disconnected();
    given[0]?.disconnected();
    client.socket.destroy();
    await clients.settle();

    expect(clients.left).toBe(1);
  });
});

describe('the session that callbacks get', () => {
  it('is no more than its ID, and the same everywhere', async () => {
    const sessions: unknown[] = [];
    const clients = new TestClients({ callbacks: {
      connected: ({ session, kernel }: Any) => {
        sessions.push(session, kernel.get_active_session());
        kernel.yield('tick');
      },
      states: new Map([['tick', ({ session, sender }: StateContext<object>) => { sessions.push(session, sender); }]]),
    } });
    await clients.connect();
    await clients.settle();

    expect(new Set(sessions).size).toBe(1);
    expect(Reflect.ownKeys(sessions[0] as object)).toEqual(['ID']);
    expect(Object.isFrozen(sessions[0])).toBe(true);
  });
});

describe('ClientPreConnect may do what it likes with the stream', () => {
  it.each<[string, (socket: PassThrough) => Promise<void>]>([
    ['pauses it', (socket) => {
      socket.pause();
      return Promise.resolve();
    }],
    ['takes a part, gives it back, and looks something up meanwhile', async (socket) => {
      const [chunk] = await once(socket, 'data') as [Buffer];
      for (let round = 0; round < 20; round++) await turn();
      socket.unshift(chunk);
    }],
    ['takes it piece by piece, and gives the last one back', async (socket) => {
      const chunks: Buffer[] = [];
      while (chunks.length < 2) {
        const [chunk] = await once(socket, 'data') as [Buffer];
        chunks.push(chunk);
        for (let round = 0; round < 20; round++) await turn();
      }
      socket.unshift(Buffer.concat(chunks));
    }],
  ])('and the session gets what is left when it %s', async (_title, prepare) => {
    const records: string[] = [];
    const clients = new TestClients({
      preConnect: async ({ socket }: { socket: unknown }) => {
        await prepare(socket as PassThrough);
        return socket;
      },
      callbacks: { input: ({ input }: Line) => { records.push(input); } },
    });
    const client = await clients.connect();
    await client.send('one\r\n');
    await client.send('two\r\n');
    await client.send('three\r\n');
    for (let round = 0; round < 30; round++) await clients.settle();
    await client.end();
    for (let round = 0; round < 3; round++) await clients.settle();

    expect(records).toEqual(['one', 'two', 'three']);
    expect(clients.left).toBe(1);
  });

  it('and the end of the raw connection ends the session', async () => {
    const calls: string[] = [];
    const clients = new TestClients({ preConnect: () => new PassThrough(), callbacks: {
      error: ({ operation, errno }: ClientErrorContext<object>) => { calls.push(`${operation} ${errno}`); }, disconnected: () => { calls.push('disconnected'); },
    } });
    const client = await clients.connect();
    await clients.settle();

    await client.fail();
    await clients.settle();

    expect(calls).toEqual(['read 104', 'disconnected']);
    expect(clients.left).toBe(1);
  });
});

describe('filters that take turns', () => {
  it('move the rest, and the same one again is no change', async () => {
    const records: string[] = [];
    let line: AnyFilter | undefined;
    const clients = new TestClients({ callbacks: { input: ({ heap: { client }, input }: InputContext<object, string | Buffer>) => {
      records.push(String(input));
      client.set_input_filter(client.get_input_filter());
      if (line === undefined) {
        line = client.get_input_filter();
        client.set_input_filter(new BlockFilter({ BlockSize: 3 }));
      } else {
        const isLine = typeof input === 'string';
        client.set_input_filter(isLine ? new BlockFilter({ BlockSize: 3 }) : line);
      }
    } } });
    const client = await clients.connect();

    await client.send('set\nab\nset\ncd\nset\nef\n');

    expect(records).toEqual(['set', 'ab\n', 'set', 'cd\n', 'set', 'ef\n']);
  });
});

describe('what a callback returns is waited for as await would, and ends no worker', () => {
  const own = (name: string, descriptor: PropertyDescriptor): Promise<void> => Object.defineProperty(Promise.resolve(), name, descriptor);
  const oh = (): never => { throw new Error('oh'); };

  it.each<[string, () => unknown, string[]]>([
    ['a promise whose own then throws', () => own('then', { value: oh }), []],
    ['a promise whose own then does nothing', () => own('then', { value: () => undefined }), []],
    ['a promise whose constructor cannot be read', () => own('constructor', { get: oh }), ['oh']],
    ['a thenable that throws', () => ({ then: oh }), ['oh']],
    ['a thenable that fulfils twice and then throws', () => ({ then: (fulfil: () => void) => { fulfil(); fulfil(); oh(); } }), []],
    ['a promise in a proxy', () => new Proxy(Promise.resolve(), {}), [expect.stringContaining('incompatible receiver') as string]],
  ])('%s', async (_title, made, messages) => {
    for (const callbacks of [{ input: made }, { input: ({ kernel }: Line) => { kernel.yield('event'); }, states: new Map([['event', made]]) }]) {
      const clients = new TestClients({ callbacks });
      const client = await clients.connect();
      await client.send('one\r\n');
      await clients.settle();
      await client.end();
      await clients.settle();

      expect(clients.failures.map(({ message }) => message)).toEqual(messages);
      expect(clients.left).toBe(1);
    }
  });
});

describe('a heap whose fields cannot be set', () => {
  it.each<[string, (heap: object) => void]>([
    ['is frozen', (heap) => { Object.freeze(heap); }],
    ['has setters that throw', (heap) => { for (const name of ['shutdown', 'got_an_error']) Object.defineProperty(heap, name, { set: () => { throw new Error('oh'); } }); }],
  ])('because it %s keeps no client from its end', async (_title, spoil) => {
    const calls: string[] = [];
    const clients = new TestClients({ callbacks: {
      connected: ({ heap, kernel }: Any) => {
        spoil(heap);
        kernel.alias_set('name');
      },
      input: () => { throw new Error('of a callback'); },
      disconnected: () => { calls.push('disconnected'); },
    } });
    const client = await clients.connect();
    await client.send('one\r\n');
    await clients.settle();
    await client.end();
    await clients.settle();

    expect(clients.failures.map(({ message }) => message)).toEqual(['of a callback']);
    expect([calls, clients.left, clients.queue.find('name')]).toEqual([['disconnected'], 1, undefined]);
  });
});
