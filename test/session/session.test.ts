import { describe, expect, it } from 'vitest';
import type { ClientErrorContext, InputContext } from '../../src/callbacks.js';
import type { Context, StateContext } from '../../src/kernel.js';
import { BlockFilter } from '../../src/filters/block.js';
import { CodecFilter } from '../../src/filters/codec.js';
import type { AnyFilter } from '../../src/filters/filter.js';
import { FrameFilter } from '../../src/filters/frame.js';
import { HttpdFilter } from '../../src/filters/httpd/httpd.js';
import { LineFilter } from '../../src/filters/line.js';
import { deferred } from '../support/deferred.js';
import { TestClient, TestClients, bothWays, type Given } from './session-fixture.js';

type Any = Context<object>;
type Line = InputContext<object, string>;
type Failure = ClientErrorContext<object>;

/** Clients with callbacks that note what they are called for. */
function noting(callbacks: Given['callbacks'] = {}, given: Given = {}): { clients: TestClients; calls: string[] } {
  const calls: string[] = [];
  const clients = new TestClients({
    ...given,
    callbacks: {
      connected: () => { calls.push('connected'); },
      input: ({ input }: Line) => { calls.push(`input ${input}`); },
      error: ({ operation, errno, errstr }: Failure) => { calls.push(`error ${operation} ${errno} ${errstr}`.trimEnd()); },
      disconnected: () => { calls.push('disconnected'); },
      ...callbacks,
    },
  });
  return { clients, calls };
}

describe('a session', () => {
  it('goes from the connection over each record to the end of it', async () => {
    const { clients, calls } = noting();
    const client = await clients.connect();

    await client.send('one\r\ntwo\r\nthr');
    await client.send('ee\r\n');
    await client.end();
    await clients.settle();

    expect(calls).toEqual(['connected', 'input one', 'input two', 'input three', 'error read 0', 'disconnected']);
    expect([clients.left, client.hasEnded]).toEqual([1, true]);
  });

  it('lets callbacks know who is there', async () => {
    let heap: Any['heap'] | undefined;
    const { clients } = noting({ connected: (context: Any) => { heap = context.heap; } });

    await clients.connect(new TestClient({ address: '::1', port: 99 }));

    expect(heap).toMatchObject({
      remote_ip: '::1', remote_port: 99, remote_addr: '[::1]:99', shutdown: false, got_an_error: false, shutdown_on_error: true, alias: 'server', master_alias: 'manager',
    });
  });

  it('answers what a client sent before it closed its side', async () => {
    const { clients } = noting({ input: ({ heap, input }: Line) => { heap.client.put(`${input}!`); } });
    const client = await clients.connect();

    void client.send('hello\r\n');
    await client.end();
    await clients.settle();

    expect(client.text).toBe('hello!\r\n');
    expect(client.hasEnded).toBe(true);
  });

  it('gives the arguments of ClientArgs to ClientConnected', async () => {
    const given: unknown[] = [];
    const { clients } = noting({ connected: ({ args }: { args: unknown[] }) => { given.push(...args); } }, { clientArgs: ['a', 1] });

    await clients.connect();

    expect(given).toEqual(['a', 1]);
  });

  it('holds the next record back until a callback has settled', async () => {
    const first = deferred();
    const { clients, calls } = noting({
      input: ({ input }: Line) => {
        calls.push(`input ${input}`);
        return input === 'one' ? first.promise : undefined;
      },
    });
    const client = await clients.connect();
    await client.send('one\r\ntwo\r\n');
    const before = [...calls];

    first.resolve();
    await clients.settle();

    expect(before).toEqual(['connected', 'input one']);
    expect(calls).toEqual(['connected', 'input one', 'input two']);
  });

  it('holds the first record back until ClientConnected has settled, and the end of the input too', async () => {
    const welcome = deferred();
    const { clients, calls } = noting({ connected: () => welcome.promise });
    const client = await clients.connect();
    await client.send('one\r\n');
    await client.end();
    const before = [...calls];

    welcome.resolve();
    await clients.settle();

    expect(before).toEqual([]);
    expect(calls).toEqual(['input one', 'error read 0', 'disconnected']);
  });
});

