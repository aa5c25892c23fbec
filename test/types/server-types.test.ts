import { Buffer } from 'node:buffer';
import type { Socket } from 'node:net';
import { expectTypeOf, it } from 'vitest';
import { BlockFilter, LineFilter, MapFilter, PreforkTcpServer, StackableFilter, StreamFilter } from '../../src/index.js';
import type {
  AcceptorContext, Client, Heap, Kernel, LineParameters, ListenAddress, PreforkTcpServerOptions, ServerStatus, SessionReference, WorkerExitEvent,
} from '../../src/index.js';

interface Visit { name?: string; readonly visits: number }

// Only the compiler looks at the functions of this file: constructing a server would fork.
const compiled: (...checks: readonly (() => unknown)[]) => void = () => undefined;

it('types the fields that a program keeps in the heap, beside those of the library', () => {
  compiled(
    () => new PreforkTcpServer<Visit>({
      ClientConnected({ heap, kernel, session, args }) {
        expectTypeOf(heap).toEqualTypeOf<Heap<Visit>>();
        expectTypeOf(heap.name).toEqualTypeOf<string | undefined>();
        expectTypeOf(heap.visits).toEqualTypeOf<number>();
        expectTypeOf(heap.client).toEqualTypeOf<Client>();
        expectTypeOf(heap.remote_port).toEqualTypeOf<number | undefined>();
        expectTypeOf(kernel).toEqualTypeOf<Kernel>();
        expectTypeOf(session).toEqualTypeOf<SessionReference>();
        expectTypeOf(args).toEqualTypeOf<readonly unknown[]>();
        // @ts-expect-error -- a field that the program has not declared
        heap.age = 7;
        // @ts-expect-error -- a field of the wrong type
        heap.name = 7;
      },
      ClientInput: ({ heap }) => heap.name,
      InlineStates: { greet: ({ heap, args }) => [heap.name, args[0]] },
    }),
    () => new PreforkTcpServer({
      ClientInput({ heap }) {
        // @ts-expect-error -- without a type argument there are no fields of the program's own
        heap.name = 'x';
      },
    }),
  );
});

it('types the records of ClientInput by the filter', () => {
  compiled(
    () => new PreforkTcpServer({ ClientInput({ input, wheelId }) {
      expectTypeOf(input).toEqualTypeOf<string>();
      expectTypeOf(wheelId).toEqualTypeOf<number>();
    } }),
    () => new PreforkTcpServer<object, BlockFilter>({ ClientFilter: BlockFilter, ClientInput({ input }) { expectTypeOf(input).toEqualTypeOf<Buffer>(); } }),
    () => new PreforkTcpServer({ ClientFilter: [BlockFilter, { BlockSize: 4 }], ClientInput({ input }) { expectTypeOf(input).toEqualTypeOf<Buffer>(); } }),
    () => new PreforkTcpServer({ ClientFilter: new StreamFilter(), ClientInput({ input }) { expectTypeOf(input).toEqualTypeOf<Buffer>(); } }),
    () => new PreforkTcpServer({ ClientFilter: new LineFilter({ MaxLength: 80 }), ClientInput({ input }) { expectTypeOf(input).toEqualTypeOf<string>(); } }),
    () => new PreforkTcpServer({ ClientFilter: 'Block', ClientInput({ input }) { expectTypeOf(input).toEqualTypeOf<Buffer>(); } }),
    () => new PreforkTcpServer({ ClientInputFilter: 'POE::Filter::Line', ClientInput({ input }) { expectTypeOf(input).toEqualTypeOf<string>(); } }),
    () => new PreforkTcpServer({ ClientFilter: new LineFilter({ Encoding: 'buffer' }), ClientInput({ input }) { expectTypeOf(input).toEqualTypeOf<Buffer>(); } }),
    () => new PreforkTcpServer({
      ClientFilter: new MapFilter({ Get: (bytes: Buffer) => [bytes.length], Put: (length: number) => [Buffer.alloc(length)] }),
      ClientInput({ input }) { expectTypeOf(input).toEqualTypeOf<number>(); },
    }),
    () => new PreforkTcpServer({ ClientFilter: new StackableFilter({ Filters: [new LineFilter()] }), ClientInput({ input }) { expectTypeOf(input).toEqualTypeOf<string>(); } }),
    () => new PreforkTcpServer({ ClientFilter: [LineFilter, { MaxLength: 80 }], ClientInput({ input }) { expectTypeOf(input).toEqualTypeOf<string>(); } }),
    () => new PreforkTcpServer({ ClientFilter: [LineFilter, { Encoding: 'latin1' }], ClientInput({ input }) { expectTypeOf(input).toEqualTypeOf<string>(); } }),
    () => new PreforkTcpServer({ ClientFilter: [LineFilter, { Encoding: 'buffer', MaxLength: 80 }], ClientInput({ input }) { expectTypeOf(input).toEqualTypeOf<Buffer>(); } }),
    () => new PreforkTcpServer({ Heap: () => ({ n: 0 }), ClientInputFilter: [LineFilter, { Encoding: 'buffer' }], ClientInput({ heap, input }) { expectTypeOf(input).toEqualTypeOf<Buffer>(); expectTypeOf(heap.n).toEqualTypeOf<number>(); } }),
    // What is not known before it runs.
    (Encoding: 'utf8' | 'buffer' = 'utf8') => new PreforkTcpServer({ ClientFilter: [LineFilter, { Encoding }], ClientInput({ input }) { expectTypeOf(input).toEqualTypeOf<string | Buffer>(); } }),
    (given: LineParameters = {}) => new PreforkTcpServer({ ClientFilter: [LineFilter, given], ClientInput({ input }) { expectTypeOf(input).toEqualTypeOf<string | Buffer>(); } }),
  );
});

