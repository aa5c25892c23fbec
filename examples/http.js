// node:http with a pool of workers. A worker that drains closes idle connections and lets requests in flight finish.
// Start it with `node examples/http.js [port]`, then: curl http://127.0.0.1:10000/
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { PreforkTcpServer } from 'prefork-tcp-server';

/** @type {Map<import('node:net').Socket, number>} The connections of this worker, each with its requests in flight. */
const connections = new Map();
let isDraining = false;

const httpServer = createServer(async (request, response) => {
  const { socket } = request;
  count(socket, 1);
  response.once('close', () => {
    count(socket, -1);
    if (isDraining) closeIdle();
  });
  if (request.url === '/slow') {
    response.write('begun, ');
    await sleep(200);
  } else if (isDraining) {
    response.setHeader('Connection', 'close');
  }
  response.end(`served by ${process.pid}\n`);
});

/** @type {(socket: import('node:net').Socket, requests: number) => void} */
function count(socket, requests) {
  const before = connections.get(socket);
  if (before !== undefined) connections.set(socket, before + requests);
}

function closeIdle() {
  isDraining = true;
  for (const [socket, requests] of connections) if (requests === 0) socket.end();
}

const server = new PreforkTcpServer({
  Address: '127.0.0.1',
  Port: Number(process.argv[2] ?? process.env['PORT'] ?? 10000),
  MaxServer: 4, StartServer: 2,
  GraceExpireTime: 10,
  Acceptor({ socket, draining }) {
    connections.set(socket, 0);
    socket.once('close', () => { connections.delete(socket); });
    draining.addEventListener('abort', closeIdle);
    // The HTTP server never listens: it gets connections that the pool has accepted and counted.
    httpServer.emit('connection', socket);
  },
});

if (server.isMaster) {
  await server.ready();
  console.log('listening on', server.address());
}
