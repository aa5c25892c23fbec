import { describe, expect, it } from 'vitest';
import type { Kernel, StateContext } from '../../src/kernel.js';
import { turn } from '../support/manual-clock.js';
import { TestClients } from './session-fixture.js';

interface Setup {
  readonly clients: TestClients;
  readonly kernel: Kernel;
  /** When events came, in seconds from now, and their arguments. */
  readonly events: unknown[][];
}

/** The kernel of a client whose session notes the events `tick` and `tock`. */
async function setUp(): Promise<Setup> {
  const events: unknown[][] = [];
  const kernels: Kernel[] = [];
  const note = ({ state, args }: StateContext<object>): void => { events.push([(clients.clock.now() - start) / 1000, state, ...args]); };
  const clients = new TestClients({ callbacks: {
    connected: ({ kernel }: { kernel: Kernel }) => { kernels.push(kernel); },
    states: new Map([['tick', note], ['tock', note]]),
  } });
  const start = clients.clock.now();
  await clients.connect();
  const [kernel] = kernels;
  if (kernel === undefined) throw new Error('ClientConnected was not called.');
  return { clients, kernel, events };
}

describe('the kernel of a session', () => {
  it('sets one delay of a name: the next takes its place, and none removes it', async () => {
    const { clients, kernel, events } = await setUp();
    kernel.delay('tick', 1, 'first');
    kernel.delay('tick', 2, 'second');
    kernel.delay('tock', 1);
    kernel.delay('tock');

    clients.clock.advance(5000);

    expect(events).toEqual([[2, 'tick', 'second']]);
  });

  it('adds delays of the same name', async () => {
    const { clients, kernel, events } = await setUp();
    kernel.delay_add('tick', 1);
    kernel.delay_add('tick', 2);

    clients.clock.advance(5000);

    expect(events).toEqual([[1, 'tick'], [2, 'tick']]);
  });

  it('takes alarms by the wall clock', async () => {
    const { clients, kernel, events } = await setUp();
    const now = clients.clock.wallNow() / 1000;
    kernel.alarm('tick', now + 3, 'alarm');
    kernel.alarm_add('tock', now - 10, 'past');

    clients.clock.advance(5000);

    expect(events).toEqual([[0, 'tock', 'past'], [3, 'tick', 'alarm']]);
  });

  it('changes and removes what was set, by its id', async () => {
    const { clients, kernel, events } = await setUp();
    const delay = kernel.delay_set('tick', 1, 'delay');
    const alarm = kernel.alarm_set('tick', clients.clock.wallNow() / 1000 + 1, 'alarm');
    const removed = kernel.delay_set('tick', 1, 'removed');

    const answers = [kernel.delay_adjust(delay, 4), kernel.alarm_adjust(alarm, 2), kernel.alarm_remove(removed), kernel.alarm_remove(removed), kernel.delay_adjust(removed, 1)];
    clients.clock.advance(10_000);

    expect(answers).toEqual([true, true, true, false, false]);
    expect(events).toEqual([[3, 'tick', 'alarm'], [4, 'tick', 'delay']]);
  });

  it('removes all at once', async () => {
    const { clients, kernel, events } = await setUp();
    kernel.delay_add('tick', 1);
    kernel.delay_add('tock', 1);

    kernel.alarm_remove_all();
    clients.clock.advance(5000);

    expect(events).toEqual([]);
  });

  it.each<[string, (kernel: Kernel) => unknown]>([
    ['delay', (kernel) => { kernel.delay_add('tick', Number.NaN); }],
    ['delay', (kernel) => kernel.delay_set('tick', '1' as unknown as number)],
    ['alarm', (kernel) => { kernel.alarm_add('tick', Infinity); }],
    ['delay_adjust', (kernel) => kernel.delay_adjust(1, Number.NaN)],
    ['alarm_adjust', (kernel) => kernel.alarm_adjust(1, Number.NaN)],
  ])('refuses a time that is none: %s', async (call, act) => {
    const { kernel } = await setUp();

    expect(() => act(kernel)).toThrow(expect.objectContaining({ code: 'ERR_PREFORK_STATE', message: expect.stringContaining(`kernel.${call} `) as unknown }));
  });

  it('gives aliases and takes them back', async () => {
    const { kernel } = await setUp();
    const session = kernel.get_active_session();

    const answers = [kernel.alias_set('name'), kernel.alias_resolve('name') === session, kernel.alias_remove('name'), kernel.alias_remove('name'), kernel.alias_resolve('name')];

    expect(answers).toEqual([true, true, true, false, undefined]);
  });

  it('says whether there is anybody to post to', async () => {
    const { clients, kernel, events } = await setUp();

    const answers = [kernel.post('nobody', 'tick'), kernel.post(kernel.get_active_session(), 'tick', 1), kernel.call('nobody', 'tick')];
    clients.clock.settle();
    await turn();

    expect(answers).toEqual([false, true, undefined]);
    expect(events).toEqual([[0, 'tick', 1]]);
  });
});
