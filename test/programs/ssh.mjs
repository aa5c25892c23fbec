// The package ssh2 with a pool of workers; its arguments are the files of the host's key and the user's.
// `who` answers with the worker's pid, `cat` echoes standard input, `exit N` ends with N.
import { readFileSync } from 'node:fs';
import { PreforkTcpServer } from 'prefork-tcp-server';
import ssh2 from 'ssh2';

const [hostKey, userKey] = process.argv.slice(2);
const allowed = ssh2.utils.parseKey(readFileSync(userKey));

const ssh = new ssh2.Server({ hostKeys: [readFileSync(hostKey)] }, (client) => {
  client.on('error', () => undefined);
  client.on('authentication', (request) => {
    const { method, key, signature, blob, hashAlgo } = request;
    if (method !== 'publickey' || !key.data.equals(allowed.getPublicSSH())) request.reject(['publickey']);
    else if (signature === undefined || allowed.verify(blob, signature, hashAlgo) === true) request.accept();
    else request.reject();
  });
  client.on('session', (acceptSession) => {
    acceptSession().on('exec', (acceptExec, _reject, { command }) => {
      const channel = acceptExec();
      const end = (code) => {
        channel.exit(code);
        channel.end();
      };
      if (command === 'who') channel.write(`${process.pid}\n`);
      if (command !== 'cat') end(Number(/^exit (\d+)$/.exec(command)?.[1] ?? 0));
      else channel.on('data', (bytes) => channel.write(bytes)).on('end', () => end(0));
    });
  });
});

new PreforkTcpServer({
  Acceptor({ socket }) { ssh.injectSocket(socket); },
});
