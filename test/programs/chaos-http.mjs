// Its workers hand their clients to node:http. GET / answers with the pid; GET /block/SECONDS blocks the worker first.
import { createServer } from 'node:http';
import { PreforkTcpServer } from 'prefork-tcp-server';
import { announce } from './announce.mjs';
import { given } from './given.mjs';
import { spinFor } from './handlers.mjs';

const { std, options } = given();
const http = createServer((request, response) => {
  const [, seconds] = /^\/block\/([\d.]+)$/.exec(request.url) ?? [];
  if (seconds !== undefined) spinFor(Number(seconds));
  response.end(`${process.pid}`);
});

announce(new PreforkTcpServer({
  Acceptor({ socket }) { http.emit('connection', socket); },
  ...options,
}), std);
