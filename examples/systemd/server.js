// The program of prefork.service. Without systemd: start it with `node examples/systemd/server.js [port]`, then: nc 127.0.0.1 10000
import { dirname, join } from 'node:path';
import { PreforkTcpServer } from 'prefork-tcp-server';

const { RUNTIME_DIRECTORY } = process.env;

const server = new PreforkTcpServer({
  // The socket that prefork.socket has bound; if there is none, Address and Port apply.
  Fd: 'prefork',
  Address: '127.0.0.1',
  Port: Number(process.argv[2] ?? 10000),
  // The release that the link leads to: workers run in its folder.
  Directory: dirname(process.argv[1] ?? '.'),
  ...(RUNTIME_DIRECTORY !== undefined && { Admin: { Path: join(RUNTIME_DIRECTORY, 'admin.sock') } }),
  GraceExpireTime: 30,
  // A new master, too, for another version of Node or of the library: systemctl kill --kill-whom=main --signal=USR2 prefork.service
  HandleSignals: { upgrade: 'SIGUSR2' },
  ClientInput({ heap, input }) { heap.client.put(`${process.pid}: ${input}`); },
});

if (server.isMaster) {
  await server.ready();
  console.log('listening on', server.address());
}
