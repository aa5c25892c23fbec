// Counters of your own, summed over all workers, beside those of the pool: node examples/prometheus/counters.js [port [metrics-port]]
// Then: nc 127.0.0.1 10000, some lines, and: curl http://127.0.0.1:9101/metrics
import { createServer } from 'node:http';
import { PreforkTcpServer } from 'prefork-tcp-server';

/** What this worker has counted since it last reported. */
let lines = { short: 0, long: 0 };

/** Differences, so that the sum stays right when a worker ends; it sends the last ones before that. */
function report() {
  if (lines.short + lines.long > 0 && server.send(lines)) lines = { short: 0, long: 0 };
}

const server = new PreforkTcpServer({
  Address: '127.0.0.1',
  Port: Number(process.argv[2] ?? 10000),
  MaxServer: 8, StartServer: 4,
  ClientInput({ heap, input }) {
    lines[input.length > 10 ? 'long' : 'short'] += 1;
    heap.client.put(input);
  },
  ServerStopped: report,
});

if (server.isWorker) setInterval(report, 1000).unref();

if (server.isMaster) {
  // Loaded only here, so that workers do without it.
  const { default: { Counter, register } } = await import('prom-client');
  const counter = new Counter({ name: 'lines_total', help: 'Lines that clients sent, by length.', labelNames: ['length'] });
  server.on('worker:message', ({ message }) => {
    for (const [length, count] of Object.entries(/** @type {Record<string, number>} */ (message))) counter.inc({ length }, count);
  });
  await server.ready();
  const metrics = createServer((_request, response) => {
    void register.metrics().then((text) => { response.setHeader('Content-Type', register.contentType).end(server.metrics() + text); });
  });
  metrics.listen(Number(process.argv[3] ?? 9101), '127.0.0.1', () => {
    console.log('listening on', /** @type {import('node:net').AddressInfo} */ (server.address()).port, 'metrics on', /** @type {import('node:net').AddressInfo} */ (metrics.address()).port);
  }).unref();
}
