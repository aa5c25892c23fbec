// A chat: `/name ann` takes a name that is free in all workers, `/join tea` enters a room, every other line goes to all in it.
// Start it with `node examples/chat.js [port]`, then talk to it from two terminals: nc 127.0.0.1 10000
import { PreforkTcpServer } from 'prefork-tcp-server';

/** @typedef {import('prefork-tcp-server').Heap<{ room?: string, name?: string }>} ChatHeap */
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

/** @type {PreforkTcpServer<{ room?: string, name?: string }>} */
const server = new PreforkTcpServer({
  Address: '127.0.0.1',
  Port: Number(process.argv[2] ?? process.env['PORT'] ?? 10000),
  MaxServer: 4, StartServer: 2,
  ClientConnected({ heap }) {
    enter(heap, 'lobby');
    heap.client.put('welcome to the lobby');
  },
  async ClientInput({ heap, input, kernel }) {
    const [, command, word = ''] = /^\/(join|name) (\w+)$/.exec(input) ?? [];
    if (command === 'name') {
      // The master knows all names. While it is asked, this client's next line waits, and so does its ClientDisconnected.
      if (heap.name !== undefined) heap.client.put('you have a name');
      else if (await server.ask({ take: word })) heap.client.put(`you are ${heap.name = word}`);
      else heap.client.put(`${word} is taken`);
    } else if (command === 'join') {
      enter(heap, word);
      heap.client.put(`you are in ${word}`);
    } else if (input === '/quit') {
      kernel.yield('shutdown');
    } else {
      // Every worker gets it, including this one, so all see the lines of a room in the same order.
      server.broadcast({ room: heap.room, line: `${heap.name ?? heap.remote_port}: ${input}` });
    }
  },
  ClientDisconnected({ heap }) {
    leave(heap);
    if (heap.name !== undefined) server.send({ free: heap.name });
  },
});

server.on('message', (/** @type {any} */ { room, line }) => {
  // put() returns true for a client that reads too slowly; a chat leaves such a client behind.
  for (const client of rooms.get(room) ?? []) if (client.put(line)) client.socket.destroy();
});

if (server.isMaster) {
  /** @type {Map<string, number>} Names in use, and the pid of the worker that has the client. */
  const names = new Map();
  server.on('worker:message', ({ pid, message, answer }) => {
    const { take, free } = /** @type {{ take?: string, free?: string }} */ (message);
    if (free !== undefined) names.delete(free);
    if (take === undefined) return;
    const isFree = !names.has(take);
    if (isFree) names.set(take, pid);
    answer(isFree);
  });
  // A worker that was killed could not free its names.
  server.on('worker:exit', ({ pid }) => {
    for (const [name, owner] of names) if (owner === pid) names.delete(name);
  });
  await server.ready();
  console.log('listening on', server.address());
}
