import type { BlockList } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { InputContext } from '../../src/callbacks.js';
import { BlockFilter, CodecFilter, GrepFilter, LineFilter, MapFilter, ReferenceFilter, StackableFilter, StreamFilter } from '../../src/index.js';
import type { AnyFilter } from '../../src/filters/filter.js';
import { createAdmission } from '../../src/session/admission.js';
import { TestClients, bothWays } from './session-fixture.js';

/** What an async function returns that fails; vitest fails for a rejection that no one takes. */
const failing = (): never => Promise.reject(new Error('oh')) as never;
const none = (): never => undefined as never;

type Broken = Partial<Record<Exclude<keyof AnyFilter, 'text_encoding'>, () => never>>;
type Given = NonNullable<ConstructorParameters<typeof TestClients>[0]>;

const filters = (create: () => AnyFilter): Given => ({ createFilters: bothWays(create) });
const line = (own: Broken): Given => filters(() => Object.assign(new LineFilter(), own));
const above = (layer: AnyFilter): Given => filters(() => new StackableFilter({ Filters: [new LineFilter(), layer] }) as AnyFilter);
/** A filter that a stack takes as it is. */
const stream = (own: Broken): AnyFilter => {
  const filter: AnyFilter = Object.assign(new StreamFilter(), own, { clone: () => filter });
  return filter;
};
const waits = /a promise, which is not waited for/;

describe('a promise where nothing waits for one ends its client alone, and is reported', () => {
  it.each<[string, Given]>([
    ['Get of a MapFilter', above(new MapFilter({ Get: failing, Put: (text: unknown) => [text] }) as AnyFilter)],
    ['Put of a MapFilter', above(new MapFilter({ Get: (text: unknown) => [text], Put: failing }) as AnyFilter)],
    ['Get of a GrepFilter', above(new GrepFilter({ Get: failing, Put: () => true }) as AnyFilter)],
    ['Put of a GrepFilter', above(new GrepFilter({ Get: () => true, Put: failing }) as AnyFilter)],
    ['Decode of a CodecFilter', filters(() => new CodecFilter({ Decode: failing }))],
    ['Encode of a CodecFilter', filters(() => new CodecFilter({ Decode: ({ length }) => ({ record: 'x', bytes: length }), Encode: failing }))],
    ['the one half of a LengthCodec', filters(() => new BlockFilter({ LengthCodec: [String, failing] }))],
    ['the other half of a LengthCodec', { createFilters: () => ({ input: new StreamFilter(), output: new BlockFilter({ LengthCodec: [failing, none] }) }) }],
    ['thaw of a Serializer', filters(() => new ReferenceFilter({ Serializer: { freeze: () => '', thaw: failing } }))],
    ['freeze of a Serializer', { createFilters: () => ({ input: new StreamFilter(), output: new ReferenceFilter({ Serializer: { freeze: failing, thaw: none } }) }) }],
    ['get_one of a filter', line({ get_one: failing })],
    ['get_one_start of a filter', line({ get_one_start: failing })],
    ['put of a filter', line({ put_text: none, put: failing })],
    ['put_text of a filter', line({ put_text: failing })],
    ['text_encoding of a filter', { createFilters: () => ({ input: new LineFilter(), output: Object.defineProperty(Object.assign(new StreamFilter(), { put_text: () => 'x' }), 'text_encoding', { get: failing }) }) }],
    ['get_one of a filter in a stack', above(stream({ get_one: failing }))],
    ['get_one_start of a filter in a stack', above(stream({ get_one_start: failing }))],
    ['get_one_start of the lowest filter in a stack', filters(() => new StackableFilter({ Filters: [stream({ get_one_start: failing })] }) as AnyFilter)],
    ['put of a filter in a stack', above(stream({ put: failing }))],
    ['a record that is put', { callbacks: { input: ({ heap }: InputContext<object, string>) => { heap.client.put(failing()); } } }],
    ['Heap', { createHeap: failing }],
  ])('from %s', async (_title, given) => {
    const clients = new TestClients({ ...given, callbacks: { input: ({ heap, input }: InputContext<object, unknown>) => { heap.client.put(input); }, ...given.callbacks } });
    const client = await clients.connect();
    await client.send('2\0{}\r\n');
    await clients.settle();
    await client.end();
    await clients.settle();

    expect(clients.failures.map(({ message }) => message)).toEqual([expect.stringMatching(waits)]);
    expect(clients.left).toBe(1);
  });

  it('from check of a BlockList, which lets no one in', async () => {
    const clients = new TestClients({ admission: createAdmission({ check: failing } as unknown as BlockList, 0) });

    expect((await clients.connect()).isClosed).toBe(true);
    expect(clients.failures).toMatchObject([{ where: 'BlockList', message: expect.stringMatching(waits) as string }]);
  });

  it.each([
    ['hand_over', { hand_over: failing }], ['get_pending', { hand_over: undefined, get_pending: failing }], ['get_pending, which hand_over returns,', { get_pending: failing }],
  ])('from %s of a filter that is replaced', async (_title, own) => {
    const old = Object.assign(new LineFilter(), own);
    const clients = new TestClients({ createFilters: bothWays(() => old), callbacks: { input: ({ heap }: InputContext<object, string>) => { heap.client.set_input_filter(new LineFilter()); } } });
    const client = await clients.connect();
    await client.send('x\r\n');
    await clients.settle();
    await client.end();
    await clients.settle();

    expect([clients.left, clients.failures.length]).toEqual([1, 1]);
  });
});

