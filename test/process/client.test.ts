import { Buffer } from 'node:buffer';
import { describe, expect, it } from 'vitest';
import type { MasterProcess } from '../support/master-process.js';
import { withMaster } from '../support/master-process.js';
import { residentBytes } from '../support/proc.js';
import type { TcpClient } from '../support/tcp-client.js';
import { ONE, withServer } from '../support/with-server.js';

const MiB = 1024 * 1024;

describe('an async ClientInput', () => {
  it('is not called for the next record before it has settled', async () => {
    await withServer({ ...ONE, program: 'async-input.mjs' }, async (running) => {
      const client = await running.join();

      client.send('later 30\nlater 20\nlater 10\nnow\n');

      await client.expect('later 30\r\nlater 20\r\nlater 10\r\nnow\r\n');
    });
  });

  it('lets other clients of the same worker go on meanwhile', async () => {
    await withServer({ ...ONE, program: 'async-input.mjs' }, async (running) => {
      const held = await running.join();
      held.send('hold\nnext\n');
      const other = await running.join();

      other.send('hello\n');
      await other.expect('hello\r\n');
      held.expectNothing();
      other.send('release\n');

      await other.expect('released\r\n');
      expect(await held.readLine()).toMatch(/^read \d+$/);
      await held.expect('next\r\n');
    });
  });

  it('has the input of its client paused: more is not read', async () => {
    await withServer({ ...ONE, program: 'async-input.mjs' }, async (running) => {
      const held = await running.join();
      const other = await running.join();
      const lines = Array.from({ length: 600 }, (_, number) => `line${number} ${'x'.repeat(50_000)}\n`);

      // 30 MB: more than the kernel's buffers take.
      held.send(`hold\n${lines.join('')}`);
      for (let round = 0; round < 100; round++) {
        other.send(`round${round}\n`);
        await other.expect(`round${round}\r\n`);
      }
      other.send('release\n');
      await other.expect('released\r\n');

      const [, bytes] = /^read (\d+)$/.exec(await held.readLine()) ?? [];
      expect(Number(bytes)).toBeLessThan(MiB);
      for (let number = 0; number < lines.length; number++) await held.expect(`line${number}\r\n`);
    });
  });
});

describe('ClientDisconnected', () => {
  const long = 'x'.repeat(200);

  it.each([
    ['quit', (client: TcpClient) => { client.send('quit\n'); }],
    ['quit and more in the same segment', (client: TcpClient) => { client.send('quit\nquit\nlate\n'); }],
    ['quit and the end of input', (client: TcpClient) => { client.send('quit\n'); client.halfClose(); }],
    ['the end of input', (client: TcpClient) => { client.halfClose(); }],
    ['a reset', (client: TcpClient) => { client.reset(); }],
    ['a line and a reset', (client: TcpClient) => { client.send('big 3000000\n'); client.reset(); }],
    ['a throw', (client: TcpClient) => { client.send('die\n'); }],
    ['a line that is too long', (client: TcpClient) => { client.send(`${long}\n`); }],
    ['exit', (client: TcpClient) => { client.send('exit\n'); }],
    ['the end of the grace time', (_client: TcpClient, master: MasterProcess) => { master.signal('SIGTERM'); }],
  ])('is called exactly once after %s', async (_title, end) => {
    const options = { ...ONE, GraceExpireTime: 0.3, ClientFilter: ['Line', { MaxLength: 100 }] };
    await withMaster({ program: 'log.mjs', options }, async (master) => {
      const client = await master.join();

      end(client, master);

      await master.until(() => master.all('log').find(({ callback }) => callback === 'Disconnected'), () => 'Disconnected');
      master.signal('SIGTERM');
      await master.over();
      const calls = master.all('log').filter((entry) => entry['client'] === 1).map(({ callback }) => callback);
      expect(calls.filter((callback) => callback === 'Disconnected')).toHaveLength(1);
      expect(calls.at(-1)).toBe('Disconnected');
    });
  });
});

describe('a client that has closed its side', () => {
  it('gets all that is pending, and then the end', async () => {
    await withServer(ONE, async (running) => {
      const client = await running.join();
      client.pause();

      client.send('big 8000000\nhello\n');
      client.halfClose();
      const fence = await running.join();
      await fence.echo('the worker has seen the end of input');
      client.resume();

      await client.expect(Buffer.alloc(8_000_000, 'x'));
      await client.expect(`\r\n${client.pid} : hello\r\n`);
      await client.expectEof();
    });
  });
});

