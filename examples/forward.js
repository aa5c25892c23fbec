// A forwarder: each client gets a connection of its own to another server, and bytes pass both ways as fast as the slower side
// takes them. Start it with `node examples/forward.js [port] [host:port]`, then: curl http://127.0.0.1:10000/
import { connect } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { PreforkTcpServer } from 'prefork-tcp-server';

const [host = '', port = ''] = (process.argv[3] ?? '127.0.0.1:80').split(':');

const server = new PreforkTcpServer({
  Address: '127.0.0.1',
  Port: Number(process.argv[2] ?? process.env['PORT'] ?? 10000),
  // As many workers as cores, always; a restart waits this long for connections.
  MaxServer: 2, StartServer: 2, MinSpareServer: 0, GraceExpireTime: 60,
  async Acceptor({ socket }) {
    // A client that has ended its side still gets its answer. Otherwise Node would then end ours, too.
    socket.allowHalfOpen = true;
    const other = connect({ host, port: Number(port), allowHalfOpen: true });
    try {
      // pipeline() closes both sides if one of them fails.
      await Promise.all([pipeline(socket, other), pipeline(other, socket)]);
    } catch (error) {
      // Cut connections are normal; if the other server cannot be reached, that goes to worker:error.
      if (/** @type {NodeJS.ErrnoException} */ (error).syscall === 'connect') throw error;
    }
  },
});

if (server.isMaster) {
  server.on('worker:error', ({ pid, error }) => { console.error(`worker ${pid}: ${error.message}`); });
  await server.ready();
  console.log('listening on', server.address());
}
