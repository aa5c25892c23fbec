// The peers, with the line protocol written by hand: node hand-written.mjs '{"kind":"single"|"round-robin"|"shared","workers":2}'; with `tls` they speak TLS,
// with `messageMs` each cluster worker sends its primary a short message so often.
import cluster from 'node:cluster';
import net from 'node:net';
import { createServer } from 'node:tls';
import { print } from '../../programs/announce.mjs';
import './collect.mjs';

const { kind, workers = 2, greet = false, tls, messageMs } = JSON.parse(process.argv[2] ?? '{}');
if (kind === 'shared') cluster.schedulingPolicy = cluster.SCHED_NONE;

/** @param {(address: unknown) => void} [onListening] */
function serve(onListening) {
  /** @param {net.Socket} socket */
  const serveOne = (socket) => {
    let rest = '';
    if (greet) socket.write('hello\r\n');
    socket.setEncoding('utf8');
    socket.on('data', (/** @type {string} */ text) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      let answer = '';
      for (const line of lines) answer += `${line}\r\n`;
      if (answer !== '') socket.write(answer);
    });
    socket.on('error', () => { socket.destroy(); });
  };
  const server = tls === undefined ? net.createServer({ noDelay: true }, serveOne) : createServer({ noDelay: true, ...tls }, serveOne);
  server.listen({ port: 0, host: '127.0.0.1', backlog: 511 }, () => { onListening?.(server.address()); });
}

if (kind === 'single') serve((address) => { print('up', { address }); });
else if (cluster.isPrimary) {
  let listening = 0;
  for (let index = 0; index < workers; index++) print('worker:born', { pid: cluster.fork().process.pid });
  cluster.on('listening', (_worker, address) => {
    listening += 1;
    if (listening === workers) print('up', { address });
  });
} else {
  serve();
  if (messageMs !== undefined) setInterval(() => { process.send?.({ alive: 'so long as a report of a worker that has nothing to say' }); }, messageMs);
}
