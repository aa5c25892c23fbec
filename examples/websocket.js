// WebSockets (the package `ws`) with a pool of workers: echoes every message. Needs `npm install ws`.
// Start it with `node examples/websocket.js [port]`, then: npx wscat -c ws://127.0.0.1:10000/
import { createServer } from 'node:http';
import { PreforkTcpServer } from 'prefork-tcp-server';
import { WebSocketServer } from 'ws';

const httpServer = createServer((_request, response) => {
  response.writeHead(426, { Connection: 'close' }).end('This server speaks WebSocket.\n');
});
const webSockets = new WebSocketServer({ server: httpServer, maxPayload: 64 * 1024 });

webSockets.on('connection', (webSocket) => {
  webSocket.on('error', (error) => { console.error(`${process.pid}: ${error.message}`); });
  webSocket.on('message', (data, isBinary) => { webSocket.send(data, { binary: isBinary }); });
});

function goAway() {
  // 1001: going away. The client reconnects, to another worker.
  for (const webSocket of webSockets.clients) webSocket.close(1001, 'this worker drains');
}

const server = new PreforkTcpServer({
  Address: '127.0.0.1',
  Port: Number(process.argv[2] ?? process.env['PORT'] ?? 10000),
  MaxServer: 4, StartServer: 2,
  GraceExpireTime: 10,
  Acceptor({ socket, draining }) {
    draining.addEventListener('abort', goAway);
    httpServer.emit('connection', socket);
  },
});

if (server.isMaster) {
  await server.ready();
  console.log('listening on', server.address());
}
