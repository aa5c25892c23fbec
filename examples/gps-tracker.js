// A server for GPS trackers that speak GT06: answers logins and heartbeats, prints positions.
// Start it with `node examples/gps-tracker.js [port]`, then log in: echo 78780d01012345678901234500018cdd0d0a | xxd -r -p | nc -q1 127.0.0.1 10000 | xxd
import { CodecFilter, PreforkTcpServer } from 'prefork-tcp-server';

/**
 * Frames begin with 78 78 and a length of one byte, or with 79 79 and a length of two. It counts what follows it, without
 * the last two bytes 0d 0a. Trackers send both kinds on one connection.
 *
 * @type {(input: Buffer) => import('prefork-tcp-server').Decoded<Buffer>}
 */
function decode(input) {
  const start = input[0] ?? 0;
  if ((start !== 0x78 && start !== 0x79) || (input.length > 1 && input[1] !== start)) throw new Error('a frame begins with 78 78 or 79 79');
  if (input.length < 4) return { need: 4 };
  const bytes = start === 0x78 ? input.readUInt8(2) + 5 : input.readUInt16BE(2) + 6;
  if (bytes < 10) throw new Error('a frame has a type, a serial number and a checksum');
  return input.length < bytes ? { need: bytes } : { record: input.subarray(0, bytes), bytes };
}

/** CRC-ITU (X.25). @type {(bytes: Buffer) => number} */
function checksum(bytes) {
  let crc = 0xffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x8408 : crc >>> 1;
  }
  return crc ^ 0xffff;
}

/** The answer: the type and the serial number of what it acknowledges. @type {(type: number, serial: number) => Buffer} */
function acknowledge(type, serial) {
  const answer = Buffer.from([0x78, 0x78, 5, type, serial >> 8, serial & 255, 0, 0, 0x0d, 0x0a]);
  answer.writeUInt16BE(checksum(answer.subarray(2, 6)), 6);
  return answer;
}

/** Degrees from units of 1/30000 of a minute; the flags say whether they are south and west. @type {(content: Buffer) => string} */
function position(content) {
  const flags = content.readUInt16BE(16);
  const [latitude, longitude] = [content.readUInt32BE(7) / 1_800_000, content.readUInt32BE(11) / 1_800_000];
  return `${(flags & 0x0400 ? latitude : -latitude).toFixed(5)} ${(flags & 0x0800 ? -longitude : longitude).toFixed(5)}, ${content[15]} km/h`;
}

/** @type {PreforkTcpServer<{ imei?: string }, CodecFilter<Buffer>>} */
const server = new PreforkTcpServer({
  Address: '127.0.0.1',
  Port: Number(process.argv[2] ?? process.env['PORT'] ?? 10000),
  MaxServer: 4, StartServer: 2,
  // The longest possible frame, 65541 bytes, is far longer than any that a tracker sends.
  ClientFilter: new CodecFilter({ Decode: decode, MaxLength: 4096 }),
  ClientTimeout: 600,
  ClientInput({ heap, input, kernel }) {
    // A damaged frame is dropped; as it gets no answer, the tracker sends it again.
    if (checksum(input.subarray(2, -4)) !== input.readUInt16BE(input.length - 4)) return;
    const head = input[0] === 0x78 ? 3 : 4;
    const [type, content, serial] = [input.readUInt8(head), input.subarray(head + 1, -6), input.readUInt16BE(input.length - 6)];
    if (type === 0x01 && content.length >= 8) heap.imei = content.toString('hex', 0, 8).slice(1);
    if (heap.imei === undefined) return kernel.yield('shutdown');
    if (type === 0x01 || type === 0x13) heap.client.put(acknowledge(type, serial));
    if ((type === 0x12 || type === 0x22) && content.length >= 18) console.log(`${heap.imei} is at ${position(content)}`);
    if (type === 0x94) console.log(`${heap.imei} reports ${content.toString('hex')}`);
  },
});

if (server.isMaster) {
  await server.ready();
  console.log('listening on', server.address());
}