describe('a promise from a filter in a stack that is replaced ends its client alone, and is reported,', () => {
  const lowest = (layer: AnyFilter): AnyFilter => new StackableFilter({ Filters: [layer] }) as AnyFilter;
  const upper = (layer: AnyFilter): AnyFilter => new StackableFilter({ Filters: [new StreamFilter(), layer] }) as AnyFilter;

  it.each<[string, (layer: AnyFilter) => AnyFilter, { readonly [Method in keyof Broken]: Broken[Method] | undefined }]>([
    ['hand_over of the lowest', lowest, { hand_over: failing }], ['get_pending of the lowest', lowest, { hand_over: undefined, get_pending: failing }],
    ['hand_over of another', upper, { hand_over: failing }], ['get_pending of another', upper, { get_pending: failing }],
    ['clone of another', upper, { hand_over: undefined, clone: failing }],
  ])('from %s', async (_title, stack, own) => {
    const layer: AnyFilter = Object.assign(new StreamFilter(), { clone: () => layer });
    const old = stack(layer);
    Object.assign(layer, own);
    const clients = new TestClients({ createFilters: bothWays(() => old), callbacks: { input: ({ heap }: InputContext<object, string>) => { heap.client.set_input_filter(new LineFilter()); } } });
    const client = await clients.connect();
    await client.send('x');
    await clients.settle();
    await client.end();
    await clients.settle();

    expect(clients.failures.map(({ message }) => message)).toEqual([expect.stringMatching(waits)]);
    expect(clients.left).toBe(1);
  });
});

it('a promise for what follows the last record is refused, and the failure of it is taken', async () => {
  const old = Object.assign(new LineFilter(), { hand_over: () => ({ pending: [], rest: failing }) });
  const clients = new TestClients({ createFilters: bothWays(() => old), callbacks: { input: ({ heap }: InputContext<object, string>) => { heap.client.set_input_filter(new LineFilter()); } } });
  const client = await clients.connect();
  await client.send('x\r\n');
  await client.send('y\r\n');
  await clients.settle();
  await client.end();
  await clients.settle();

  expect(clients.failures.map(({ message }) => message)).toEqual([expect.stringMatching(waits)]);
  expect(clients.left).toBe(1);
});

describe('what filters of the user\'s give is looked at', () => {
  it.each([[{}], ['text'], [7]])('so %j instead of [record] is a fault, not a record without end', async (given) => {
    const clients = new TestClients(line({ get_one: () => given as never }));
    const client = await clients.connect();
    await client.send('x\r\n');
    await clients.settle();
    await client.end();
    await clients.settle();

    expect(clients.left).toBe(1);
    expect(clients.failures).toMatchObject([{ where: 'ClientFilter', code: 'ERR_PREFORK_FILTER' }]);
  });
});

describe('what ClientPreConnect returns', () => {
  it.each([[true], [{}], ['socket'], [{ write() { return true; }, on() { return this; } }]])('is refused with the reason if it is %j', async (given) => {
    const clients = new TestClients({ preConnect: () => given });
    const client = await clients.connect();
    await clients.settle();

    expect([clients.left, client.isClosed]).toEqual([1, true]);
    expect(clients.failures).toMatchObject([{ where: 'ClientPreConnect', message: expect.stringContaining('it must return the socket or another stream') as string }]);
  });
});
