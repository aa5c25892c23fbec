import { describe, expect, it } from 'vitest';
import type { WheelContext } from '../../src/callbacks.js';
import type { Context, StateContext } from '../../src/kernel.js';
import type { SessionCallbacks } from '../../src/session/client-config.js';
import { turn } from '../support/manual-clock.js';
import { TestClients, type Given, type TestClient } from './session-fixture.js';

type Any = Context<object>;
type Pump = NonNullable<SessionCallbacks['flushed']>;

/** A client asks for something in one line, closes its side, and only then reads. @param meanwhile - what happens before it reads */
async function ask(given: Given, meanwhile: (clients: TestClients) => void = () => undefined): Promise<{ clients: TestClients; client: TestClient }> {
  const clients = new TestClients(given);
  const client = await clients.connect();
  client.stopReading();
  await client.send('get\r\n');
  await client.end();
  meanwhile(clients);
  await client.readOn();
  for (let count = 0; count < 20; count++) await clients.settle();
  return { clients, client };
}

const drain = ({ clients }: TestClients): void => { clients.drain(20); };

/** Puts a line each time, up to ten. */
function pumpOf(count = 0): (heap: Any['heap']) => void {
  return (heap) => { if (count++ < 10) heap.client.put(`part ${count}`); };
}

const ALL = Array.from({ length: 10 }, (_, index) => `part ${index + 1}\r\n`).join('');

