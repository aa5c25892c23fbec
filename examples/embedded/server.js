// The TCP server of app.js: the process that imports this file becomes the master; workers run this file, and nothing of the app.
// It also runs on its own, with `node examples/embedded/server.js [port]`, then: nc 127.0.0.1 10000
import { PreforkTcpServer } from 'prefork-tcp-server';

export const server = new PreforkTcpServer({
  Script: import.meta.url,
  Address: '127.0.0.1',
  Port: Number(process.argv[2] ?? process.env['PORT'] ?? 10000),
  MaxServer: 4, StartServer: 2,
  GraceExpireTime: 10,
  ClientInput({ heap, input }) {
    heap.client.put(`worker ${process.pid} heard ${input}`);
  },
});

if (server.isMaster) {
  await server.ready();
  console.log('listening on', server.address());
}
