// Servers as anyone writes them, one after the other. `std.aliases` names them; each is awaited before the next one is
// constructed, or, with `std.order`, all of them afterwards in that order. Each process prints that it came to the end.
import { PreforkTcpServer } from 'prefork-tcp-server';
import { announce, print } from './announce.mjs';
import { given } from './given.mjs';
import { stdHandlers } from './handlers.mjs';

const { std, options } = given();

const servers = [];
for (const Alias of std.aliases) {
  const server = new PreforkTcpServer({ ...stdHandlers(std), ...options, Alias });
  announce(server, std);
  server.on('worker:message', (detail) => print('message', detail));
  servers.push(server);
  if (std.order === undefined) await server.ready();
}
for (const index of std.order ?? []) await servers[index].ready();
print('end', { pid: process.pid, roles: servers.map(({ isMaster, isWorker }) => (isMaster ? 'master' : isWorker ? 'worker' : 'inert')) });
