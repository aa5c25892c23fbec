// The server under test: node prefork.mjs '{"workers":2,"options":{…}}'. With `pauses` it pauses and resumes that often, then prints
// 'paused'. With `cores` it takes the machine for one with so many.
import { syncBuiltinESMExports } from 'node:module';
import os from 'node:os';
import { PreforkTcpServer } from 'prefork-tcp-server';
import { print } from '../../programs/announce.mjs';
import './collect.mjs';

const { workers, cores, pauses = 0, holdMs = 0, answerPid = false, greet = false, options = {} } = JSON.parse(process.argv[2] ?? '{}');
let open = 0;

if (cores !== undefined) {
  os.availableParallelism = () => cores;
  syncBuiltinESMExports();
}

const server = new PreforkTcpServer({
  Address: '127.0.0.1',
  StartServer: workers, MinServer: workers, MaxServer: workers, MinSpareServer: 0,
  ...options,
  // Only where it is of interest whether a worker has two clients at once.
  ...(options.MaxSessionPerServer === 1 ? { ClientConnected() { open += 1; }, ClientDisconnected() { open -= 1; } } : {}),
  ...(greet && { ClientConnected({ heap }) { heap.client.put('hello'); } }),
  ClientInput({ heap, input }) {
    if (holdMs > 0) {
      return new Promise((resolve) => {
        setTimeout(() => {
          heap.client.put(process.pid);
          resolve(undefined);
        }, holdMs);
      });
    }
    heap.client.put(answerPid ? process.pid : open > 1 ? 'TWO' : input);
    return undefined;
  },
});

if (server.isMaster) {
  server.on('worker:born', ({ pid }) => { print('worker:born', { pid }); });
  server.on('worker:exit', ({ pid }) => { print('worker:exit', { pid }); });
  await server.ready();
  await server.waitUntil(({ totals }) => totals.ready >= (options.StartServer ?? workers));
  print('up', { address: server.address() });
  let left = pauses;
  const toggle = () => {
    if (left === 0) {
      print('paused');
      return;
    }
    left -= 1;
    server.pause();
    setTimeout(() => {
      server.resume();
      setTimeout(toggle, 20);
    }, 10);
  };
  if (pauses > 0) toggle();
}
