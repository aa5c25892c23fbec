import { AsyncLocalStorage, AsyncResource, createHook, executionAsyncId } from 'node:async_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import type { InputContext } from '../../src/callbacks.js';
import type { Context, StateContext } from '../../src/kernel.js';
import { CodecFilter } from '../../src/filters/codec.js';
import type { Chunk } from '../../src/filters/filter.js';
import { LineFilter } from '../../src/filters/line.js';
import { TestClient, TestClients } from './session-fixture.js';
import { turn } from '../support/manual-clock.js';
import { poll } from '../support/wait.js';

type Any = Context<object>;
type Line = InputContext<object, string>;

describe('async contexts', () => {
  const storage = new AsyncLocalStorage<string>();

  afterEach(() => { storage.disable(); });

  it('of events are those in which they were posted', async () => {
    const seen: unknown[] = [];
    const clients = new TestClients({ callbacks: {
      input: ({ input, kernel }: Line) => { storage.run(input, () => { kernel.yield('tick', input); }); },
      states: new Map([['tick', ({ args }: StateContext<object>) => { seen.push([args[0], storage.getStore()]); }]]),
    } });
    const [one, two] = [await clients.connect(), await clients.connect()];
    await one.send('a\r\nb\r\n');
    await two.send('c\r\n');
    await clients.settle();

    expect(seen).toEqual([['a', 'a'], ['b', 'b'], ['c', 'c']]);
  });

  it('end, as those see who keep something for each: of records, of events, and of the client', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const begun = new Map<number, string>();
    let count = 0;
    const hook = createHook({
      init: (id, type) => {
        if (!type.startsWith('PREFORK_')) return;
        begun.set(id, type);
        count += 1;
      },
      destroy: (id) => { begun.delete(id); },
    }).enable();
    onTestFinished(() => { hook.disable(); });
    const clients = new TestClients({ callbacks: {
      input: ({ kernel }: Line) => { kernel.yield('tick'); },
      states: new Map([['tick', () => undefined]]),
    } });
    const client = await clients.connect();
    await client.send('line\r\n'.repeat(100));
    await clients.settle();
    await client.fail();
    await clients.settle();

    await poll(() => {
      collect();
      return begun.size < 10;
    }, () => `the end of ${[...begun.values()].join(', ')}`);
    expect(count).toBeGreaterThan(200);
  });

  it('of records are their own, however many come in one segment', async () => {
    const seen: unknown[] = [];
    const clients = new TestClients({ callbacks: { input: async ({ input }: Line) => {
      seen.push(storage.getStore());
      storage.enterWith(input);
      await turn();
    } } });
    const client = await clients.connect();
    await client.send('a\r\nb\r\nc\r\n');
    for (let round = 0; round < 4; round++) await clients.settle();
    await client.send('d\r\n');

    expect(seen).toEqual([undefined, undefined, undefined, undefined]);
  });

  it('of records are not those of another client that resumed the input', async () => {
    const seen: unknown[] = [];
    const heaps: Any['heap'][] = [];
    const clients = new TestClients({ callbacks: {
      connected: ({ heap }: Any) => {
        heaps.push(heap);
        heap.client.pause_input();
      },
      input: () => { seen.push(storage.getStore()); },
    } });
    const client = await clients.connect();
    await client.send('a\r\n');

    storage.run('other', () => { heaps[0]?.client.resume_input(); });
    await clients.settle();

    expect(seen).toEqual([undefined]);
  });

  it('of a filter are those of the record that it cuts, and of no other client, even if it goes on after an asynchronous callback', async () => {
    const seen: unknown[] = [];
    const clients = new TestClients({
      createFilters: () => {
        const filter = new CodecFilter({
          Decode: (read) => {
            const at = read.indexOf(10);
            if (at < 0) return undefined;
            const record = read.toString('latin1', 0, at);
            seen.push(storage.getStore());
            storage.enterWith(record);
            return { record, bytes: at + 1 };
          },
          Encode: (record: string) => record,
        });
        return { input: filter, output: filter };
      },
      callbacks: {
        input: async ({ input }: Line) => {
          seen.push(storage.getStore() === input);
          await turn();
        },
        disconnected: () => { seen.push(storage.getStore()); },
      },
    });
    const [one, two] = [await clients.connect(), await clients.connect()];
    await one.send('a\nb\nc\n');
    for (let round = 0; round < 6; round++) await clients.settle();
    await two.send('d\n');
    await clients.settle();
    await two.fail();

    expect(seen).toEqual([undefined, true, undefined, true, undefined, true, undefined, true, undefined]);
  });

  it('of a filter that takes up what was read during an asynchronous callback are those of no other client', async () => {
    const seen = new Set<unknown>();
    const filterFor = (name: string): LineFilter => new class extends LineFilter {
      override get_one_start(chunks: readonly Chunk[]): void {
        if (storage.getStore() !== name) seen.add(storage.getStore());
        storage.enterWith(name);
        super.get_one_start(chunks);
      }
    }();
    const clients = new TestClients({ callbacks: {
      connected: ({ heap }: Any) => { heap.client.set_input_filter(filterFor(String(heap.remote_port))); },
      input: () => turn(),
      disconnected: () => { seen.add(storage.getStore()); },
    } });
    const [one, two] = [await clients.connect(new TestClient({ port: 1 })), await clients.connect(new TestClient({ port: 2 }))];
    for (const client of [one, two, one, two]) {
      await client.send('a\r\n');
      await client.send('b\r\n');
      for (let round = 0; round < 4; round++) await clients.settle();
    }
    await one.fail();
    await two.end();
    await clients.settle();

    expect([...seen]).toEqual([undefined]);
  });

  it('of records are the one in which the clients were made, whether they are handled when they are read or after an asynchronous callback', async () => {
    const seen: unknown[] = [];
    const clients = storage.run('maker', () => new TestClients({ callbacks: { input: async () => {
      seen.push(storage.getStore());
      await turn();
    } } }));
    const client = await storage.run('listener', () => clients.connect());
    await storage.run('reader', () => client.send('a\r\nb\r\n'));
    for (let round = 0; round < 4; round++) await clients.settle();

    expect(seen).toEqual(['maker', 'maker']);
  });

  it('of Heap, ClientPreConnect and ClientConnected are those of one client, though all clients come to one listener', async () => {
    const seen: unknown[] = [];
    const note = (name: string): void => {
      seen.push(storage.getStore());
      storage.enterWith(name);
    };
    const clients = storage.run('maker', () => new TestClients({
      createHeap: () => { note('heap'); return {}; },
      preConnect: ({ socket }: { socket: unknown }) => { note('pre'); return socket; },
      callbacks: { connected: () => { note('connected'); } },
    }));
    const listener = storage.run('listener', () => new AsyncResource('LISTENER'));

    for (let count = 0; count < 2; count++) await listener.runInAsyncScope(() => clients.connect());
    await clients.settle();

    expect(seen).toEqual(['maker', 'heap', 'pre', 'maker', 'heap', 'pre']);
    expect(listener.runInAsyncScope(() => storage.getStore())).toBe('listener');
  });

  it('of Acceptor are those of one client, too', async () => {
    const seen: unknown[] = [];
    const clients = new TestClients({ acceptor: () => {
      seen.push(storage.getStore());
      storage.enterWith('acceptor');
    } });
    const listener = new AsyncResource('LISTENER');

    for (let count = 0; count < 2; count++) await listener.runInAsyncScope(() => clients.connect());

    expect(seen).toEqual([undefined, undefined]);
  });

  it('have IDs that are those of no other client: some keep by them what a client may do', async () => {
    const ids = new Map<number | undefined, Set<number>>();
    const note = ({ heap }: Any): void => {
      const own = ids.get(heap.remote_port) ?? new Set();
      ids.set(heap.remote_port, own.add(executionAsyncId()));
    };
    const clients = new TestClients({ callbacks: { connected: note, input: async (context: Line) => {
      note(context);
      await turn();
    }, flushed: note, disconnected: note } });
    for (const port of [1, 2, 3]) {
      const client = await clients.connect(new TestClient({ port }));
      await client.send('a\r\nb\r\n');
      for (let round = 0; round < 4; round++) await clients.settle();
      await client.fail();
    }

    const all = [...ids.values()].flatMap((own) => [...own]);
    expect(ids.size).toBe(3);
    expect(new Set(all).size).toBe(all.length);
  });
});