describe('a client that does not close its side', () => {
  it('does not keep its session after quit', async () => {
    await withServer({ ...ONE, MaxSessionPerServer: 1 }, async (running) => {
      const client = await running.join();

      client.send('quit\n');
      await client.expect('bye\r\n');
      await client.expectEof();

      expect(client.socket.writable).toBe(true);
      const next = await running.join();
      await next.echo('in its place');
      await running.until(({ totals }) => totals.connections === 1);
    });
  });

  it('does not keep its worker either', async () => {
    await withServer({ ...ONE, GraceExpireTime: Infinity }, async (running) => {
      const client = await running.join();

      client.send('exit\n');
      await client.expectEof();

      expect((await running.exit(client.pid)).detail).toMatchObject({ code: 0, reason: 'asked' });
    });
  });

  it('and sends on and on after quit gets the answer and does not keep its session', async () => {
    await withServer(ONE, async (running) => {
      const client = await running.join();

      client.send(`quit\n${'late\n'.repeat(200_000)}`);
      await client.expect('bye\r\n');

      await running.until(({ totals }) => totals.connections === 0);
    });
  });
});

describe('a client that does not read', () => {
  it('makes the worker hold no more than about HighMark, and gets everything when it reads again', async () => {
    await withServer({ ...ONE, program: 'driver.mjs' }, async (running) => {
      const other = await running.join();
      const slow = await running.join();
      slow.pause();

      // 30 MB of answers to 4 kB of questions; HighMark is 1 MiB by default.
      slow.send('big 100000\n'.repeat(300));
      let peak = 0;
      for (let round = 0; peak < MiB || round < 20; round++) {
        expect(round).toBeLessThan(10_000);
        other.send('peak\n');
        peak = Number((await other.readLine()).slice('peak '.length));
      }

      expect(peak).toBeLessThan(MiB + 2 * 100_002);
      if (process.platform === 'linux') expect(residentBytes(slow.pid)).toBeLessThan(150 * MiB);
      slow.resume();
      const answer = `${'x'.repeat(100_000)}\r\n`;
      for (let count = 0; count < 300; count++) await slow.expect(answer);
      await slow.echo('and goes on');
    });
  });

  it('costs its worker nothing but its own session when it goes away without reading', async () => {
    await withServer(ONE, async (running) => {
      const other = await running.join();
      const rude = await running.join();
      rude.pause();
      rude.send('sleep 0.05\nbig 3000000\nbig 3000000\n');
      rude.halfClose();
      await other.echo('after the sleep');

      rude.reset();

      await running.until(({ totals }) => totals.connections === 1);
      await other.echo('untouched');
      expect(running.eventsOf('worker:exit')).toEqual([]);
    });
  });
});

describe('a line that is too long', () => {
  it.each([
    ['with its end', `${'x'.repeat(101)}\n`],
    ['without an end', 'x'.repeat(101)],
  ])('ends that client only, with ClientError "input": %s', async (_title, sent) => {
    await withMaster({ program: 'log.mjs', options: { ...ONE, ClientFilter: ['Line', { MaxLength: 100 }] } }, async (master) => {
      const other = await master.join();
      const client = await master.join();
      await client.echo('x'.repeat(100));

      client.send(sent);

      await client.expectOver();
      await other.echo('untouched');
      const error = await master.until(() => master.all('log').find(({ callback }) => callback === 'Error'), () => 'Error');
      expect(error).toMatchObject({ client: 2, operation: 'input', errno: 0, error: { code: 'ERR_PREFORK_RECORD_TOO_LONG' } });
      expect(error['errstr']).not.toBe('');
    });
  });
});

describe('text', () => {
  it('is whole when the bytes of a character come in two reads', async () => {
    await withServer(ONE, async (running) => {
      const client = await running.join();
      const [before, after] = [Buffer.from('h\xc3', 'latin1'), Buffer.from('\xa9 \xe2\x82\xac\n', 'latin1')];

      client.send('first\n');
      client.send(before);
      await client.expect(`${client.pid} : first\r\n`);
      const fence = await running.join();
      await fence.echo('the first byte was read');
      client.send(after);

      await client.expect(Buffer.from(`${client.pid} : hé €\r\n`));
    });
  });

  it('may come byte by byte', async () => {
    await withServer(ONE, async (running) => {
      const client = await running.join();

      for (const byte of 'one\r\ntwo\r\n') await client.sendAll(byte);

      await client.expect(`${client.pid} : one\r\n${client.pid} : two\r\n`);
    });
  });
});

describe('addresses', () => {
  it('are in the heap', async () => {
    await withServer({ ...ONE, program: 'addresses.mjs' }, async (running) => {
      const client = await running.join();

      client.send('who am I\n');

      const port = client.socket.localPort;
      expect(JSON.parse(await client.readLine())).toEqual({
        remote_ip: '127.0.0.1', remote_port: port, remote_addr: `127.0.0.1:${port}`, alias: 'prefork_server',
        master_alias: 'prefork_master', shutdown: false, shutdown_on_error: true, got_an_error: false,
      });
    });
  });
});