it('types heap and records together, from the result of Heap and from the filter', () => {
  compiled(
    () => new PreforkTcpServer({
      Heap: () => ({ count: 0, name: undefined as string | undefined }),
      ClientFilter: new BlockFilter({ BlockSize: 4 }),
      ClientConnected({ heap }) { expectTypeOf(heap.count).toEqualTypeOf<number>(); },
      ClientInput({ heap, input }) {
        expectTypeOf(input).toEqualTypeOf<Buffer>();
        expectTypeOf(heap.count).toEqualTypeOf<number>();
        expectTypeOf(heap.name).toEqualTypeOf<string | undefined>();
        expectTypeOf(heap.client).toEqualTypeOf<Client>();
        heap.count += 1;
        // @ts-expect-error -- a field that Heap does not make
        heap.age = 7;
      },
      ClientError: ({ heap }) => heap.count,
      InlineStates: { tick: ({ heap }) => heap.count },
    }),
    // As a method, with the default filter.
    () => new PreforkTcpServer({
      Heap() { return { lines: [] as string[] }; },
      ClientInput({ heap, input }) { heap.lines.push(input); },
    }),
    () => new PreforkTcpServer({
      Heap: (): Visit => ({ visits: 0 }),
      ClientFilter: [BlockFilter, { BlockSize: 4 }],
      ClientInput({ heap, input }) {
        expectTypeOf(heap).toEqualTypeOf<Heap<Visit>>();
        expectTypeOf(input).toEqualTypeOf<Buffer>();
      },
    }),
    // @ts-expect-error -- a heap is an object
    () => new PreforkTcpServer({ Heap: () => 7, ClientInput: () => undefined }),
  );
});

it('types the contexts of the other callbacks', () => {
  expectTypeOf<AcceptorContext['socket']>().toEqualTypeOf<Socket>();
  expectTypeOf<AcceptorContext['draining']>().toEqualTypeOf<AbortSignal>();
  compiled(
    () => new PreforkTcpServer({
      ClientInput: () => undefined,
      ClientError({ operation, errno, errstr, error }) {
        expectTypeOf(operation).toEqualTypeOf<'read' | 'write' | 'input' | 'callback'>();
        expectTypeOf(errno).toEqualTypeOf<number>();
        expectTypeOf(errstr).toEqualTypeOf<string>();
        expectTypeOf(error).toEqualTypeOf<(Error & { readonly code?: string | undefined }) | undefined>();
      },
      ClientDisconnected({ wheelId }) { expectTypeOf(wheelId).toEqualTypeOf<number | undefined>(); },
      ClientPreConnect({ socket }) {
        expectTypeOf(socket).toEqualTypeOf<Socket>();
        return socket;
      },
      ClientDraining({ deadline }) { expectTypeOf(deadline).toEqualTypeOf<number>(); },
      Error({ operation, errno, errstr, error }) { expectTypeOf({ operation, errno, errstr, error }).toEqualTypeOf<{ operation: string; errno: number; errstr: string; error: Error }>(); },
    }),
    // @ts-expect-error -- ClientPreConnect returns a stream, or nothing to reject the client
    () => new PreforkTcpServer({ ClientInput: () => undefined, ClientPreConnect: () => true }),
  );
});

it('types the instance', () => {
  compiled(async (): Promise<void> => {
    const server = new PreforkTcpServer({ ClientInput: () => undefined });
    expectTypeOf(server.address()).toEqualTypeOf<ListenAddress | null>();
    expectTypeOf(server.status()).toEqualTypeOf<ServerStatus>();
    expectTypeOf(server.ready()).toEqualTypeOf<Promise<void>>();
    expectTypeOf(await server.waitUntil(({ totals }) => totals.ready > 0)).toEqualTypeOf<ServerStatus>();
    server.on('worker:exit', (event) => { expectTypeOf(event).toEqualTypeOf<WorkerExitEvent>(); });
    server.once('listening', (address) => { expectTypeOf(address).toEqualTypeOf<ListenAddress>(); });
    // @ts-expect-error -- there is no such event
    server.on('worker:died', () => undefined);
    // @ts-expect-error -- callbacks are no thresholds: only those can be changed later
    server.configure({ ClientInput: () => undefined });
    await using disposed = server;
    expectTypeOf(disposed).toEqualTypeOf<PreforkTcpServer>();
  });
});

it('refuses options that there are not, or of a wrong type', () => {
  // @ts-expect-error -- a misspelt option
  expectTypeOf({ ClientInputs: () => undefined } satisfies PreforkTcpServerOptions);
  // @ts-expect-error -- a number in quotes
  expectTypeOf({ MaxServer: '5' } satisfies PreforkTcpServerOptions);
  // @ts-expect-error -- a domain of the original's constants
  expectTypeOf({ Domain: 2 } satisfies PreforkTcpServerOptions);
});
