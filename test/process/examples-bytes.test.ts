// Examples in which bytes pass through as they come: what is answered, what a slow side holds back, and what becomes of the rest.
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { withExample } from '../support/examples.js';
import { poll } from '../support/wait.js';

const BYTES = randomBytes(300_000);
const sum = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

/** A server that sends everything back, and where it is. */
async function echo(): Promise<{ where: string; connections: Set<Socket> }> {
  const connections = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    connections.add(socket.once('close', () => { connections.delete(socket); }).on('error', () => undefined));
    socket.pipe(socket);
  });
  await new Promise<void>((listening) => { server.listen(0, '127.0.0.1', listening); });
  onTestFinished(() => { server.close(); });
  return { where: `127.0.0.1:${(server.address() as AddressInfo).port}`, connections };
}

describe('examples/forward.js', () => {
  it('passes everything both ways, to a client that has ended its side too, and ends both sides with either', async () => {
    const { where, connections } = await echo();
    await withExample(['forward.js', where], async (master, port) => {
      const [whole, lasting, cut] = [await master.connect(port), await master.connect(port), await master.connect(port)];
      for (const client of [lasting, cut]) {
        client.send('hello');
        await client.expect('hello');
      }

      await whole.sendAll(BYTES);
      whole.halfClose();
      expect(sum(await whole.read(BYTES.length))).toBe(sum(BYTES));
      await whole.expectEof();
      cut.reset();
      await poll(() => connections.size === 1, () => 'the end of the others');
      for (const connection of connections) connection.destroy();
      await lasting.expectOver();
      for (const client of [whole, lasting]) client.close();
    });
  });
});

describe('examples/upload.js', () => {
  it('says how much has come, keeps what is whole and nothing else, and hears the next line', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'prefork-upload-'));
    onTestFinished(() => { rmSync(folder, { recursive: true }); });
    await withExample(['upload.js', folder], async (master, port) => {
      const [client, leaving] = [await master.connect(port), await master.connect(port)];

      // The second line is in one segment with the end of the first file.
      await client.sendAll(Buffer.concat([Buffer.from('PUT a.bin 300000\n'), BYTES, Buffer.from('PUT b.txt 5\nhello')]));
      const said = [];
      while (said.filter((line) => line.startsWith('done')).length < 2) said.push(await client.readLine());
      leaving.send('PUT c.bin 10\nhalf');
      await leaving.expectMatch(/^40 %\r\n/);
      expect(existsSync(join(folder, 'c.bin.part'))).toBe(true);
      leaving.close();
      client.send('PUT ../d 5\n');

      expect(said).toEqual([...said.slice(0, -3).filter((line) => /^\d+0 %$/.test(line)), `done ${sum(BYTES)}`, '100 %', `done ${sum(Buffer.from('hello'))}`]);
      expect(said.at(-4)).toBe('100 %');
      await client.expect('failed: expected PUT name size\r\n');
      await client.expectEof();
      await poll(() => !existsSync(join(folder, 'c.bin.part')), () => 'the part to be removed');
      expect(readdirSync(folder).toSorted()).toEqual(['a.bin', 'b.txt']);
      expect(sum(readFileSync(join(folder, 'a.bin')))).toBe(sum(BYTES));
      client.close();
    });
  });
});