describe('a session that is shut down', () => {
  it('handles no further input, sends what was put, and ends', async () => {
    const { clients, calls } = noting({
      input: ({ heap, kernel, input }: Line) => {
        calls.push(`input ${input}`);
        heap.client.put('bye');
        kernel.yield('shutdown');
      },
    });
    const client = await clients.connect();

    await client.send('quit\r\nmore\r\n');
    await clients.settle();

    expect(calls).toEqual(['connected', 'input quit', 'disconnected']);
    expect([client.text, client.hasEnded, clients.left]).toEqual(['bye\r\n', true, 1]);
  });

  it('closes when the client has closed its side, or after a moment', async () => {
    const { clients } = noting({ connected: ({ kernel }: Any) => { kernel.yield('shutdown'); } });
    const polite = await clients.connect();
    const rude = await clients.connect();
    await clients.settle();
    await polite.end();
    const early = [polite.isClosed, rude.isClosed];

    clients.clock.advance(5000);

    expect(early).toEqual([true, false]);
    expect(rude.isClosed).toBe(true);
    await expect(clients.clients.closed()).resolves.toBeUndefined();
  });

  it('waits until the client has taken its output', async () => {
    const { clients, calls } = noting({
      connected: ({ heap, kernel }: Any) => {
        heap.client.put('a long answer');
        kernel.yield('shutdown');
      },
    });
    const client = new TestClient();
    client.stopReading();
    await clients.connect(client);
    await clients.settle();
    const before = [...calls];

    await client.readOn();
    await clients.settle();

    expect(before).toEqual([]);
    expect(calls).toEqual(['disconnected']);
    expect(client.text).toBe('a long answer\r\n');
  });

  it('informs the others only once, however it ends', async () => {
    const { clients, calls } = noting({ input: ({ kernel }: Line) => { kernel.yield('shutdown'); } });
    const client = await clients.connect();
    await client.send('quit\r\n');
    await clients.settle();

    await client.fail();
    clients.clients.abort();
    await clients.settle();

    expect(calls.filter((call) => call === 'disconnected')).toHaveLength(1);
    expect(clients.left).toBe(1);
  });
});

