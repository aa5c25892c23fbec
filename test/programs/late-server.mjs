// A worker's script that waits for SIGUSR2 before it constructs its server, and never ends without one.
import { once } from 'node:events';
import { PreforkTcpServer } from 'prefork-tcp-server';
import { given } from './given.mjs';

setInterval(() => undefined, 1000);
if (process.send !== undefined) {
  const signal = once(process, 'SIGUSR2');
  console.log('waiting', process.pid);
  await signal;
}
new PreforkTcpServer({ Address: '127.0.0.1', Port: 0, ClientInput: () => undefined, ...given().options });
