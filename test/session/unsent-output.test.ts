import { once } from 'node:events';
import { createConnection, createServer, type AddressInfo, type Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { UnsentOutput } from '../../src/session/unsent-output.js';
import { ManualClock } from '../support/manual-clock.js';
import { poll } from '../support/wait.js';

/** Both ends of a connection while the body runs. */
async function withConnection(body: (ends: { readonly served: Socket; readonly client: Socket }) => Promise<void>): Promise<void> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = createConnection((server.address() as AddressInfo).port, '127.0.0.1');
  const [served] = await once(server, 'connection') as [Socket];
  try {
    await body({ served, client });
  } finally {
    client.destroy();
    served.destroy();
    server.close();
    await once(server, 'close');
  }
}

describe('output that the kernel has not sent', () => {
  it.runIf(process.platform === 'linux')('is there while the client does not read, gets less as it reads, and is asked for now and then only', async () => {
    await withConnection(async ({ served, client }) => {
      const clock = new ManualClock();
      const unsent = new UnsentOutput(clock);
      client.pause();
      served.write(Buffer.alloc(64 * 1024 * 1024));
      await poll(() => {
        clock.advance(1000);
        return (unsent.of(served) ?? 0) > 0;
      }, () => 'output that the kernel keeps');
      const before = unsent.of(served);

      client.resume();
      await poll(() => served.writableLength === 0, () => 'the kernel to take all');
      const believed = unsent.of(served);
      await poll(() => {
        clock.advance(1000);
        return unsent.of(served) === 0;
      }, () => 'the client to have everything');

      expect(believed).toBe(before);
    });
  });

  it('is not known of what is no socket, or none any more', async () => {
    const unsent = new UnsentOutput(new ManualClock());

    await withConnection(async ({ served }) => {
      served.destroy();
      await once(served, 'close');
      expect(unsent.of(served)).toBeUndefined();
    });
    expect(unsent.of(new PassThrough())).toBeUndefined();
  });
});