describe('a session that fails', () => {
  it('reports a reset, and ends', async () => {
    const { clients, calls } = noting();
    const client = await clients.connect();

    await client.fail('ECONNRESET');

    expect(calls).toEqual(['connected', 'error read 104 connection reset by peer', 'disconnected']);
    expect(clients.left).toBe(1);
  });

  it('reports input that its filter refuses, and ends', async () => {
    const { clients, calls } = noting({}, {
      createFilters: () => {
        const both = new LineFilter({ MaxLength: 4 });
        return { input: both, output: both };
      },
    });
    const client = await clients.connect();

    await client.send('far too long\r\n');
    await clients.settle();

    expect(calls[1]).toMatch(/^error input 0 /);
    expect(calls.at(-1)).toBe('disconnected');
    expect(clients.failures).toEqual([]);
  });

  it.each<[string, (context: Line) => unknown]>([
    ['throws', () => { throw new Error('oh'); }],
    ['rejects', () => Promise.reject(new Error('oh'))],
  ])('because a callback %s tells the master and the client\'s handler, and ends: one client', async (_title, input) => {
    const { clients, calls } = noting({ input });
    const [one, two] = [await clients.connect(), await clients.connect()];

    await one.send('go\r\n');
    await clients.settle();
    await one.end();

    expect(clients.failures).toMatchObject([{ where: 'ClientInput', message: 'oh' }]);
    expect(calls).toEqual(['connected', 'connected', 'error callback 0 oh', 'disconnected']);
    expect([one.isClosed, two.isClosed, clients.left]).toEqual([true, false, 1]);
  });

  it('because a callback throws what is no Error says so', async () => {
    // eslint-disable-next-line @typescript-eslint/only-throw-error -- that is what happens
    const { clients } = noting({ input: () => { throw 'text'; } });
    const client = await clients.connect();

    await client.send('go\r\n');

    expect(clients.failures).toMatchObject([{ where: 'ClientInput', code: 'ERR_PREFORK_CALLBACK' }]);
  });

  it.each<[string, Given['callbacks']]>([
    ['ClientError', { error: () => { throw new Error('again'); } }],
    ['ClientDisconnected', { disconnected: () => Promise.reject(new Error('again')) }],
  ])('does not run in a circle when %s fails too', async (where, callbacks) => {
    const { clients } = noting({ input: () => { throw new Error('oh'); }, ...callbacks });
    const client = await clients.connect();

    await client.send('go\r\n');
    await clients.settle();

    expect(clients.failures.map((failure) => failure.where)).toEqual(['ClientInput', where]);
    expect(clients.left).toBe(1);
  });

  it('goes on if asked to with shutdown_on_error', async () => {
    const { clients, calls } = noting({ input: ({ input }: Line) => {
      calls.push(`input ${input}`);
      if (input === 'bad') throw new Error('oh');
    } }, { shutdownOnError: false });
    const client = await clients.connect();

    await client.send('bad\r\ngood\r\n');

    expect(calls).toEqual(['connected', 'input bad', 'error callback 0 oh', 'input good']);
    expect(clients.left).toBe(0);
  });

  it('reports output that comes too late, and sends nothing', async () => {
    let heap: Any['heap'] | undefined;
    const { clients } = noting({ connected: (context: Any) => { heap = context.heap; } });
    const client = await clients.connect();
    await client.end();
    await clients.settle();

    const answer = heap?.client.put('late');

    expect(answer).toBe(false);
    expect(clients.failures).toMatchObject([{ where: 'put', code: 'ERR_PREFORK_ENDED' }]);
    expect(heap?.shutdown).toBe(true);
  });

  it('sends nothing, and reports nothing, of what others say to a client whose end is on its way', async () => {
    const answers: unknown[] = [];
    const { clients, calls } = noting({ connected: ({ heap: { client } }: Any) => {
      client.socket.once('prefinish', () => { answers.push(client.put('late'), [...calls]); });
    } });
    const client = await clients.connect();

    await client.end();
    await clients.settle();

    expect(answers).toEqual([false, expect.not.arrayContaining([expect.stringContaining('disconnected')])]);
    expect(calls.join()).toContain('disconnected');
    expect(clients.failures).toEqual([]);
  });
});

