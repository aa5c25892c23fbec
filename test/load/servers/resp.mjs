// A key-value store that speaks RESP, written by hand on node:net, with the commands that redis-benchmark measures: the peer of examples/resp.js.
import net from 'node:net';
import { print } from '../../programs/announce.mjs';

/** @type {Map<string, Buffer>} */
const store = new Map();

const server = net.createServer({ noDelay: true }, (socket) => {
  /** @type {Buffer} */
  let rest = Buffer.alloc(0);
  socket.on('error', () => { socket.destroy(); });
  socket.on('data', (/** @type {Buffer} */ chunk) => {
    const input = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const answers = [];
    let at = 0;
    for (let found = command(input, at); found !== undefined; found = command(input, at)) {
      answers.push(answer(found.words));
      at = found.end;
    }
    rest = input.subarray(at);
    if (answers.length > 0) socket.write(Buffer.concat(answers.flat()));
  });
});

/** @param {Buffer} input @param {number} from */
function number(input, from) {
  let value = 0;
  for (let at = from + 1; at < input.length; at++) {
    const byte = input[at] ?? 0;
    if (byte === 13) return { value, end: at + 2 };
    value = value * 10 + byte - 48;
  }
  return undefined;
}

/** @param {Buffer} input @param {number} from */
function command(input, from) {
  const count = number(input, from);
  if (count === undefined) return undefined;
  const words = [];
  let at = count.end;
  for (let left = count.value; left > 0; left--) {
    const length = number(input, at);
    if (length === undefined || length.end + length.value + 2 > input.length) return undefined;
    words.push(input.subarray(length.end, length.end + length.value));
    at = length.end + length.value + 2;
  }
  return at > input.length ? undefined : { words, end: at };
}

const [OK, NONE, END] = [Buffer.from('+OK\r\n'), Buffer.from('$-1\r\n'), Buffer.from('\r\n')];

/** @param {Buffer[]} words */
function answer([name, key, value]) {
  switch (String(name).toUpperCase()) {
    case 'SET':
      store.set(String(key), Buffer.from(value ?? ''));
      return [OK];
    case 'GET': {
      const found = store.get(String(key));
      return found === undefined ? [NONE] : [Buffer.from(`$${found.length}\r\n`), found, END];
    }
    default: return [Buffer.from(`-ERR unknown command '${String(name)}'\r\n`)];
  }
}

server.listen({ port: 0, host: '127.0.0.1', backlog: 511 }, () => { print('up', { address: server.address() }); });
