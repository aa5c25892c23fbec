// STD whose workers block until a file is there, in the way that a client asks for: `WAY FILE`. With `std: { http: true }` they hand
// their clients to node:http, and GET /FILE blocks. Each says so just before.
import { createServer } from 'node:http';
import { PreforkTcpServer } from 'prefork-tcp-server';
import { given } from './given.mjs';
import { sleepFor, stdHandlers } from './handlers.mjs';

const { std, options } = given();
const handlers = stdHandlers(std);

function block(path) {
  process.send({ tell: 'blocks' });
  sleepFor(path);
}

const later = () => new Promise((resolve) => { setTimeout(resolve, 20); });

const WAYS = {
  callback: block,
  await: (path) => later().then(() => { block(path); }),
  timer: (path) => { setTimeout(block, 20, path); },
  job: (path) => { void later().then(() => undefined).then(() => { block(path); }); },
};

const http = createServer((request, response) => {
  if (request.url !== '/') block(request.url);
  response.end(`W${process.pid}\r\n`);
});

const callbacks = std.http === true ? { Acceptor({ socket }) { http.emit('connection', socket); } } : {
  ...handlers,
  ClientInput(context) {
    const [way, path] = String(context.input).split(' ');
    return way in WAYS ? WAYS[way](path) : handlers.ClientInput(context);
  },
};

new PreforkTcpServer({ ...callbacks, ...options });
