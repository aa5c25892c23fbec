// The server under test: `node prefork.js '{"workers":2, …options}'`. `pauses`: pause and resume so often under load.
import { PreforkTcpServer } from 'prefork-tcp-server';

const { workers, pauses = 0, holdMs = 0, answerPid = false, options = {} } = JSON.parse(process.argv[2] ?? '{}');
let open = 0;

const server = new PreforkTcpServer({
  Address: '127.0.0.1',
  StartServer: workers, MinServer: workers, MaxServer: workers, MinSpareServer: 0,
  ...options,
  // Only where it is of interest whether a worker has two clients at once.
  ...(options.MaxSessionPerServer === 1 ? { ClientConnected() { open += 1; }, ClientDisconnected() { open -= 1; } } : {}),
  ClientInput({ heap, input }) {
    if (holdMs > 0) {
      return new Promise((resolve) => {
        setTimeout(() => {
          heap.client.put(process.pid);
          resolve(undefined);
        }, holdMs);
      });
    }
    heap.client.put(answerPid ? process.pid : open > 1 ? 'TWO' : input);
    return undefined;
  },
});

if (server.isMaster) {
  await server.ready();
  await server.waitUntil(({ totals }) => totals.ready >= (options.StartServer ?? workers));
  console.log(`PORT ${server.address().port}`);
  let left = pauses;
  const toggle = () => {
    if (left === 0) return console.log(`CPU ${JSON.stringify(process.cpuUsage())}`);
    left -= 1;
    server.pause();
    setTimeout(() => {
      server.resume();
      setTimeout(toggle, 20);
    }, 10);
    return undefined;
  };
  if (pauses > 0) toggle();
  process.on('SIGUSR2', () => { console.log(`CPU ${JSON.stringify(process.cpuUsage())}`); });
}