describe('events of a session', () => {
  it('are handled by its states, in a later turn, with arguments and sender', async () => {
    const events: unknown[] = [];
    let id = 0;
    const { clients } = noting({
      connected: ({ kernel, session }: Any) => {
        id = session.ID;
        kernel.yield('tick', 1, 'a');
        events.push('posted');
      },
      states: new Map([['tick', ({ state, args, sender }: StateContext<object>) => { events.push([state, args, sender.ID]); }]]),
    });

    await clients.connect();
    await clients.settle();

    expect(events).toEqual(['posted', ['tick', [1, 'a'], id]]);
  });

  it('may be added and removed while it lives, for this client only', async () => {
    const events: string[] = [];
    const contexts: Any[] = [];
    const { clients } = noting({ connected: (context: Any) => { contexts.push(context); } });
    await clients.connect();
    await clients.connect();
    const [one, two] = contexts;

    one?.kernel.state('tick', () => { events.push('one'); });
    for (const context of contexts) context.kernel.yield('tick');
    await clients.settle();
    one?.kernel.state('tick');
    one?.kernel.yield('tick');
    two?.kernel.yield('tick');
    await clients.settle();

    expect(events).toEqual(['one']);
  });

  it('cannot take the place of its own', async () => {
    let refusal: unknown;
    const { clients } = noting({ connected: ({ kernel }: Any) => {
      try {
        kernel.state('shutdown', () => undefined);
      } catch (error) {
        refusal = error;
      }
    } });

    await clients.connect();

    expect(refusal).toMatchObject({ code: 'ERR_PREFORK_STATE' });
  });

  it('reach another session by its alias, until that has ended', async () => {
    const heard: unknown[] = [];
    const answers: unknown[] = [];
    const contexts: Any[] = [];
    const { clients } = noting({
      connected: (context: Any) => { contexts.push(context); },
      states: new Map([['hear', ({ args }: StateContext<object>) => {
        heard.push(args[0]);
        return 'heard';
      }]]),
    });
    const first = await clients.connect();
    await clients.connect();
    const [one, two] = contexts;
    one?.kernel.alias_set('one');

    answers.push(two?.kernel.call('one', 'hear', 'called'), two?.kernel.post('one', 'hear', 'posted'));
    await clients.settle();
    await first.end();
    await clients.settle();
    answers.push(two?.kernel.post('one', 'hear', 'too late'), two?.kernel.call('one', 'hear', 'too late'), two?.kernel.alias_resolve('one'));

    expect(heard).toEqual(['called', 'posted']);
    expect(answers).toEqual(['heard', true, false, undefined, undefined]);
  });

  it('that were set as alarms end with it', async () => {
    const events: string[] = [];
    const { clients } = noting({
      connected: ({ kernel }: Any) => {
        kernel.delay('tick', 1);
        kernel.delay_add('tick', 60);
      },
      states: new Map([['tick', () => { events.push('tick'); }]]),
    });
    const client = await clients.connect();
    clients.clock.advance(2000);
    await client.end();
    await clients.settle();

    clients.clock.advance(5000);
    const timers = clients.clock.delays;
    clients.clock.advance(120_000);

    expect(timers).toEqual([]);
    expect(events).toEqual(['tick']);
  });
});

describe('the output of a session', () => {
  it('is written once for all records of a turn, in their order', async () => {
    const { clients } = noting({ connected: ({ heap: { client } }: Any) => {
      client.put('one', 'two');
      client.put('three');
    } });

    const client = await clients.connect();

    expect(client.text).toBe('one\r\ntwo\r\nthree\r\n');
  });

  it('above HighMark stops the input until it is at LowMark', async () => {
    const high: boolean[] = [];
    const { clients, calls } = noting({
      input: ({ heap, input }: Line) => {
        calls.push(`input ${input}`);
        high.push(heap.client.put('x'.repeat(600)));
      },
      high: () => { calls.push('high'); },
      low: () => { calls.push('low'); },
      flushed: () => { calls.push('flushed'); },
    }, { marks: { high: 1000, low: 100 } });
    const client = new TestClient();
    client.stopReading();
    await clients.connect(client);

    for (const line of ['1', '2', '3', '4']) await client.send(`${line}\r\n`);
    const before = [...calls];
    await client.readOn();
    await clients.settle();

    expect(before).toEqual(['connected', 'input 1', 'input 2', 'high']);
    expect(high.slice(0, 2)).toEqual([false, true]);
    expect(calls).toEqual(expect.arrayContaining(['low', 'input 3', 'input 4', 'flushed']));
    expect(client.text.length).toBe(4 * 602);
  });

  it('says how much of it is queued', async () => {
    const octets: number[] = [];
    const { clients } = noting({ connected: ({ heap: { client } }: Any) => {
      octets.push(client.get_driver_out_octets());
      client.put('four');
      octets.push(client.get_driver_out_octets());
    } });

    await clients.connect();

    expect(octets).toEqual([0, 6]);
  });

  it('cannot be given marks that are no numbers', async () => {
    const refusals: unknown[] = [];
    const { clients } = noting({ connected: ({ heap: { client } }: Any) => {
      for (const bytes of [-1, Number.NaN, 'many' as unknown as number]) {
        try {
          client.set_high_mark(bytes);
        } catch (error) {
          refusals.push((error as { code?: unknown }).code);
        }
      }
    } });

    await clients.connect();

    expect(refusals).toEqual(['ERR_PREFORK_STATE', 'ERR_PREFORK_STATE', 'ERR_PREFORK_STATE']);
  });

  it('may end while the input goes on', async () => {
    const { clients, calls } = noting({ connected: ({ heap: { client } }: Any) => {
      client.put('that is all');
      client.shutdown_output();
    } });
    const client = await clients.connect();

    await client.send('thanks\r\n');

    expect([client.text, client.hasEnded]).toEqual(['that is all\r\n', true]);
    expect(calls).toEqual(['input thanks']);
  });
});

