import { Buffer } from 'node:buffer';
import { describe, expect, it } from 'vitest';
import type { MasterProcess, PrintedEvent } from '../support/master-process.js';
import { withMaster } from '../support/master-process.js';
import type { TcpClient } from '../support/tcp-client.js';
import { ONE, withServer } from '../support/with-server.js';

/** Starts one worker with these options of its constructor and connects a client, not greeted yet. */
async function withClient(worker: Record<string, unknown>, body: (client: TcpClient, pid: number) => Promise<void>, file = 'std.mjs'): Promise<void> {
  await withServer({ ...ONE, program: file, worker }, async (running) => {
    const [pid = 0] = running.ready;
    await body(await running.connect(), pid);
  });
}

describe('the default filter', () => {
  it('greets, answers a line and ends the connection after quit', async () => {
    await withClient({}, async (client, pid) => {
      await client.expect(`W${pid}\r\n`);

      client.send('hello\r\n');
      await client.expect(`${pid} : hello\r\n`);
      client.send('quit\r\n');
      await client.expect('bye\r\n');
      await client.expectEof();
    });
  });

  it('adds CR LF to a record that ends with a line feed of its own', async () => {
    await withClient({ std: { banner: 'test server , welcome' } }, async (client, pid) => {
      await client.expect(`test server , welcome${pid} !\n\r\n`);
    });
  });

  it('takes LF, CR LF, CR and LF CR in one stream, and answers with CR LF', async () => {
    await withClient({}, async (client, pid) => {
      await client.greeting();

      client.send('a\nb\r\nc\rd\n\r');

      for (const record of ['a', 'b', 'c', 'd']) await client.expect(`${pid} : ${record}\r\n`);
      await client.echo('nothing more came before this');
    });
  });

  it('takes CR LF that comes in two reads as one end of line', async () => {
    await withClient({}, async (client, pid) => {
      await client.greeting();

      client.send('j\r');
      await client.expect(`${pid} : j\r\n`);
      client.send('\nk\n');

      await client.expect(`${pid} : k\r\n`);
      await client.echo('nothing more came before this');
    });
  });

  it('ends without an answer to a line that was not ended when the client closed its side', async () => {
    await withClient({}, async (client) => {
      await client.greeting();

      client.send('tail');
      client.halfClose();

      await client.expectEof();
    });
  });

  it('answers nothing that follows quit in the same segment', async () => {
    await withClient({}, async (client) => {
      await client.greeting();

      client.send('quit\nlate\n');

      await client.expect('bye\r\n');
      await client.expectEof();
    });
  });

  it('sends all of a large answer to a slow reader before it ends the connection', async () => {
    await withServer(ONE, async (running) => {
      const slow = await running.join();
      slow.pause();
      slow.send('big 3000000\nquit\n');
      const fence = await running.join();
      await fence.echo('the worker is done with big, or at least has begun');

      slow.resume();

      await slow.expect(Buffer.alloc(3_000_000, 'x'));
      await slow.expect('\r\nbye\r\n');
      await slow.expectEof();
    });
  });

  it('keeps NUL and every other byte in latin1, and spaces', async () => {
    await withClient({ ClientFilter: ['Line', { Encoding: 'latin1' }] }, async (client, pid) => {
      await client.greeting();

      client.send('first\ne\0f');
      await client.expect(`${pid} : first\r\n`);
      client.expectNothing();
      client.send('\n');
      await client.expect(`${pid} : e\0f\r\n`);
      client.send('caf\xc3\xa9 \xff\x01\t \n');
      await client.expect(`${pid} : caf\xc3\xa9 \xff\x01\t \r\n`);
      client.send('  sp  \n');
      await client.expect(`${pid} :   sp  \r\n`);
    });
  });
});

describe('a line filter that detects the terminator', () => {
  const worker = { ClientFilter: ['Line', { InputLiteral: '', OutputLiteral: '\n' }] };

  it('keeps to the first terminator of the connection', async () => {
    await withClient(worker, async (client, pid) => {
      await client.greeting('\n');

      client.send('a\nb\n');
      await client.expect(`${pid} : a\n${pid} : b\n`);
      client.send('c\r\n');
      await client.expect(`${pid} : c\r\n`);
    });
  });

  it('detects anew for each connection', async () => {
    await withServer({ ...ONE, worker }, async (running) => {
      const other = await running.connect();
      const pid = await other.greeting('\n');
      other.send('a\n');
      await other.expect(`${pid} : a\n`);
      const client = await running.connect();
      await client.greeting('\n');

      client.send('a\r\nb\r\n');
      await client.expect(`${pid} : a\n${pid} : b\n`);
      client.send('c\nd\r\n');
      await client.expect(`${pid} : c\nd\n`);
    });
  });
});

