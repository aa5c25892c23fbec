// A Modbus TCP server of 100 holding registers: reads (function 3), writes one (6) or several (16).
// Start it with `node examples/modbus.js [port]`, then: mbpoll -0 -1 -p 10000 -r 5 127.0.0.1 1234 (writes), and again without 1234 (reads)
import { FrameFilter, PreforkTcpServer } from 'prefork-tcp-server';

const registers = new Uint16Array(100);

/** What is wrong with a request, as the exception code of the Modbus specification. */
const [ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE] = [1, 2, 3];

/**
 * Carries out a request, which is a function code and its data; returns the answer of the same form.
 *
 * @type {(request: Buffer) => Buffer}
 */
function carryOut(request) {
  const code = request[0] ?? 0;
  const refuse = (/** @type {number} */ exception) => Buffer.from([code | 0x80, exception]);
  if (![3, 6, 16].includes(code)) return refuse(ILLEGAL_FUNCTION);
  if (request.length < 5) return refuse(ILLEGAL_VALUE);
  const address = request.readUInt16BE(1);
  const count = code === 6 ? 1 : request.readUInt16BE(3);
  if (count < 1 || count > (code === 3 ? 125 : 123)) return refuse(ILLEGAL_VALUE);
  if (address + count > registers.length) return refuse(ILLEGAL_ADDRESS);
  if (code === 3) {
    const answer = Buffer.alloc(2 + 2 * count);
    answer.set([code, 2 * count]);
    for (let at = 0; at < count; at++) answer.writeUInt16BE(registers[address + at] ?? 0, 2 + 2 * at);
    return answer;
  }
  const values = request.subarray(code === 6 ? 3 : 6);
  if (values.length !== 2 * count || (code === 16 && request[5] !== values.length)) return refuse(ILLEGAL_VALUE);
  for (let at = 0; at < count; at++) registers[address + at] = values.readUInt16BE(2 * at);
  return request.subarray(0, 5);
}

const server = new PreforkTcpServer({
  Address: '127.0.0.1',
  Port: Number(process.argv[2] ?? process.env['PORT'] ?? 10000),
  // The registers are in the memory of one worker. To have more workers, keep them in a store.
  MaxServer: 1,
  // Transaction and protocol (2 bytes each) precede the length. With Skip 0, records are whole frames, and put() fills in
  // the length.
  ClientFilter: [FrameFilter, { LengthOffset: 4, LengthBytes: 2, Skip: 0, MaxLength: 260 }],
  ClientTimeout: 60,
  ClientInput({ heap, input, kernel }) {
    // Another protocol: the specification has no answer to it.
    if (input.readUInt16BE(2) !== 0 || input.length < 8) return kernel.yield('shutdown');
    // The header up to the unit comes back as it was.
    return heap.client.put(Buffer.concat([input.subarray(0, 7), carryOut(input.subarray(7))]));
  },
});

if (server.isMaster) {
  await server.ready();
  console.log('listening on', server.address());
}
