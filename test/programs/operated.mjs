// STD, with a master that an operator commands: each line of its standard input is a call of a method, as JSON; its outcome is printed.
import { createInterface } from 'node:readline';
import { PreforkTcpServer } from 'prefork-tcp-server';
import { announce, print } from './announce.mjs';
import { given } from './given.mjs';
import { stdHandlers } from './handlers.mjs';

const { std, options } = given();
const server = new PreforkTcpServer({ ...stdHandlers(std), ...options });
announce(server, std);

async function obey({ number, call, args }) {
  try {
    print('obeyed', { number, result: await server[call](...args) });
  } catch (error) {
    print('obeyed', { number, failed: { message: error.message, pid: error.pid } });
  }
}

if (server.isMaster) createInterface({ input: process.stdin }).on('line', (line) => { void obey(JSON.parse(line)); });