it('takes and sends the terminators it is given', async () => {
  await withClient({ ClientFilter: ['Line', { InputLiteral: '\0', OutputLiteral: '|' }] }, async (client, pid) => {
    await client.expect(`W${pid}|`);

    client.send('ab\0c\nd\0');

    await client.expect(`${pid} : ab|${pid} : c\nd|`);
  });
});

describe('a block filter', () => {
  const framed = (text: string): string => `${text.length}\0${text}`;

  it('frames blocks with their length in digits and NUL', async () => {
    await withClient({ ClientFilter: ['Block', {}] }, async (client, pid) => {
      await client.expect(framed(`W${pid}`));

      client.send('5\0hello0\0');

      await client.expect(framed(`${pid} : hello`) + framed(`${pid} : `));
    });
  });

  it('cuts the input into blocks of a given size', async () => {
    await withClient({ ClientFilter: ['Block', { BlockSize: 4 }] }, async (client, pid) => {
      await client.expect(`W${pid}`);

      client.send('abcdefghij');
      await client.expect(`${pid} : abcd${pid} : efgh`);
      client.send('kl');
      await client.expect(`${pid} : ijkl`);
    });
  });

  it('takes over in the middle of the input', async () => {
    await withClient({}, async (client) => {
      await client.greeting();

      client.send('a\nbin\nABCDEFGHIJ');
      await client.expect('a\r\nbin\r\nABCD\r\nEFGH\r\n');
      client.send('KL');
      await client.expect('IJKL\r\n');
    }, 'switch-filter.mjs');
  });
});

it('closes the clients that ClientPreConnect rejects, and calls no other callback for them', async () => {
  await withMaster({ program: 'pre-connect.mjs', options: ONE }, async (master) => {
    const rejected = await master.connect();
    await rejected.expectEof();

    const client = await master.join();
    await client.echo('served');

    client.send('quit\n');
    await client.expect('bye\r\n');
    await master.until(() => (master.all('log').length >= 2 ? true : undefined), () => 'two calls');
    expect(master.all('log').map(({ callback }) => callback)).toEqual(['Connected', 'Disconnected']);
  });
});

describe('the order of callbacks', () => {
  /** Starts log.mjs with one client, ends that in some way, and returns what was called after it had been answered once. */
  async function callsAfter(end: (client: TcpClient, master: MasterProcess) => void): Promise<PrintedEvent[]> {
    let calls: PrintedEvent[] = [];
    await withMaster({ program: 'log.mjs', options: ONE }, async (master) => {
      const client = await master.join();
      await client.echo('hello');
      await master.until(() => (flushes(master) === 2 ? true : undefined), () => 'two flushes');

      end(client, master);

      await master.until(() => master.all('log').find(({ callback }) => callback === 'Disconnected'), () => 'Disconnected');
      // A silent client would keep the worker for seconds. What that prints until its end would show a second call.
      client.close();
      master.signal('SIGTERM');
      await master.over();
      const logged = master.all('log').filter((entry) => entry['client'] === 1);
      calls = logged.slice(logged.findLastIndex((entry) => entry['input'] === 'hello') + 2);
    });
    return calls;
  }

  const flushes = (master: MasterProcess): number => master.all('log').filter(({ callback }) => callback === 'Flushed').length;

  it('is Flushed, then Disconnected, after quit', async () => {
    const calls = await callsAfter((client) => { client.send('quit\n'); });

    expect(calls).toMatchObject([
      { callback: 'Input', input: 'quit' },
      { callback: 'Flushed', hasWheel: true },
      { callback: 'Disconnected', hasWheel: true, hasClient: true, gotAnError: false },
    ]);
  });

  it('is Error(read, 0), then Disconnected, when the client ends its input', async () => {
    const calls = await callsAfter((client) => { client.halfClose(); });

    expect(calls).toMatchObject([
      { callback: 'Error', operation: 'read', errno: 0, errstr: '', hasWheel: true },
      { callback: 'Disconnected', hasClient: true, gotAnError: true },
    ]);
    expect(calls[0]).not.toHaveProperty('error');
  });

  it('is Error(read, ECONNRESET), then Disconnected, when the client resets', async () => {
    const calls = await callsAfter((client) => { client.reset(); });

    expect(calls).toMatchObject([
      { callback: 'Error', operation: 'read', errno: 104, error: { code: 'ECONNRESET' }, hasWheel: true },
      { callback: 'Disconnected', hasClient: true, gotAnError: true },
    ]);
  });
});
