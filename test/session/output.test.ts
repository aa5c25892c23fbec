import { describe, expect, it } from 'vitest';
import type { ClientErrorContext } from '../../src/callbacks.js';
import type { Context, Kernel } from '../../src/kernel.js';
import { LineFilter } from '../../src/filters/line.js';
import { StreamFilter } from '../../src/filters/stream.js';
import { OutputQueue } from '../../src/session/output-queue.js';
import { TestClient, TestClients, bothWays } from './session-fixture.js';
import { turn } from '../support/manual-clock.js';

type Any = Context<object>;

/** A client whose handler gives its wheel away. */
async function setUp(given: ConstructorParameters<typeof TestClients>[0] = {}, client = new TestClient()): Promise<{ clients: TestClients; client: TestClient; context: Any; calls: string[] }> {
  const calls: string[] = [];
  const contexts: Any[] = [];
  const clients = new TestClients({ ...given, callbacks: {
    connected: (context: Any) => { contexts.push(context); },
    error: ({ operation, errno, errstr }: ClientErrorContext<object>) => { calls.push(`${operation} ${errno} ${errstr}`); },
    disconnected: () => { calls.push('disconnected'); },
    flushed: () => { calls.push('flushed'); },
    high: () => { calls.push('high'); },
    low: () => { calls.push('low'); },
    ...given.callbacks,
  } });
  await clients.connect(client);
  const [context] = contexts;
  if (context === undefined) throw new Error('ClientConnected was not called.');
  return { clients, client, context, calls };
}

/** Seven records, each flushed in a turn of the event loop: by then it is no longer the turn of their client. */
async function useUpTurn(clients: TestClients, { heap }: Any): Promise<void> {
  for (let count = 0; count < 7; count++) {
    heap.client.put('record');
    heap.client.flush();
    await turn();
    clients.clock.sleep(1);
  }
}

