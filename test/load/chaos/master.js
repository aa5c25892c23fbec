// A master in a process of its own, which a scenario may stop. Tells its parent of its events; 'status' is answered.
import { PreforkTcpServer } from 'prefork-tcp-server';

const { options, worker } = JSON.parse(process.argv[2]);
const server = new PreforkTcpServer({
  Address: '127.0.0.1', Script: new URL('./worker.js', import.meta.url), ScriptArgs: [JSON.stringify(worker)], ExecArgv: [],
  ShutdownChildren: true, ClientInput: () => undefined, ...options,
});
for (const name of ['worker:born', 'worker:drain', 'worker:exit']) {
  server.on(name, (event) => process.send({ name, ...event }));
}
await server.waitUntil(({ totals }) => totals.ready === (options.StartServer ?? 5));
await server.ready();
process.send({ name: 'up', port: server.address().port });
process.on('message', () => process.send({ name: 'status', status: server.status() }));
