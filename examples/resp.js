// A key-value store that speaks RESP, the protocol of Redis. Keys and values are any bytes.
// Start it with `node examples/resp.js [port]`, then: redis-cli -p 10000 set greeting hello
import { CodecFilter, PreforkTcpServer } from 'prefork-tcp-server';

/** The number after a type byte, up to CR LF, and where it ends. @type {(input: Buffer, at: number, type: string) => { value: number, end: number } | undefined} */
function number(input, at, type) {
  if (at >= input.length) return undefined;
  if (input[at] !== type.charCodeAt(0)) throw new Error(`expected '${type}', got ${JSON.stringify(input.toString('latin1', at, at + 1))}`);
  for (let end = at + 1, value = 0; end < input.length; end++) {
    const byte = input[end] ?? 0;
    if (byte === 13 && end > at + 1) return { value, end: end + 2 };
    if (byte < 48 || byte > 57 || value > 1e8) throw new Error(`invalid length after '${type}'`);
    value = value * 10 + byte - 48;
  }
  return undefined;
}

/** A command is an array of bulk strings: `*2\r\n$3\r\nGET\r\n$8\r\ngreeting\r\n`. @type {(input: Buffer, seen?: number) => import('prefork-tcp-server').Decoded<Buffer[]>} */
function decode(input, seen) {
  if (input[0] !== 42) { // '*'; anything else is a line of words, as people type it.
    const end = input.indexOf('\n', seen);
    if (end === -1) return undefined;
    const words = input.toString('latin1', 0, end).split(/\s+/).filter((word) => word !== '');
    if (/^(POST|Host:)/i.test(words[0] ?? '')) throw new Error('a browser has no business here');
    return words.length === 0 ? { bytes: end + 1 } : { record: words.map((word) => Buffer.from(word, 'latin1')), bytes: end + 1 };
  }
  const array = number(input, 0, '*');
  if (array === undefined) return undefined;
  const command = [];
  let { end: at } = array;
  for (let left = array.value; left > 0; left--) {
    const bulk = number(input, at, '$');
    const end = bulk === undefined ? at + 4 : bulk.end + bulk.value;
    // Each string that is still to come has at least six bytes: with fewer it is not worth looking again.
    if (bulk === undefined || input.length < end + 2) return { need: Math.max(input.length + 1, end + 2 + 6 * (left - 1)) };
    if (input[end] !== 13 || input[end + 1] !== 10) throw new Error('expected CR LF after a string');
    command.push(input.subarray(bulk.end, end));
    at = end + 2;
  }
  if (input.length < at) return { need: at };
  return command.length === 0 ? { bytes: at } : { record: command, bytes: at };
}

/** @type {(reply: string | number | Buffer | Error | null) => Buffer | string} */
function encode(reply) {
  if (typeof reply === 'string') return `+${reply}\r\n`;
  if (typeof reply === 'number') return `:${reply}\r\n`;
  if (reply instanceof Error) return `-ERR ${reply.message.replace(/[\r\n]/g, ' ')}\r\n`;
  return reply === null ? '$-1\r\n' : Buffer.concat([Buffer.from(`$${reply.length}\r\n`), reply, Buffer.from('\r\n')]);
}

/** @type {Map<string, Buffer>} A key's text has one character for each of its bytes. */
const store = new Map();

/** @type {Record<string, (...args: Buffer[]) => string | number | Buffer | null>} */
const commands = {
  PING: (message) => message ?? 'PONG',
  GET: (key) => store.get(key?.toString('latin1') ?? '') ?? null,
  // A copy: what Decode returned is a part of everything that was read with it.
  SET: (key, value) => (store.set(key?.toString('latin1') ?? '', Buffer.from(value ?? '')), 'OK'),
  DEL: (...keys) => keys.filter((key) => store.delete(key.toString('latin1'))).length,
  DBSIZE: () => store.size,
};

const server = new PreforkTcpServer({
  Address: '127.0.0.1',
  Port: Number(process.argv[2] ?? process.env['PORT'] ?? 10000),
  // The store is in the memory of one worker.
  MaxServer: 1,
  ClientFilter: new CodecFilter({ Decode: decode, Encode: encode, MaxLength: 16 * 1024 * 1024 }),
  ClientInput({ heap, input: [name, ...args] }) {
    const command = commands[String(name).toUpperCase()];
    heap.client.put(command === undefined ? new Error(`unknown command '${String(name).slice(0, 32)}'`) : command(...args));
  },
  ClientError({ heap, operation, errstr }) {
    if (operation === 'input') heap.client.put(new Error(`Protocol error: ${errstr}`));
  },
});

if (server.isMaster) await server.ready().then(() => console.log('listening on', server.address()));
