// An app with an HTTP server and a database pool of its own, and a pool of TCP workers beside them, which run server.js.
// Start it with `node examples/embedded/app.js [port [http-port]]`, then: nc 127.0.0.1 10000
// and: curl http://127.0.0.1:10001/
import { createServer } from 'node:http';
import { server } from './server.js';

// Stands for a database pool: connections that only this process should open, and no worker.
const database = {
  connections: 10,
  async end() { this.connections = 0; },
};
console.log(`${database.connections} connections to the database`);

const http = createServer((_request, response) => {
  const { totals } = server.status();
  response.setHeader('Content-Type', 'application/json').end(JSON.stringify({ database: database.connections, clients: totals.connections, workers: totals.ready }));
});
http.listen(Number(process.argv[3] ?? 10001), '127.0.0.1', () => { console.log('app on', http.address()); });

// The signal that drains the pool (HandleSignals) ends the app too, once the last client has left.
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, async () => {
    await server.shutdown();
    http.close();
    http.closeAllConnections();
    await database.end();
  });
}
