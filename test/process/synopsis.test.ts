import { describe, expect, it } from 'vitest';
import { ask } from '../support/admin-client.js';
import { withMaster } from '../support/master-process.js';
import type { MasterProcess } from '../support/master-process.js';
import { waitRefused } from '../support/tcp-client.js';
import type { TcpClient } from '../support/tcp-client.js';

/** Starts examples/synopsis.js as a user does and waits for its invitation. */
async function withSynopsis(body: (master: MasterProcess, port: number) => Promise<void>): Promise<void> {
  await withMaster({ args: ['examples/synopsis.js', '0'], detached: true }, async (master) => {
    const line = await master.line(/nc 127\.0\.0\.1 \d+/);
    await body(master, Number(/nc 127\.0\.0\.1 (\d+)/.exec(line)?.[1]));
    // The example prints for people, so its workers are not known to the harness: make it end them itself.
    master.signalGroup('SIGINT');
    expect(await master.over()).toEqual({ code: 0, signal: null });
  });
}

async function welcomed(client: TcpClient): Promise<number> {
  const [, pid] = await client.expectMatch(/^test server , welcome(\d+) !\n\r\n/);
  return Number(pid);
}

describe('examples/synopsis.js', () => {
  it('answers hello, and ends the connection after quit', async () => {
    await withSynopsis(async (master, port) => {
      const client = await master.connect(port);
      const pid = await welcomed(client);

      client.send('hello\n');
      await client.expect(`${pid} : hello\r\n`);
      client.send('quit\n');

      await client.expect(`${pid} : quit\r\n`);
      await client.expectEof();
    });
  });

  it('drains the worker after exit, and replaces one that was killed', async () => {
    await withSynopsis(async (master, port) => {
      const leaving = await master.connect(port);
      const drained = await welcomed(leaving);
      leaving.send('exit\n');
      await leaving.expect(`${drained} : exit\r\n`);
      await leaving.expectEof();
      await master.line(new RegExp(`${drained} .*drain`));
      await master.line(new RegExp(`${drained} .*exit`));

      const killer = await master.connect(port);
      const killed = await welcomed(killer);
      killer.send('kill\n');
      await killer.expectOver();
      await master.line(new RegExp(`${killed} .*exit`));

      const client = await master.connect(port);
      expect([drained, killed]).not.toContain(await welcomed(client));
      client.close();
    });
  });

  it('drains with Ctrl-C: a client may finish', async () => {
    await withSynopsis(async (master, port) => {
      const client = await master.connect(port);
      const pid = await welcomed(client);

      master.signal('SIGINT');
      await waitRefused(port);
      client.send('quit\n');

      await client.expect(`${pid} : quit\r\n`);
      await client.expectEof();
      expect(await master.over()).toEqual({ code: 0, signal: null });
    });
  });

  it('prints the address of a page that shows the pool', async () => {
    await withSynopsis(async (master) => {
      const line = await master.line(/Look at the pool: http:/);
      const url = /(http:\S+)#token=newcomer/.exec(line)?.[1] ?? '';

      expect(JSON.parse((await ask(`${url}status`)).body)).toMatchObject({ limits: { MaxServer: 100 } });
    });
  });
});
