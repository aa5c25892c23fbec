// A server in the main thread, and one in a worker thread of the same program; with `std.bare` the thread's has no Script.
import { Worker, isMainThread, workerData } from 'node:worker_threads';
import { PreforkTcpServer } from 'prefork-tcp-server';
import { announce, print } from './announce.mjs';
import { given } from './given.mjs';
import { stdHandlers } from './handlers.mjs';

const { std, options } = isMainThread ? given() : workerData;
const role = ({ isMaster, isWorker }) => (isMaster ? 'master' : isWorker ? 'worker' : 'inert');
const construct = (more) => new PreforkTcpServer({ Address: '127.0.0.1', MaxServer: 1, ...stdHandlers(std), ...options, ...more });

if (isMainThread) {
  const server = construct({ Alias: 'main' });
  print('role', { pid: process.pid, thread: 'main', role: role(server) });
  // An environment of its own: nothing of the process's is in it.
  new Worker(new URL(import.meta.url), { workerData: { std, options }, env: {}, argv: [] }).on('error', (error) => print('thread failed', { message: error.message }));
  announce(server, std);
} else {
  const Script = std.bare ? undefined : new URL('std.mjs', import.meta.url);
  const server = construct({ Alias: 'thread', Script, ScriptArgs: [JSON.stringify({ Alias: 'thread' })] });
  print('role', { pid: process.pid, thread: 'beside', role: role(server) });
  announce(server, std);
}
