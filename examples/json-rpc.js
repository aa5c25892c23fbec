// JSON-RPC, one request in each line: methods may be async, and what they throw becomes the request's error.
// Start it with `node examples/json-rpc.js [port]`, then: `echo '{"jsonrpc":"2.0","id":1,"method":"add","params":[1,2]}' | nc -N 127.0.0.1 10000`
import { setTimeout as sleep } from 'node:timers/promises';
import { PreforkTcpServer } from 'prefork-tcp-server';

/** @type {Map<string, (...params: any[]) => unknown>} What clients may call. */
const methods = new Map(Object.entries({
  add: (a, b) => a + b,
  // The same client's next request waits for it; other clients do not.
  later: async (seconds, value) => sleep(Math.min(seconds, 5) * 1000, value),
  fail: () => { throw new Error('it failed'); },
}));

/** An error's code and message, as JSON-RPC wants them. @type {(code: number, message: string) => { error: { code: number, message: string } }} */
const refusal = (code, message) => ({ error: { code, message } });

/** @type {(request: any) => Promise<object>} */
async function answer(request) {
  const method = methods.get(request?.method);
  if (method === undefined) return refusal(-32601, 'there is no such method');
  try {
    return { result: await method(...request.params ?? []) };
  } catch (error) {
    return refusal(-32000, error instanceof Error ? error.message : String(error));
  }
}

const server = new PreforkTcpServer({
  Address: '127.0.0.1',
  Port: Number(process.argv[2] ?? process.env['PORT'] ?? 10000),
  MaxServer: 4, StartServer: 2,
  async ClientInput({ heap, input }) {
    let request;
    try {
      request = JSON.parse(input);
    } catch {
      heap.client.put(JSON.stringify({ jsonrpc: '2.0', id: null, ...refusal(-32700, 'this is not JSON') }));
      return;
    }
    heap.client.put(JSON.stringify({ jsonrpc: '2.0', id: request?.id ?? null, ...await answer(request) }));
  },
});

if (server.isMaster) {
  await server.ready();
  console.log('listening on', server.address());
}