describe('the input of a session', () => {
  it('waits while it is paused', async () => {
    const { clients, calls } = noting();
    let heap: Any['heap'] | undefined;
    const paused = new TestClients({ callbacks: {
      connected: (context: Any) => {
        heap = context.heap;
        heap.client.pause_input();
      },
      input: ({ input }: Line) => { calls.push(input); },
    } });
    const client = await paused.connect();
    await client.send('one\r\n');
    const before = [...calls];

    heap?.client.resume_input();
    await paused.settle();

    expect(before).toEqual([]);
    expect(calls).toEqual(['one']);
    expect(clients.left).toBe(0);
  });

  it('is thrown away after shutdown_input', async () => {
    const { clients, calls } = noting({ input: ({ heap, input }: Line) => {
      calls.push(`input ${input}`);
      heap.client.shutdown_input();
    } });
    const client = await clients.connect();

    await client.send('one\r\ntwo\r\n');
    await client.send('three\r\n');

    expect(calls).toEqual(['connected', 'input one']);
  });

  it('goes on with another filter where the first one stopped', async () => {
    const { clients, calls } = noting({ input: ({ heap, input }: Line) => {
      calls.push(`input ${input}`);
      if (input === 'bars') heap.client.set_input_filter(new LineFilter({ InputLiteral: '|' }));
    } });
    const client = await clients.connect();

    await client.send('bars\r\none|two|');

    expect(calls).toEqual(['connected', 'input bars', 'input one', 'input two']);
  });
});

describe('a filter that has given up its input, when it is set again after another', () => {
  it.each<[string, AnyFilter, string, string, unknown]>([
    ['BlockFilter', new BlockFilter(), 'no length\r\n', '2\0ab', Buffer.from('ab')],
    ['FrameFilter', new FrameFilter({ LengthBytes: 1, LengthOffset: 1, Start: '#' }), 'no start\r\n', '#\u0002ab', Buffer.from('ab')],
    ['CodecFilter', new CodecFilter({ Decode: (input) => ({ record: input.subarray(1, 3), bytes: input[0] === 35 ? 3 : -1 }) }), 'no start\r\n', '#ab', Buffer.from('ab')],
    ['HttpdFilter', new HttpdFilter(), 'nonsense\r\n\r\n', 'GET /ab HTTP/1.0\r\n\r\n', expect.objectContaining({ uri: '/ab' })],
  ])('%s begins anew', async (_name, filter, bad, good, record) => {
    const records: unknown[] = [];
    let heap!: InputContext<object, unknown>['heap'];
    const clients = new TestClients({ shutdownOnError: false, createFilters: bothWays(() => filter), callbacks: {
      connected: (context: Context<object>) => { ({ heap } = context); },
      input: ({ input }: InputContext<object, unknown>) => { records.push(input); },
    } });
    const client = await clients.connect();
    await client.send(bad);
    heap.client.set_input_filter(new LineFilter());
    await client.send('line\r\n');
    heap.client.set_input_filter(filter);
    await client.send(good);

    expect(records.slice(-2)).toEqual(['line', record]);
  });
});
