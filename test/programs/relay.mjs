// Says what it is asked to with the messages of the user, in every way ('forget', 'later' and 'reload' handle no failure); `message` and `worker:message` are reported to the client and the test.
import { PreforkTcpServer } from 'prefork-tcp-server';
import { announce, print } from './announce.mjs';
import { given } from './given.mjs';

const { std, options } = given();
const clients = new Set();
const heard = [];
const heardRaw = [];

const server = new PreforkTcpServer({
  ClientConnected({ heap }) {
    clients.add(heap.client);
    heap.client.put(`W${process.pid}`);
  },
  async ClientInput({ heap, input }) {
    const [word, ...rest] = input.split(' ');
    const value = rest.length === 0 ? undefined : JSON.parse(rest.join(' '));
    const { client } = heap;
    try {
      if (word === 'send') client.put(`sent ${server.send(value)}`);
      else if (word === 'give') process.send(value, heap.client.socket);
      else if (word === 'raw') client.put(`sent ${process.send(value)}`);
      else if (word === 'broadcast') client.put(`sent ${server.broadcast(value)}`);
      else if (word === 'ask') client.put(`answer ${JSON.stringify(await server.ask(value, { timeout: 5 }))}`);
      else if (word === 'forget') void server.ask(value, { timeout: 0 });
      else if (word === 'later') setImmediate(async () => { await server.ask(value, { timeout: 0 }); });
      else if (word === 'reload') setImmediate(async () => { await server.reload(value); });
      else if (word === 'reject') void Promise.reject(new Error('rejected elsewhere'));
      else if (word === 'heard-raw') client.put(`heard ${JSON.stringify(heardRaw)}`);
      else if (word === 'heard') client.put(`heard ${JSON.stringify(heard)}`);
      else client.put(input);
    } catch (error) {
      client.put(`${error.code} ${error.message}`);
    }
  },
  ClientDisconnected({ heap }) { clients.delete(heap.client); },
  ...options,
});

process.on('message', (message, handle) => { heardRaw.push(message, ...(handle === undefined ? [] : ['a handle'])); });
announce(server, std);
if (server.isMaster && std.asks) setImmediate(async () => { await server.ask('which is for workers'); });
if (server.isMaster) server.on('worker:message', ({ message }) => { print('worker:message', { message }); });
server.on('message', (message) => { if (message === 'stumble') throw new Error('over a broadcast'); });
server.on('message', (message) => {
  heard.push(message);
  for (const client of clients) client.put(`got ${JSON.stringify(message)}`);
});