describe('output', () => {
  it.each<[string, unknown]>([['a method, which its stream would call', () => 'utf8'], ['the name of another encoding', 'ascii'], ['null', null]])(
    'is not sent as text of a filter whose text_encoding is %s', async (_title, encoding) => {
      const { context } = await setUp({ createFilters: bothWays(() => Object.assign(new LineFilter(), { text_encoding: encoding })) });

      expect(() => context.heap.client.put('x')).toThrow(/^The filter's text_encoding is .+; it must be 'utf8', 'latin1' or undefined\.$/);
      expect(context.heap.client.get_driver_out_octets()).toBe(0);
    },
  );

  it('costs what it is, however much is queued: 80,000 small Buffers and their octets', () => {
    const queue = new OutputQueue();
    const one = Buffer.from('x');
    let octets = 0;

    for (let count = 0; count < 80_000; count++) {
      queue.addBytes(one);
      octets += queue.octets;
    }
    const output = queue.take();

    expect(octets).toBe((80_000 * 80_001) / 2);
    expect(output !== undefined && 'pieces' in output ? output.pieces.length : 0).toBe(1);
  });

  it.each<[string, unknown[]]>([['no record', []], ['an empty record', ['']]])('is reported as flushed, although %s is put while its client does not take it', async (_title, records) => {
    const { client, context, calls } = await setUp({ createFilters: bothWays(() => new LineFilter({ OutputLiteral: '' })) });
    client.stopReading();
    context.heap.client.put('taken later');
    await turn();

    context.heap.client.put(...records);
    await client.readOn();

    expect(calls).toEqual(['flushed']);
  });

  it('of a client to which ClientFlushed always puts more, and which takes it at once, leaves others their turns', async () => {
    let count = 0;
    const { clients, context } = await setUp({ callbacks: { flushed: ({ heap }: Any) => {
      count += 1;
      clients.clock.sleep(1);
      if (count < 1000) heap.client.put('more');
    } } });
    context.heap.client.put('first');
    await turn();
    const before = count;

    await clients.settle();

    expect(before).toBeLessThan(20);
    expect(count).toBeGreaterThan(before);
    expect(count).toBeLessThan(40);
  });

  it('is reported as flushed before ClientDisconnected, although it was not the turn of its client', async () => {
    const { clients, context, calls } = await setUp();
    await useUpTurn(clients, context);
    const before = calls.length;

    context.kernel.call(context.session, 'shutdown');
    await clients.settle();

    expect(before).toBe(6);
    expect(calls).toEqual([...Array.from({ length: 7 }, () => 'flushed'), 'disconnected']);
  });

  it('that ClientFlushed puts is sent, although it was not the turn of its client before the end', async () => {
    const { clients, client, context, calls } = await setUp({ callbacks: { flushed: ({ heap }: Any) => {
      calls.push('flushed');
      if (calls.length === 7) heap.client.put('goodbye');
    } } });
    await useUpTurn(clients, context);
    const before = calls.length;

    context.kernel.call(context.session, 'shutdown');
    await clients.settle();

    expect(before).toBe(6);
    expect(calls).toEqual([...Array.from({ length: 8 }, () => 'flushed'), 'disconnected']);
    expect([client.text, client.hasEnded, clients.left, clients.failures]).toEqual([`${'record\r\n'.repeat(7)}goodbye\r\n`, true, 1, []]);
  });

  it.each<[string, (context: Any) => void]>([
    ['shutdown', ({ kernel, session }) => { kernel.call(session, 'shutdown'); }],
    ['shutdown_output', ({ heap }) => { heap.client.shutdown_output(); }],
  ])('that ClientHigh puts while the last is written before %s is sent', async (_title, end) => {
    const client = new TestClient();
    const { clients, context, calls } = await setUp({ marks: { high: 10, low: 0 }, callbacks: { high: ({ heap }: Any) => { heap.client.put('more'); } } }, client);
    client.stopReading();
    context.heap.client.set_high_mark(100);
    context.heap.client.put('0123456789');
    context.heap.client.set_high_mark(10);

    end(context);
    await clients.settle();
    await client.readOn();
    await clients.settle();

    expect([client.text, client.hasEnded]).toEqual(['0123456789\r\nmore\r\n', true]);
    expect(calls.filter((call) => call.includes(' '))).toEqual([]);
  });

  it('is not reported as flushed once more for an empty record that ClientFlushed puts', async () => {
    let count = 0;
    const { client, context } = await setUp({ createFilters: bothWays(() => new LineFilter({ OutputLiteral: '' })), callbacks: { flushed: ({ heap }: Any) => {
      count += 1;
      if (count < 5) heap.client.put('');
    } } });
    client.stopReading();
    for (const record of ['one', 'two']) {
      context.heap.client.put(record);
      context.heap.client.flush();
    }
    await client.readOn();

    expect(count).toBe(1);
  });

  it('keeps its order through texts of two encodings, small and large buffers', () => {
    const queue = new OutputQueue();
    const large = Buffer.alloc(10_000, 'L');
    queue.addText('é', 'utf8');
    queue.addText('é', 'latin1');
    queue.addBytes(Buffer.from('small'));
    queue.addBytes(large);
    queue.addText('end', 'utf8');

    const output = queue.take();

    expect(output !== undefined && 'pieces' in output ? Buffer.concat(output.pieces).toString('latin1') : '').toBe(`Ã©ésmall${'L'.repeat(10_000)}end`);
    expect([queue.isEmpty, queue.octets]).toEqual([true, 0]);
  });

  it('may come from one Buffer that is used again in the same turn', async () => {
    const { client, context } = await setUp({ createFilters: bothWays(() => new StreamFilter()) });
    const scratch = Buffer.alloc(1);

    for (const digit of '01234') {
      scratch.write(digit);
      context.heap.client.put(scratch);
    }
    await turn();
    await turn();

    expect(client.text).toBe('01234');
  });

  it('of one put may be larger than MaxOutput: what is still queued when more is put counts', async () => {
    const client = new TestClient();
    client.stopReading();
    const { clients, context } = await setUp({ maxOutput: 10_000 }, client);

    context.heap.client.put('x'.repeat(50_000));
    await turn();
    await client.readOn();
    await clients.settle();

    expect([client.text.length, clients.left]).toEqual([50_002, 0]);
  });

  it('that is not taken ends its client beyond MaxOutput, with ENOBUFS', async () => {
    const client = new TestClient();
    client.stopReading();
    const { clients, context, calls } = await setUp({ maxOutput: 10_000, marks: { high: 1000, low: 100 } }, client);

    for (let count = 0; count < 30; count++) {
      context.heap.client.put('x'.repeat(1000));
      await turn();
    }

    expect(calls).toEqual(['high', 'write 105 no buffer space available', 'disconnected']);
    expect([clients.left, client.isClosed]).toEqual([1, true]);
  });
});

describe('ClientFlushed', () => {
  it('does not come for output that was lost with its client', async () => {
    const client = new TestClient();
    client.stopReading();
    const { context, calls } = await setUp({}, client);
    context.heap.client.put('x'.repeat(5000));
    await turn();

    await client.fail();

    expect(calls).toEqual(['high', 'read 104 connection reset by peer', 'disconnected']);
  });

  it('comes once for three Buffers in one put, and once for two flushes', async () => {
    const { context, calls } = await setUp({ createFilters: bothWays(() => new StreamFilter()) });
    const { client } = context.heap;
    const large = Buffer.alloc(8192);

    client.put(large, large, large);
    await turn();
    const first = [...calls];
    client.put('one');
    client.flush();
    client.put('two');
    client.flush();
    client.flush();
    await turn();

    expect(first).toEqual(['flushed']);
    expect(calls).toEqual(['flushed', 'flushed']);
  });

  it('does not come again before an asynchronous one has settled: a pump does not double', async () => {
    let running = 0;
    let most = 0;
    let pumps = 0;
    const { context } = await setUp({ callbacks: { flushed: async ({ heap }: Any) => {
      running += 1;
      most = Math.max(most, running);
      pumps += 1;
      if (pumps < 20) {
        for (const piece of ['a', 'b']) {
          heap.client.put(piece);
          heap.client.flush();
          await turn();
        }
      }
      running -= 1;
    } } });

    context.heap.client.put('start');
    for (let round = 0; round < 100; round++) await turn();

    expect(most).toBe(1);
    expect(pumps).toBe(20);
  });
});

describe('marks', () => {
  it.each<[string, number, (clients: TestClients) => void]>([
    ['given at the start', 10_000, () => undefined],
    ['lowered in the running pool', 1e6, (all) => { all.clients.configure({ callbackMs: Infinity, maxOutput: 10_000 }); }],
  ])('are not above MaxOutput by default, %s: a client that takes its output slowly is held back before it would be ended', async (_title, maxOutput, change) => {
    const client = new TestClient();
    client.stopReading();
    const { clients, calls } = await setUp({ maxOutput, marks: { high: 1e6, low: 250_000, isDefault: true }, callbacks: {
      input: ({ heap }: Any) => { heap.client.put('x'.repeat(1000)); },
    } }, client);
    change(clients);

    for (let count = 0; count < 40; count++) await client.send('more\n');
    const held = [...calls];
    for (let count = 0; count < 40; count++) await client.readOn();

    expect(held).toEqual(['high']);
    expect([client.text.length, client.isClosed]).toEqual([40 * 1002, false]);
    expect(new Set(calls)).toEqual(new Set(['high', 'low', 'flushed']));
  });

  it('are not above MaxOutput by default, at which put returns true', async () => {
    const client = new TestClient();
    client.stopReading();
    const { context } = await setUp({ maxOutput: 10_000, marks: { high: 1e6, low: 250_000, isDefault: true } }, client);

    expect([context.heap.client.put('x'.repeat(5000)), context.heap.client.put('x'.repeat(5000))]).toEqual([false, true]);
  });

  it('that are given may be above MaxOutput, for one put that is larger', async () => {
    const client = new TestClient();
    client.stopReading();
    const { context } = await setUp({ maxOutput: 10_000, marks: { high: 1e6, low: 250_000 } }, client);

    expect(context.heap.client.put('x'.repeat(50_000))).toBe(false);
  });

  it.each<[string, (client: Any['heap']['client']) => void]>([
    ['a HighMark set below the LowMark', (client) => { client.set_high_mark(1000); }],
    ['a LowMark set above the HighMark', (client) => { client.set_high_mark(1000); client.set_low_mark(5000); }],
  ])('%s does not keep ClientLow away', async (_title, set) => {
    const client = new TestClient();
    client.stopReading();
    const { context, calls } = await setUp({ marks: { high: 60_000, low: 15_000 } }, client);
    set(context.heap.client);
    context.heap.client.put('x'.repeat(2000));
    await turn();

    await client.readOn();

    expect(calls).toEqual(['high', 'low', 'flushed']);
  });
});

describe('ClientTimeout', () => {
  it('does not count while the server itself has paused the input', async () => {
    const { clients, context } = await setUp({ idleMs: 1000 });
    context.heap.client.pause_input();

    clients.clock.advance(5000);
    await clients.settle();

    expect(clients.left).toBe(0);
  });

  it('begins anew when the client takes output, whatever is queued meanwhile', async () => {
    const client = new TestClient();
    client.stopReading();
    const { clients, context } = await setUp({ idleMs: 1000, marks: { high: 1e9, low: 1 } }, client);

    for (let round = 0; round < 10; round++) {
      context.heap.client.put('x'.repeat(2000));
      await client.readOn();
      client.stopReading();
      context.heap.client.put('y'.repeat(5000));
      clients.clock.advance(600);
    }

    expect(clients.left).toBe(0);
  });
});

describe('what is no argument of a call is refused at the call, and nothing has changed', () => {
  it.each<[string, (kernel: Kernel, client: Any['heap']['client']) => unknown]>([
    ['post to null', (kernel) => kernel.post(null as never, 'tick')],
    ['call of nothing', (kernel) => kernel.call(undefined as never, 'tick')],
    ['an event without a name', (kernel) => { kernel.yield(5 as never); }],
    ['a handler that is none', (kernel) => { kernel.state('tick', 5 as never); }],
    ['a handler that is a generator function', (kernel) => { kernel.state('tick', function* () { yield 1; }); }],
    ['an alias that is no text', (kernel) => kernel.alias_set(5 as never)],
    ['a delay without a time', (kernel) => { kernel.delay('tick', Number.NaN); }],
    ['an alarm without a time', (kernel) => { kernel.alarm('tick', Infinity); }],
    ['a filter by its name', (_kernel, client) => { client.set_filter('Line' as never); }],
    ['an input filter that is half of one', (_kernel, client) => { client.set_input_filter({ get_one: () => [] } as never); }],
    ['an output filter that is null', (_kernel, client) => { client.set_output_filter(null as never); }],
  ])('%s', async (_title, act) => {
    const ticks: string[] = [];
    const { clients, context } = await setUp({ callbacks: { states: new Map([['tick', () => { ticks.push('tick'); }]]) } });
    const before = context.heap.client.get_input_filter();
    context.kernel.delay('tick', 1);

    expect(() => act(context.kernel, context.heap.client)).toThrow(expect.objectContaining({ code: expect.stringMatching(/^ERR_PREFORK_(STATE|FILTER)$/) as unknown }));
    clients.clock.advance(2000);

    expect(context.heap.client.get_input_filter()).toBe(before);
    expect([ticks, clients.left]).toEqual([['tick'], 0]);
  });

  it.each<[string, (context: Context<object>, name: string) => void]>([
    ['delays of other names', ({ kernel }, name) => { kernel.delay(name, 10); }],
    ['states of its own', ({ kernel }, name) => { kernel.state(name, () => undefined); }],
  ])('16,000 %s do not slow each other', async (_title, add) => {
    const { context } = await setUp();
    const scans: number[] = [];
    const original = Map.prototype[Symbol.iterator];
    // Counts iterations over those that are there: a look at all of them for each name would be quadratic.
    Map.prototype[Symbol.iterator] = function iterate<K, V>(this: Map<K, V>) {
      scans.push(this.size);
      return original.call(this) as MapIterator<[K, V]>;
    };
    try {
      for (let name = 0; name < 16_000; name++) add(context, `tick ${name}`);
    } finally {
      Map.prototype[Symbol.iterator] = original;
    }

    expect(scans.length).toBeLessThan(100);
  });
});
