// The peers: `node hand-written.js '{"kind":"single"|"round-robin"|"shared","workers":2}'`, with the line protocol written by hand.
import cluster from 'node:cluster';
import net from 'node:net';

const { kind, workers = 2 } = JSON.parse(process.argv[2] ?? '{}');
if (kind === 'shared') cluster.schedulingPolicy = cluster.SCHED_NONE;

function serve(onListening) {
  const server = net.createServer({ noDelay: true }, (socket) => {
    let rest = '';
    socket.setEncoding('utf8');
    socket.on('data', (text) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop();
      let answer = '';
      for (const line of lines) answer += `${line}\r\n`;
      if (answer !== '') socket.write(answer);
    });
    socket.on('error', () => { socket.destroy(); });
  });
  server.listen({ port: 0, host: '127.0.0.1', backlog: 511 }, () => onListening?.(server.address().port));
}

if (kind === 'single') serve((port) => { console.log(`PORT ${port}`); });
else if (cluster.isPrimary) {
  let listening = 0;
  for (let index = 0; index < workers; index++) cluster.fork();
  cluster.on('listening', (_worker, { port }) => {
    listening += 1;
    if (listening === workers) console.log(`PORT ${port}`);
  });
  process.on('SIGTERM', () => process.exit(0));
} else serve();
