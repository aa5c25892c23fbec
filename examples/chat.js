// A chat: `/join room` enters a room, every other line goes to all who are in it, in whichever worker they are.
// Start it with `node examples/chat.js [port]`, then talk to it from two terminals: nc 127.0.0.1 10000
import { PreforkTcpServer } from 'prefork-tcp-server';

/** @typedef {import('prefork-tcp-server').Heap<{ room?: string }>} ChatHeap */
/** @type {Map<string | undefined, Set<import('prefork-tcp-server').Client>>} Who is in which room, of this worker's clients. */
const rooms = new Map();

/** @type {(heap: ChatHeap, name: string) => void} */
function enter(heap, name) {
  leave(heap);
  heap.room = name;
  rooms.set(name, (rooms.get(name) ?? new Set()).add(heap.client));
}

/** @type {(heap: ChatHeap) => void} */
function leave(heap) {
  const room = rooms.get(heap.room);
  room?.delete(heap.client);
  if (room?.size === 0) rooms.delete(heap.room);
}

/** @type {PreforkTcpServer<{ room?: string }>} */
const server = new PreforkTcpServer({
  Address: '127.0.0.1',
  Port: Number(process.argv[2] ?? process.env['PORT'] ?? 10000),
  MaxServer: 4, StartServer: 2,
  ClientConnected({ heap }) {
    enter(heap, 'lobby');
    heap.client.put('welcome to the lobby');
  },
  ClientInput({ heap, input, kernel }) {
    const room = /^\/join (\w+)$/.exec(input)?.[1];
    if (room !== undefined) {
      enter(heap, room);
      heap.client.put(`you are in ${room}`);
    } else if (input === '/quit') {
      kernel.yield('shutdown');
    } else {
      // Every worker gets it, this one too, so all see the lines of a room in the same order.
      server.broadcast({ room: heap.room, line: `${heap.remote_port}: ${input}` });
    }
  },
  ClientDisconnected({ heap }) {
    leave(heap);
  },
});

server.on('message', (/** @type {any} */ { room, line }) => {
  // put() returns true for a client that reads too slowly; a chat leaves such a client behind.
  for (const client of rooms.get(room) ?? []) if (client.put(line)) client.socket.destroy();
});

if (server.isMaster) {
  await server.ready();
  console.log('listening on', server.address());
}
