// A binary protocol: each message is preceded by its length in four bytes, the most significant first. Answers in upper case.
// Start it with `node examples/block-protocol.js [port]`, then: printf '\0\0\0\5hello' | nc -N 127.0.0.1 10000 | xxd
import { BlockFilter, PreforkTcpServer } from 'prefork-tcp-server';

/** @type {import('prefork-tcp-server').LengthCodec} */
const lengthOfFourBytes = [
  (length) => {
    const header = Buffer.alloc(4);
    header.writeUInt32BE(length);
    return header;
  },
  (input) => (input.length < 4 ? undefined : { headerBytes: 4, length: input.readUInt32BE() }),
];

const server = new PreforkTcpServer({
  Address: '127.0.0.1',
  Port: Number(process.argv[2] ?? process.env['PORT'] ?? 10000),
  MaxServer: 4, StartServer: 2,
  // A message longer than MaxLength ends only the client that sent it.
  ClientFilter: [BlockFilter, { LengthCodec: lengthOfFourBytes, MaxLength: 64 * 1024 }],
  ClientInput({ heap, input }) {
    heap.client.put(input.toString('utf8').toUpperCase());
  },
  ClientError({ heap, operation, errstr }) {
    if (operation === 'input') heap.client.put(`refused: ${errstr}`);
  },
});

if (server.isMaster) {
  await server.ready();
  console.log('listening on', server.address());
}
