// A server constructed in a worker of node:cluster, as PM2's cluster mode does it; with `std.script` its workers run another file.
import cluster from 'node:cluster';
import { PreforkTcpServer } from 'prefork-tcp-server';
import { announce, print } from './announce.mjs';
import { given } from './given.mjs';
import { stdHandlers } from './handlers.mjs';

const { std, options } = given();

if (cluster.isPrimary) {
  print('primary', { pid: process.pid });
  const worker = cluster.fork();
  process.on('SIGTERM', () => worker.process.kill('SIGTERM'));
} else {
  try {
    const Script = std.script ? new URL('std.mjs', import.meta.url) : undefined;
    const server = new PreforkTcpServer({ ...stdHandlers(std), ...options, Script, ScriptArgs: [] });
    announce(server, std);
    // The channel to the primary would keep this process.
    server.on('error', () => { process.disconnect(); });
  } catch (error) {
    print('refused', { error });
    process.disconnect();
  }
}
