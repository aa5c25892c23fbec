// node:http with a pool of workers. A worker that drains answers the requests it has, and those that arrive on its
// connections within a second; then it closes idle ones.
// Start it with `node examples/http.js [port]`, then: curl http://127.0.0.1:10000/
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { PreforkTcpServer } from 'prefork-tcp-server';

/** @type {WeakSet<import('node:net').Socket>} Connections with a request that has not been answered yet. */
const busy = new WeakSet();
let isDraining = false;

const httpServer = createServer(async (request, response) => {
  const { socket } = request;
  busy.add(socket);
  response.once('finish', () => { busy.delete(socket); });
  if (request.url === '/slow') {
    response.write('begun, ');
    await sleep(200);
  } else if (isDraining) {
    response.setHeader('Connection', 'close');
  }
  response.end(`served by ${process.pid}\n`);
});

const server = new PreforkTcpServer({
  Address: '127.0.0.1',
  Port: Number(process.argv[2] ?? process.env['PORT'] ?? 10000),
  MaxServer: 4, StartServer: 2,
  GraceExpireTime: 10,
  Acceptor({ socket, draining }) {
    draining.addEventListener('abort', () => {
      isDraining = true;
      // Not at once: a client may have sent a request that is still on its way. (setImmediate: what has come is read first.)
      const timer = setInterval(() => { setImmediate(() => { if (!busy.has(socket)) socket.end(); }); }, 1000);
      socket.once('close', () => { clearInterval(timer); });
    });
    // The HTTP server never listens: it gets connections that the pool has accepted and counted.
    httpServer.emit('connection', socket);
  },
});

if (server.isMaster) {
  await server.ready();
  console.log('listening on', server.address());
}
