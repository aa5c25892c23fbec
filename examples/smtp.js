// An SMTP server (the package `smtp-server`) with a pool of workers: prints what it receives. Needs `npm install smtp-server`.
// Start it with `node examples/smtp.js [port]`, then: curl smtp://127.0.0.1:10000 --mail-from a@example.org --mail-rcpt b@example.org -T mail.txt
import { text } from 'node:stream/consumers';
import { PreforkTcpServer } from 'prefork-tcp-server';
import { SMTPServer } from 'smtp-server';

const smtpServer = new SMTPServer({
  authOptional: true,
  hideSTARTTLS: true,
  size: 1024 * 1024,
  onData(stream, session, callback) {
    text(stream).then((mail) => {
      if (stream.sizeExceeded) throw Object.assign(new Error('The message is too large.'), { responseCode: 552 });
      console.log(`${process.pid}: mail from ${session.envelope.mailFrom && session.envelope.mailFrom.address}, ${mail.length} characters`);
      callback(null, `taken by ${process.pid}`);
    }).catch(callback);
  },
});
smtpServer.on('error', (error) => { console.error(`${process.pid}: ${error.message}`); });

const close = () => { smtpServer.close(); };

const server = new PreforkTcpServer({
  Address: '127.0.0.1',
  Port: Number(process.argv[2] ?? process.env['PORT'] ?? 10000),
  MaxServer: 4, StartServer: 2,
  GraceExpireTime: 30,
  Acceptor({ socket, draining }) {
    // A mail in transit is still taken; the next command is answered with 421, and clients try again later.
    draining.addEventListener('abort', close);
    // The SMTP server never listens: it gets connections that the pool has accepted and counted.
    smtpServer.server.emit('connection', socket);
  },
});

if (server.isMaster) {
  await server.ready();
  console.log('listening on', server.address());
}
