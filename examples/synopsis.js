// The synopsis: a line server with ten worker processes, one client each.
// Start it with `npm start` (or `node examples/synopsis.js [port]`), then talk to it: nc 127.0.0.1 10000
import { PreforkTcpServer } from 'prefork-tcp-server';

const server = new PreforkTcpServer({
  Address: '127.0.0.1',
  Port: Number(process.argv[2] ?? process.env['PORT'] ?? 10000),
  MaxServer: 100, MinServer: 10, StartServer: 10,
  MaxSessionPerServer: 1,
  // The pool can be looked at: the address is printed below. The token allows the page's buttons.
  Admin: { Port: 0, Token: 'newcomer' },
  ClientConnected({ heap }) {
    heap.client.put(`test server , welcome${process.pid} !\n`);
  },
  ClientInput({ heap, input, kernel }) {
    heap.client.put(`${process.pid} : ${input}`);
    if (input === 'quit') kernel.yield('shutdown');
    if (input === 'exit') {
      kernel.yield('shutdown');
      kernel.post(heap.master_alias, 'shutdown');
    }
    if (input === 'kill') process.exit(1);
  },
});

// The same file runs in every worker; only the master prints what happens to the pool.
if (server.isMaster) {
  server.on('worker:born', ({ pid }) => { console.log(`worker ${pid} born`); });
  server.on('worker:ready', ({ pid }) => { console.log(`worker ${pid} ready`); });
  server.on('worker:drain', ({ pid, reason }) => { console.log(`worker ${pid} draining (${reason})`); });
  server.on('worker:exit', ({ pid, text }) => { console.log(`worker ${pid} exited: ${text}`); });
  await server.ready();
  const { address, port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  console.log(`Look at the pool: ${server.status().admin?.url}#token=newcomer`);
  console.log(`Type: nc ${address} ${port}   (then hello, quit, exit or kill). Ctrl-C drains the pool.`);
}
