// A user's program with a listener of its own, which every worker would open too: before the server or beside it.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { PreforkTcpServer } from 'prefork-tcp-server';
import { given } from './given.mjs';

const { std: { first }, options } = given();
const second = createServer().listen(Number(process.env.SECOND_PORT ?? 0), '127.0.0.1');
if (first || process.send === undefined) await once(second, 'listening');
process.env.SECOND_PORT ??= String(second.address().port);
await new PreforkTcpServer({ Address: '127.0.0.1', Port: 0, ClientInput: () => undefined, ...options }).ready();
