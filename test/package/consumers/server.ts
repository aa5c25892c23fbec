// What users write, compiled by every TypeScript that is supported, against the packed declarations.
import {
  BlockFilter, CodecFilter, HttpdFilter, LineFilter, MapFilter, PreforkError, PreforkTcpServer, StackableFilter, StreamFilter,
  type ChangeableOptions, type Client, type ExitReason, type Heap, type PauseReason, type ServerEvents, type ServerStatus, type WorkerExitEvent,
} from 'prefork-tcp-server';

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true : false;
const same = <A, B>(_proof: Same<A, B>): void => undefined;

// heap: from the option Heap, or from a type argument.
new PreforkTcpServer({
  Heap: () => ({ visits: 0, names: [] as string[] }),
  ClientFilter: new BlockFilter({ BlockSize: 4 }),
  ClientConnected({ heap }) { heap.visits += 1; },
  ClientInput({ heap, input, kernel, session, wheelId }) {
    same<typeof input, Buffer>(true);
    same<typeof heap.visits, number>(true);
    same<typeof heap.names, string[]>(true);
    same<typeof heap.client, Client>(true);
    same<typeof wheelId, number>(true);
    kernel.delay('later', 1.5, session.ID);
    // @ts-expect-error -- a field that Heap does not make
    heap.name = 1;
  },
});
new PreforkTcpServer<{ name?: string }>({
  ClientInput({ heap, input }) {
    same<typeof heap, Heap<{ name?: string }>>(true);
    same<typeof input, string>(true);
    heap.name = input;
  },
  InlineStates: { greet: ({ heap }) => heap.client.put(heap.name ?? 'stranger') },
});

// records: from the filter, however it is given.
new PreforkTcpServer({ ClientInput({ input }) { same<typeof input, string>(true); } });
new PreforkTcpServer({ ClientFilter: 'Block', ClientInput({ input }) { same<typeof input, Buffer>(true); } });
new PreforkTcpServer({ ClientFilter: BlockFilter, ClientInput({ input }) { same<typeof input, Buffer>(true); } });
new PreforkTcpServer({ ClientFilter: [StreamFilter, {}], ClientInput({ input }) { same<typeof input, Buffer>(true); } });
new PreforkTcpServer({ ClientFilter: [LineFilter, { Encoding: 'buffer' }], ClientInput({ input }) { same<typeof input, Buffer>(true); } });
new PreforkTcpServer({ Heap: () => ({ n: 0 }), ClientFilter: [LineFilter, { MaxLength: 80 }], ClientInput({ heap, input }) { same<typeof input, string>(true); same<typeof heap.n, number>(true); } });
new PreforkTcpServer({ ClientFilter: new LineFilter({ Encoding: 'buffer' }), ClientInput({ input }) { same<typeof input, Buffer>(true); } });
new PreforkTcpServer({ ClientFilter: new HttpdFilter(), ClientInput({ input }) { if ('method' in input) same<typeof input.method, string>(true); } });
new PreforkTcpServer({ ClientFilter: new StackableFilter({ Filters: [new LineFilter(), new MapFilter({ Get: (line: string) => [Number(line)], Put: (n: number) => [String(n)] })] }), ClientInput({ input }) { same<typeof input, number>(true); } });
new PreforkTcpServer({
  // Written out for TypeScript 5.0, which does not find the type in a conditional result.
  ClientFilter: new CodecFilter<number>({ Decode: (bytes) => (bytes.length < 2 ? { need: 2 } : { record: bytes.readUInt16BE(0), bytes: 2 }) }),
  ClientInput({ input }) { same<typeof input, number>(true); },
});

// the pool
const server = new PreforkTcpServer({ Port: 0, Acceptor({ socket, draining }) { draining.addEventListener('abort', () => socket.end()); } });
server.on('worker:exit', (event) => { same<typeof event, WorkerExitEvent>(true); });
server.on('worker:error', ({ error, where }) => { console.log(error.message, where); });
server.on('worker:message', ({ answer }) => { answer({ ok: true }); });
// @ts-expect-error -- no such event
server.on('worker:bored', () => undefined);
const change: ChangeableOptions = { MaxServer: 4 };
server.configure(change);
// @ts-expect-error -- not while it runs
server.configure({ Port: 1 });
export const status: ServerStatus = server.status();
export const reasons: readonly [ExitReason, PauseReason] = ['crashed', status.workers[0]?.paused[0] ?? 'paused'];
export type Names = keyof ServerEvents;
export const isOurs = (error: unknown): boolean => error instanceof PreforkError && error.code === 'ERR_PREFORK_LISTEN';
