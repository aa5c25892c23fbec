// A chat over several pools: the masters pass each line on through Redis, so all clients see all lines in the same order.
// Without Redis each pool goes on alone, and joins the others when Redis is back (what was said meanwhile stays in its pool).
// After `npm install redis`, start it twice with `node examples/chat-redis.js [port] [url of Redis]`, on two ports, and talk to
// both: nc 127.0.0.1 10000
import { randomUUID } from 'node:crypto';
import { PreforkTcpServer } from 'prefork-tcp-server';

const [port = process.env['PORT'] ?? '10000', url = 'redis://127.0.0.1:6379'] = process.argv.slice(2);
const CHANNEL = 'chat';
/** @type {Set<import('prefork-tcp-server').Client>} Those of this worker. */
const clients = new Set();

const server = new PreforkTcpServer({
  Address: '127.0.0.1',
  Port: Number(port),
  MaxServer: 4, StartServer: 2,
  ClientConnected({ heap }) {
    clients.add(heap.client);
    heap.client.put(`welcome ${heap.remote_addr}`);
  },
  ClientInput({ heap, input, kernel }) {
    if (input === '/quit') kernel.yield('shutdown');
    else server.send(`${heap.remote_addr}: ${input}`);
  },
  ClientDisconnected({ heap }) {
    clients.delete(heap.client);
  },
});

server.on('message', (line) => {
  // put() returns true for a client that reads too slowly; a chat leaves such a client behind.
  for (const client of clients) if (client.put(line)) client.socket.destroy();
});

if (server.isMaster) {
  const { createClient } = await import('redis'); // in the master only: it takes time and memory
  const redis = createClient({
    url,
    disableOfflineQueue: true, // what cannot be sent now fails now
    pingInterval: 500,
    socket: { socketTimeout: 2000, reconnectStrategy: 500 }, // a Redis that hangs counts as gone
  });
  const self = randomUUID();
  /** @type {Map<number, unknown>} Lines of this pool that Redis has not given back yet. */
  const underWay = new Map();
  /** @type {boolean | undefined} Unknown until Redis has answered, or failed to. */
  let isJoined;
  let count = 0;

  /** Lines under way may be lost; the clients of this pool get them anyway, once. */
  const giveUp = () => {
    for (const line of underWay.values()) server.broadcast(line);
    underWay.clear();
  };
  // A line of this pool is shown when Redis gives it back, so that its place among the lines of all pools is the same for everybody.
  /** @type {(text: string) => void} */
  const heard = (text) => {
    const { from, number, line } = JSON.parse(text);
    if (from !== self || underWay.delete(number)) server.broadcast(line);
  };

  server.on('worker:message', ({ message: line }) => {
    if (isJoined !== true) { server.broadcast(line); return; }
    underWay.set(++count, line);
    redis.publish(CHANNEL, JSON.stringify({ from: self, number: count, line })).catch(giveUp);
  });
  redis.on('error', ({ message }) => {
    giveUp();
    if (redis.isReady || isJoined === false) return;
    isJoined = false; // until it has reconnected, which it does automatically
    console.log('alone:', message);
  });
  redis.on('ready', () => {
    redis.subscribe(CHANNEL, heard).then(() => { isJoined = true; console.log('joined'); }, ({ message }) => console.log('alone:', message));
  });
  redis.connect().catch(() => undefined); // 'error' has said so
  await server.ready();
  console.log('listening on', server.address());
}
