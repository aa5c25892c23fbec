// An MQTT broker (the package `aedes`) with a pool of workers: what one of them receives, all of them publish. Needs `npm install aedes`.
// Start it with `node examples/mqtt.js [port]`, then: mosquitto_sub -p 10000 -t 'greetings/#' -v
// and in another terminal: mosquitto_pub -p 10000 -t greetings/world -m hello
import { Aedes } from 'aedes';
import { PreforkTcpServer } from 'prefork-tcp-server';

const broker = new Aedes();

const server = new PreforkTcpServer({
  Address: '127.0.0.1',
  Port: Number(process.argv[2] ?? process.env['PORT'] ?? 10000),
  MaxServer: 4, StartServer: 2, MinSpareServer: 0,
  GraceExpireTime: 10,
  ServerStarted: () => broker.listen(),
  Acceptor({ socket, draining }) {
    const client = broker.handle(socket);
    // MQTT clients reconnect on their own, to a worker that stays.
    draining.addEventListener('abort', () => { client.close(); });
  },
});

if (server.isWorker) {
  broker.on('publish', ({ topic, payload, qos, retain }, client) => {
    // A packet without a client comes from another worker, or is the broker's own.
    if (client !== null) server.broadcast({ from: process.pid, topic, payload: payload.toString('base64'), qos, retain });
  });
  server.on('message', (message) => {
    const { from, payload, ...packet } = /** @type {{ from: number, topic: string, payload: string, qos: 0 | 1 | 2, retain: boolean }} */ (message);
    if (from !== process.pid) broker.publish({ cmd: 'publish', dup: false, payload: Buffer.from(payload, 'base64'), ...packet }, (error) => { if (error) console.error(error); });
  });
}

if (server.isMaster) {
  await server.ready();
  console.log('listening on', server.address());
}
