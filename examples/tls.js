// Lines over TLS. The handshake is done, and a client's certificate verified, before any callback hears of the client.
// Make a certificate: openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=localhost -keyout key.pem -out cert.pem
// Start it with `node examples/tls.js [port] [cert.pem] [key.pem] [clients.pem]`; with clients.pem, the authority that
// signs clients' certificates, only those clients get in. Then: openssl s_client -quiet -connect 127.0.0.1:10000 [-cert … -key …]
// Replace the files and send SIGUSR2: clients that come next see the new certificate.
import { readFileSync } from 'node:fs';
import { PreforkTcpServer } from 'prefork-tcp-server';

const [port = process.env['PORT'] ?? 10000, cert = 'cert.pem', key = 'key.pem', clients] = process.argv.slice(2);
const certificate = () => ({ cert: readFileSync(cert), key: readFileSync(key) });

const server = new PreforkTcpServer({
  Address: '127.0.0.1',
  Port: Number(port),
  MaxServer: 4, StartServer: 2,
  Tls: { ...certificate(), ...(clients !== undefined && { ca: readFileSync(clients), requestCert: true }) },
  // A client that does not finish its handshake in time is closed.
  ClientPreConnectTimeout: 5,
  ClientConnected({ heap }) {
    const secure = /** @type {import('node:tls').TLSSocket} */ (heap.client.socket);
    const { subject } = secure.getPeerCertificate();
    heap.client.put(`${secure.getProtocol()} with worker ${process.pid}${secure.authorized ? `, welcome ${subject?.CN ?? 'back'}` : ''}`);
  },
  ClientInput({ heap, input, kernel }) {
    heap.client.put(`you said ${input}`);
    if (input === 'quit') kernel.yield('shutdown');
  },
  // The only callback for a client whose handshake failed; errstr is empty if a client has merely left.
  ClientError({ heap, errstr }) {
    if (errstr !== '') console.log(`${heap.remote_addr}: ${errstr}`);
  },
});

if (server.isMaster) {
  process.on('SIGUSR2', () => {
    try {
      server.configure({ Tls: certificate() });
    } catch (error) {
      console.error(error); // the old one stays in force
    }
  });
  await server.ready();
  console.log('listening on', server.address());
}
