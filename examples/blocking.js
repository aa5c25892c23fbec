// Blocking work: each worker takes one client at a time, so a client never waits behind another one's computation, and the
// pool grows with the clients. More than MaxServer of them wait in the kernel's queue.
// Start it with `node examples/blocking.js [port]`, then: echo 35 | nc -N 127.0.0.1 10000
import { PreforkTcpServer } from 'prefork-tcp-server';

/** @type {(number: number) => number} */
const fibonacci = (number) => (number < 2 ? number : fibonacci(number - 1) + fibonacci(number - 2));

const server = new PreforkTcpServer({
  Address: '127.0.0.1',
  Port: Number(process.argv[2] ?? process.env['PORT'] ?? 10000),
  // Grows to 8 workers as needed; when the work is done, idle ones beyond 4 are drained, starting a heartbeat (10 s) later.
  MaxServer: 8, StartServer: 2, MaxSpareServer: 4,
  MaxSessionPerServer: 1,
  // Longer than any computation takes: after that its worker counts as stuck, and is replaced.
  MaxServerExpireTime: 60,
  ClientTimeout: 30,
  ClientInput({ heap, input }) {
    const number = Number(input);
    const answer = Number.isInteger(number) && number >= 0 && number <= 45 ? fibonacci(number) : 'a number from 0 to 45, please';
    heap.client.put(`${process.pid}: ${answer}`);
  },
});

if (server.isMaster) {
  await server.ready();
  console.log('listening on', server.address());
}
