// Files: a line `PUT name size`, then as many bytes, then the next line. Reports progress, and the SHA-256 at the end.
// Start it with `node examples/upload.js [port] [folder]`, then: printf 'PUT notes.txt 6\nhello\n' | nc -N 127.0.0.1 10000
import { createHash } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CodecFilter, LineFilter, PreforkTcpServer } from 'prefork-tcp-server';

const folder = process.argv[3] ?? '.';

/** @typedef {{ path: string, part: string, file: import('node:fs/promises').FileHandle, hash: import('node:crypto').Hash, size: number, left: number, said: number }} Upload */
/** @typedef {import('prefork-tcp-server').Heap<{ upload: Upload | undefined }>} UploadHeap */

/** Takes that many bytes, in pieces as they come, and leaves what follows them. @type {(left: number) => CodecFilter<Buffer>} */
const bytesOf = (left) => new CodecFilter({
  Decode(input) {
    const bytes = Math.min(input.length, left, 64 * 1024);
    left -= bytes;
    return bytes === 0 ? undefined : { record: input.subarray(0, bytes), bytes };
  },
});

/** @type {(heap: UploadHeap, line: string) => Promise<void>} */
async function begin(heap, line) {
  const [, name, digits] = /^PUT (\w[\w.-]{0,99}) ([1-9]\d{0,11})$/.exec(line) ?? [];
  if (name === undefined) throw new Error('expected PUT name size');
  const path = join(folder, name);
  const part = `${path}.part`;
  // Fails if another client is sending a file of that name.
  const file = await open(part, 'wx');
  heap.upload = { path, part, file, hash: createHash('sha256'), size: Number(digits), left: Number(digits), said: 0 };
  heap.client.set_input_filter(bytesOf(heap.upload.left));
}

/** @type {(heap: UploadHeap, upload: Upload, bytes: Buffer) => Promise<void>} */
async function add(heap, upload, bytes) {
  // The client's next bytes wait for this, so a client that sends too fast is slowed down.
  await upload.file.writeFile(bytes);
  upload.hash.update(bytes);
  upload.left -= bytes.length;
  const tenths = Math.floor((1 - upload.left / upload.size) * 10);
  if (tenths > upload.said) heap.client.put(`${(upload.said = tenths) * 10} %`);
  if (upload.left > 0) return;
  heap.upload = undefined;
  await upload.file.close();
  await rename(upload.part, upload.path);
  heap.client.put(`done ${upload.hash.digest('hex')}`);
  heap.client.set_input_filter(new LineFilter());
}

const server = new PreforkTcpServer({
  Address: '127.0.0.1',
  Port: Number(process.argv[2] ?? process.env['PORT'] ?? 10000),
  MaxServer: 2, StartServer: 2, MinSpareServer: 0, GraceExpireTime: 60,
  ClientTimeout: 60,
  Heap: () => ({ upload: /** @type {Upload | undefined} */ (undefined) }),
  ClientFilter: new LineFilter(),
  async ClientInput({ heap, input, kernel }) {
    /** @type {string | Buffer} A line, or bytes while a file comes. */
    const record = input;
    try {
      if (heap.upload !== undefined && Buffer.isBuffer(record)) await add(heap, heap.upload, record);
      else await begin(heap, String(record));
    } catch (error) {
      // It is not known where its bytes end, so what follows cannot be understood.
      heap.client.put(`failed: ${/** @type {Error} */ (error).message}`);
      kernel.yield('shutdown');
    }
  },
  async ClientDisconnected({ heap: { upload } }) {
    if (upload === undefined) return;
    await upload.file.close();
    await rm(upload.part, { force: true });
  },
});

if (server.isMaster) {
  await server.ready();
  console.log('listening on', server.address());
}
