// Fastify with a pool of workers: listen(app, options) takes the place of app.listen(). Needs `npm install fastify`.
// Start it with `node examples/fastify.js [port]`, then: curl http://127.0.0.1:10000/
import { setTimeout as sleep } from 'node:timers/promises';
import fastify from 'fastify';
import { PreforkTcpServer } from 'prefork-tcp-server';

/**
 * Serves an app with a pool of workers, each of which has booted it before its first client. A worker that drains answers the
 * requests it has, and those that come within a second on connections it has; then it closes what is idle.
 *
 * @param {import('fastify').FastifyInstance} app
 * @param {Omit<import('prefork-tcp-server').PreforkTcpServerOptions, 'Acceptor' | 'ServerStarted' | 'ServerStopped'>} options
 */
export function listen(app, options) {
  /** @type {WeakSet<import('node:net').Socket>} Connections with a request that has not been answered yet. */
  const busy = new WeakSet();
  let isDraining = false;
  app.addHook('onRequest', async ({ raw }) => { busy.add(raw.socket); });
  app.addHook('onSend', async (_request, reply) => { if (isDraining) reply.header('Connection', 'close'); });
  app.addHook('onResponse', async ({ raw }) => { busy.delete(raw.socket); });

  return new PreforkTcpServer({
    ...options,
    ServerStarted: async () => { await app.ready(); },
    // When the last client has left: app.close() answers requests with 503.
    ServerStopped: () => app.close(),
    Acceptor({ socket, draining }) {
      draining.addEventListener('abort', () => {
        isDraining = true;
        // Not at once: a client may have sent a request that is still on its way. (setImmediate: what has come is read first.)
        const timer = setInterval(() => { setImmediate(() => { if (!busy.has(socket)) socket.end(); }); }, 1000);
        socket.once('close', () => { clearInterval(timer); });
      });
      // Fastify's own HTTP server never listens: it gets connections that the pool has accepted and counted.
      app.server.emit('connection', socket);
    },
  });
}

// connectionTimeout, because Node limits the time for a request's head only on servers that listen.
const app = fastify({ connectionTimeout: 30_000 });
app.get('/', async () => ({ hello: 'world' }));
app.get('/slow', async () => {
  await sleep(200);
  return { worker: process.pid };
});

const server = listen(app, {
  Address: '127.0.0.1',
  Port: Number(process.argv[2] ?? process.env['PORT'] ?? 10000),
  MaxServer: 4, StartServer: 2,
  GraceExpireTime: 10,
});

if (server.isMaster) {
  await server.ready();
  console.log('listening on', server.address());
}
