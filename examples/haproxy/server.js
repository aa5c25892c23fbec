// A pool behind HAProxy. Start two of them with `node examples/haproxy/server.js [port] [agent port] [page port]`, the second one
// with 10002 10102 10202, then `haproxy -f examples/haproxy/haproxy.cfg`, which says more, and talk to `nc 127.0.0.1 10000`.
import { PreforkTcpServer } from 'prefork-tcp-server';

const [port = 10001, agentPort = 10101, pagePort = 10201] = process.argv.slice(2).map(Number);

const server = new PreforkTcpServer({
  Address: '127.0.0.1',
  Port: port,
  MaxServer: 8, StartServer: 2, MaxSessionPerServer: 50,
  // HAProxy says who the client is (send-proxy-v2). Anyone else who connects to this port is refused.
  Proxy: { From: ['127.0.0.1'] },
  // Here HAProxy asks about the pool's state and its free places (agent-check).
  Admin: { Port: pagePort, AgentPort: agentPort },
  // SIGTERM: first HAProxy is told "drain", for longer than its interval; then it accepts no more clients, and ends when the last one has left.
  ShutdownDelay: Number(process.env['SHUTDOWN_DELAY'] ?? 3),
  GraceExpireTime: 60,
  ReloadSettleTime: Number(process.env['SETTLE_TIME'] ?? 3),
  // SIGHUP: new code for the workers; SIGUSR2: a new master, too. Neither loses a client.
  HandleSignals: { upgrade: 'SIGUSR2' },
  ClientConnected({ heap }) {
    heap.client.put(`${heap.remote_addr} is served by ${process.ppid}`);
  },
  ClientInput({ heap, input, kernel }) {
    heap.client.put(input);
    if (input === 'quit') kernel.yield('shutdown');
  },
});

if (server.isMaster) {
  server.on('reload:done', ({ release }) => console.log('release', release));
  await server.ready();
  // After an upgrade the old process keeps the agent's port until it has gone.
  const { address, admin } = await server.waitUntil((status) => status.admin !== undefined);
  console.log('listening on', address, 'agent on', admin?.agentPort);
}
