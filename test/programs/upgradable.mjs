// A server that hands over to a successor at SIGUSR2. The file RELEASE is run first, by master and workers: it stands for the
// new version of a program, with `globalThis.change` for its options; `globalThis.servers` are those of the program. `std.upgrade` are the options of upgrade(); with `std.resumes` the pool is paused before and resumed meanwhile; of `std.nodes` the one that does not run this process runs the next.
import { PreforkTcpServer } from 'prefork-tcp-server';
import { announce, print } from './announce.mjs';
import { given } from './given.mjs';
import { stdHandlers } from './handlers.mjs';

if (process.env.RELEASE !== undefined) await import(process.env.RELEASE);

const { std, options } = given();
const servers = (std.aliases ?? ['prefork_server']).map((Alias) => new PreforkTcpServer({ ...stdHandlers(std), ...options, ...globalThis.change, Alias }));
globalThis.servers = servers;
for (const server of servers) announce(server, std);
if (servers[0].isMaster) {
  process.on('SIGUSR2', () => {
    const execPath = std.nodes?.find((node) => node !== process.execPath);
    if (std.resumes) servers[0].pause();
    servers[0].upgrade({ ...std.upgrade, ...(execPath !== undefined && { execPath }) }).then(
      ({ pid }) => print('upgraded', { pid, node: process.version }),
      ({ code, reason, pid, exit, stderr, message }) => print('refused', { code, reason, pid, exit, stderr, message }),
    );
    if (std.resumes) servers[0].resume();
  });
  await Promise.all(servers.map((server) => server.ready()));
  globalThis.isUp = true;
}
