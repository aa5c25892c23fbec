// Lines over TLS: the handshake is done in ClientPreConnect, before the client's session begins.
// Make a certificate: openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=localhost -keyout key.pem -out cert.pem
// Start it with `node examples/tls.js [port] [cert.pem] [key.pem]`, then: openssl s_client -quiet -connect 127.0.0.1:10000
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createSecureContext, TLSSocket } from 'node:tls';
import { PreforkTcpServer } from 'prefork-tcp-server';

const [port = process.env['PORT'] ?? 10000, cert = 'cert.pem', key = 'key.pem'] = process.argv.slice(2);
const secureContext = createSecureContext({ cert: readFileSync(cert), key: readFileSync(key) });

const server = new PreforkTcpServer({
  Address: '127.0.0.1',
  Port: Number(port),
  MaxServer: 4, StartServer: 2,
  // A client that does not finish its handshake in time is closed, and no other callback hears of it.
  ClientPreConnectTimeout: 5,
  async ClientPreConnect({ socket }) {
    const secure = new TLSSocket(socket, { isServer: true, secureContext });
    try {
      await once(secure, 'secure');
      return secure;
    } catch {
      return undefined; // no TLS, or none that this server speaks
    }
  },
  ClientConnected({ heap }) {
    const secure = /** @type {TLSSocket} */ (heap.client.socket);
    heap.client.put(`${secure.getProtocol()} with worker ${process.pid}`);
  },
  ClientInput({ heap, input, kernel }) {
    heap.client.put(`you said ${input}`);
    if (input === 'quit') kernel.yield('shutdown');
  },
});

if (server.isMaster) {
  await server.ready();
  console.log('listening on', server.address());
}