describe('a client that has closed its side', () => {
  describe.each([true, false])('with ShutdownOnError %s', (shutdownOnError) => {
    it.each<[string, (pump: ReturnType<typeof pumpOf>) => Partial<SessionCallbacks>]>([
      ['ClientFlushed puts', (pump) => ({ flushed: ({ heap }: WheelContext<object>) => { pump(heap); } })],
      ['an async ClientFlushed puts', (pump) => ({ flushed: (async ({ heap }: WheelContext<object>) => {
        await turn();
        pump(heap);
      }) as Pump })],
      ['an async ClientLow puts', (pump) => ({
        connected: ({ heap }: Any) => { heap.client.set_high_mark(1); },
        low: (async ({ heap }: WheelContext<object>) => {
          await turn();
          // What the kernel takes at once does not reach the mark.
          for (let count = 0; count < 10; count++) pump(heap);
        }) as Pump,
      })],
    ])('gets everything that %s', async (_title, callbacks) => {
      const pump = pumpOf();
      const { clients, client } = await ask({
        shutdownOnError, marks: { high: 1024, low: 0 }, callbacks: { input: ({ heap }: Any) => { pump(heap); }, ...callbacks(pump) },
      });

      expect(client.text).toBe(ALL);
      expect([client.hasEnded, clients.left, clients.failures]).toEqual([true, 1, []]);
    });
  });

  it('gets what is put by events that were posted before', async () => {
    const clients = new TestClients({ callbacks: {
      input: ({ kernel }: Any) => { kernel.yield('answer'); },
      states: new Map([['answer', ({ heap }: StateContext<object>) => { heap.client.put('late'); }]]),
    } });
    const client = await clients.connect();
    await client.send('get\r\n');
    await client.end();

    await clients.settle();

    expect([client.text, client.hasEnded, clients.left]).toEqual(['late\r\n', true, 1]);
  });

  it.each<[string, (context: Any, pump: ReturnType<typeof pumpOf>, step: number) => unknown]>([
    ['each of which yields the next', ({ heap, kernel }, pump, step) => {
      pump(heap);
      if (step < 10) kernel.yield('more', step + 1);
    }],
    ['async ones, each of which posts the next', async ({ heap, kernel, session }, pump, step) => {
      await turn();
      pump(heap);
      if (step < 10) kernel.post(session, 'more', step + 1);
    }],
    ['the last of which yields one that nothing handles', ({ heap, kernel }, pump, step) => {
      pump(heap);
      if (step < 10) kernel.yield('more', step + 1);
      else kernel.yield('unknown');
    }],
    ['with one that a timer brings', ({ heap, kernel }, pump, step) => {
      pump(heap);
      if (step < 10) kernel.yield('more', step + 1);
      kernel.delay_set('late', 60);
    }],
  ])('gets everything that a chain of events puts, %s', async (_title, more) => {
    const pump = pumpOf();
    const { clients, client } = await ask({ callbacks: {
      input: ({ kernel }: Any) => { kernel.yield('more', 1); },
      states: new Map([['more', ((context: StateContext<object>) => more(context, pump, context.args[0] as number)) as never]]),
    } });

    expect(client.text).toBe(ALL);
    expect([client.hasEnded, clients.left, clients.failures]).toEqual([true, 1, []]);
  });

  it('gets what was put before the session was shut down, and ClientError is not called', async () => {
    const calls: string[] = [];
    const clients = new TestClients({ callbacks: {
      input: ({ heap, kernel }: Any) => {
        heap.client.put('answer');
        kernel.post(heap.alias, 'nothing');
        kernel.yield('shutdown');
      },
      error: () => { calls.push('error'); },
      disconnected: () => { calls.push('disconnected'); },
    } });
    const client = await clients.connect();
    await client.send('get\r\n');
    await client.end();

    await clients.settle();

    expect([client.text, calls]).toEqual(['answer\r\n', ['disconnected']]);
  });

  it.each<[string, (context: WheelContext<object>) => void, string[]]>([
    ['shuts it down', ({ kernel, session }) => { kernel.call(session, 'shutdown'); }, []],
    ['throws', () => { throw new Error('broken'); }, ['ClientFlushed']],
  ])('gets no more once ClientFlushed %s', async (_title, last, faults) => {
    let count = 0;
    const { clients, client } = await ask({ callbacks: {
      input: ({ heap }: Any) => { heap.client.put('first'); },
      flushed: (context: WheelContext<object>) => {
        count += 1;
        context.heap.client.put(`more ${count}`);
        if (count === 3) last(context);
      },
    } });

    expect(client.text).toBe('first\r\nmore 1\r\nmore 2\r\nmore 3\r\n');
    expect([clients.left, clients.failures.map(({ where }) => where)]).toEqual([1, faults]);
  });

  it('is told of a drain as long as ClientFlushed goes on, so that this can stop', async () => {
    const deadlines: number[] = [];
    const pump = pumpOf();

    const { client, clients } = await ask({ callbacks: {
      input: ({ heap }: Any) => { pump(heap); },
      flushed: ({ heap }: WheelContext<object>) => { if (deadlines.length === 0) pump(heap); },
      draining: ({ deadline }: { deadline: number }) => { deadlines.push(deadline); },
    } }, drain);

    expect([client.text, deadlines, clients.left]).toEqual(['part 1\r\n', [20], 1]);
  });

  it('is not told of a drain once all that is left is to send what was put', async () => {
    const deadlines: number[] = [];

    const { client, clients } = await ask({ callbacks: {
      input: ({ heap }: Any) => { heap.client.put('last'); },
      draining: ({ deadline }: { deadline: number }) => { deadlines.push(deadline); },
    } }, drain);

    expect([client.text, deadlines, clients.left]).toEqual(['last\r\n', [], 1]);
  });

  it('ends in an orderly way when a ClientFlushed has not settled within ClientCallbackTimeout, although another is due after it', async () => {
    const clients = new TestClients({ shutdownOnError: false, callbackMs: 2000, callbacks: {
      input: ({ heap }: Any) => { heap.client.put('first'); },
      flushed: (async ({ heap }: WheelContext<object>) => {
        heap.client.put('second');
        await new Promise(() => undefined);
      }) as Pump,
    } });
    const client = await clients.connect();
    await client.send('get\r\n');
    await client.end();

    clients.clock.advance(2500);
    await clients.settle();

    expect([client.text, client.hasEnded, clients.left]).toEqual(['first\r\nsecond\r\n', true, 1]);
  });

  it('and reset the connection then is gone, although ClientFlushed would put for ever', async () => {
    const clients = new TestClients({ callbacks: {
      input: ({ heap }: Any) => { heap.client.put('first'); },
      flushed: ({ heap }: WheelContext<object>) => { heap.client.put('more'); },
    } });
    const client = await clients.connect();
    client.stopReading();
    await client.send('get\r\n');
    await client.end();
    const before = clients.left;

    await client.fail();
    await clients.settle();

    expect([before, clients.left]).toEqual([0, 1]);
  });
});
