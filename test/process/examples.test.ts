import { execFile, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { copyFileSync } from 'node:fs';
import { Agent, get } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { Authority } from '../support/certificates.js';
import { withExample } from '../support/examples.js';
import type { MasterProcess } from '../support/master-process.js';
import { waitRefused } from '../support/tcp-client.js';
import { requireTool } from '../support/tools.js';
import { poll, within } from '../support/wait.js';

const run = promisify(execFile);

describe('examples/chat.js', () => {
  it('passes lines on to all who are in the room, across workers, and to no others', async () => {
    await withExample(['chat.js'], async (master, port) => {
      // Clients of at least two workers: the pool spreads them.
      const [ann, bob, eve] = [await master.connect(port), await master.connect(port), await master.connect(port)];
      for (const client of [ann, bob, eve]) await client.expect('welcome to the lobby\r\n');
      for (const client of [ann, bob]) {
        client.send('/join tea\n');
        await client.expect('you are in tea\r\n');
      }

      ann.send('milk?\n');
      await ann.expect(`${ann.socket.localPort}: milk?\r\n`);
      await bob.expect(`${ann.socket.localPort}: milk?\r\n`);
      eve.send('anybody here?\n');
      await eve.expect(`${eve.socket.localPort}: anybody here?\r\n`);
      bob.send('/quit\n');

      await bob.expectEof();
      for (const client of [ann, bob, eve]) client.close();
    });
  });
});

describe('examples/chat.js, asked for names', () => {
  it('gives each to one client of the whole pool, and again when that has left', async () => {
    await withExample(['chat.js'], async (master, port) => {
      const [ann, bob] = [await master.connect(port), await master.connect(port)];
      for (const client of [ann, bob]) await client.expect('welcome to the lobby\r\n');

      ann.send('/name ann\n');
      await ann.expect('you are ann\r\n');
      bob.send('/name ann\n/name bob\nhello\n');
      await bob.expect('ann is taken\r\nyou are bob\r\nbob: hello\r\n');
      await ann.expect('bob: hello\r\n');
      ann.send('/quit\n');
      await ann.expectEof();

      const next = await master.connect(port);
      await next.expect('welcome to the lobby\r\n');
      // The name is free once the master has heard so; until then the answer is that it is taken.
      await poll(async () => {
        next.send('/name ann\n');
        const [, answer] = await next.expectMatch(/^(you are ann|ann is taken)\r\n/);
        return answer === 'you are ann';
      }, () => 'the name to be free');
      for (const client of [bob, next]) client.close();
    });
  });
});

describe('examples/json-rpc.js', () => {
  it('answers in order, whether methods are async, throw or are missing, and refuses what is not JSON', async () => {
    await withExample(['json-rpc.js'], async (master, port) => {
      const client = await master.connect(port);
      const request = (id: number, method: string, ...params: unknown[]): string => `${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`;

      client.send(`${request(1, 'later', 0.05, 'slow')}${request(2, 'add', 1, 2)}${request(3, 'fail')}${request(4, 'constructor')}hello\nnull\n`);

      const answers = [];
      for (let count = 0; count < 6; count++) answers.push(JSON.parse(await client.readLine()));
      expect(answers).toEqual([
        { jsonrpc: '2.0', id: 1, result: 'slow' },
        { jsonrpc: '2.0', id: 2, result: 3 },
        { jsonrpc: '2.0', id: 3, error: { code: -32000, message: 'it failed' } },
        { jsonrpc: '2.0', id: 4, error: { code: -32601, message: 'there is no such method' } },
        { jsonrpc: '2.0', id: null, error: { code: -32700, message: 'this is not JSON' } },
        { jsonrpc: '2.0', id: null, error: { code: -32601, message: 'there is no such method' } },
      ]);
      client.close();
    });
  });
});

describe('examples/block-protocol.js', () => {
  it('answers blocks with four bytes of length, and refuses a long one', async () => {
    await withExample(['block-protocol.js'], async (master, port) => {
      const client = await master.connect(port);

      client.send('\x00\x00\x00\x05hello\x00\x00\x00\x00\x00\x00');
      await client.expect('\x00\x00\x00\x05HELLO\x00\x00\x00\x00');
      client.send('\x00\x03abc\x00\x01\x00\x01');

      await client.expect('\x00\x00\x00\x03ABC');
      await client.expectMatch(/^\x00\x00\x00.refused: A block of 65537 bytes is longer than MaxLength \(65536\); it is discarded\./s);
      await client.expectEof();
      client.close();
    });
  });
});

describe('examples/blocking.js', () => {
  it('computes for several clients at once, each in a worker of its own', async () => {
    await withExample(['blocking.js'], async (master, port) => {
      const clients = [await master.connect(port), await master.connect(port), await master.connect(port)];

      for (const client of clients) client.send('20\n');
      const pids = await Promise.all(clients.map(async (client) => (await client.expectMatch(/^(\d+): 6765\r\n/))[1]));

      expect(new Set(pids).size).toBe(3);
      for (const client of clients) client.close();
    });
  });
});

describe('examples/embedded/app.js', () => {
  it('serves clients by workers that run nothing of the app, and ends with the last client', async () => {
    await withExample(['embedded/app.js', '0'], async (master, port) => {
      const http = Number(/port: (\d+)/.exec(await master.line(/^app on /))?.[1]);
      const client = await master.connect(port);
      client.send('hello\n');
      await client.expectMatch(/^worker \d+ heard hello\r\n/);

      await poll(async () => {
        const answer = await fetch(`http://127.0.0.1:${http}/`);
        const { database, clients } = await answer.json() as Readonly<Record<string, unknown>>;
        expect(database).toBe(10);
        return clients === 1;
      }, () => 'the client to be counted');
      expect(master.lines.filter((line) => line.endsWith('connections to the database'))).toHaveLength(1);
      client.close();
    });
  });
});

describe('examples/http.js', () => {
  /** A request on the agent's one connection; resolves at the first byte of the body. */
  const request = async (agent: Agent, port: number, path: string): Promise<IncomingMessage> => within(new Promise((resolve, reject) => {
    get({ agent, host: '127.0.0.1', port, path }, resolve).on('error', reject);
  }), () => `an answer to ${path}`);

  it.runIf(requireTool('curl'))('answers curl, twice on one connection', async () => {
    await withExample(['http.js'], async (_master, port) => {
      const url = `http://127.0.0.1:${port}/`;

      const { stdout, stderr } = await run('curl', ['-sSv', '--max-time', '10', url, url]);

      expect(stdout).toMatch(/^served by (\d+)\nserved by \1\n$/);
      expect(stderr).toMatch(/Re-using existing connection/);
    });
  });

  it('lets a request in flight finish when it drains, and closes an idle connection', async () => {
    await withExample(['http.js'], async (master, port) => {
      const [idle, busy] = [new Agent({ keepAlive: true, maxSockets: 1 }), new Agent({ keepAlive: true, maxSockets: 1 })];
      const first = await request(idle, port, '/');
      const { socket } = first;
      expect(await text(first)).toMatch(/^served by \d+\n$/);
      const slow = await request(busy, port, '/slow');
      const idleClosed = new Promise((resolve) => socket.once('close', resolve));

      master.signal('SIGTERM');

      await within(idleClosed, () => 'the idle connection to be closed');
      expect(await within(text(slow), () => 'the slow answer')).toMatch(/^begun, served by \d+\n$/);
      // Not the deadline of the drain, which is far away, ended it.
      expect(await master.over()).toEqual({ code: 0, signal: null });
      idle.destroy();
      busy.destroy();
    });
  });
});

describe('examples/websocket.js', () => {
  it('echoes text and bytes, and asks clients to go when it drains', async () => {
    await withExample(['websocket.js'], async (master, port) => {
      const webSocket = new WebSocket(`ws://127.0.0.1:${port}/`);
      const once = async (event: 'message' | 'close' | 'open'): Promise<unknown[]> => within(new Promise((resolve, reject) => {
        webSocket.once(event, (...args: unknown[]) => { resolve(args); });
        webSocket.once('error', reject);
      }), () => event);
      await once('open');

      webSocket.send('grüße');
      expect((await once('message')).map(String)).toEqual(['grüße', 'false']);
      const bytes = randomBytes(50_000);
      webSocket.send(bytes);
      expect(createHash('md5').update((await once('message'))[0] as Buffer).digest('hex')).toBe(createHash('md5').update(bytes).digest('hex'));
      master.signal('SIGTERM');

      expect((await once('close')).map(String)).toEqual(['1001', 'this worker drains']);
      expect(await master.over()).toEqual({ code: 0, signal: null });
    });
  });
});

describe('examples/smtp.js', () => {
  it('takes a mail, and refuses commands when it drains', async () => {
    await withExample(['smtp.js'], async (master, port) => {
      const client = await master.connect(port);
      const dialogue = async (line: string, answer: RegExp): Promise<void> => {
        client.send(`${line}\r\n`);
        await client.expectMatch(answer);
      };
      await client.expectMatch(/^220 .*\r\n/);

      await dialogue('EHLO example.org', /^(250-.*\r\n)+250 .*\r\n/);
      await dialogue('MAIL FROM:<a@example.org>', /^250 .*\r\n/);
      await dialogue('RCPT TO:<b@example.org>', /^250 .*\r\n/);
      await dialogue('DATA', /^354 .*\r\n/);
      master.signal('SIGTERM');
      // Then every worker drains.
      await waitRefused(port);
      await dialogue('Subject: hello\r\n\r\nbody\r\n.', /^250 .*taken by \d+\r\n/);
      await master.line(/mail from a@example\.org, \d+ characters$/);
      await dialogue('NOOP', /^421 .*shutting down\r\n/);

      await client.expectEof();
      client.close();
      expect(await master.over()).toEqual({ code: 0, signal: null });
    });
  });
});

describe.runIf(requireTool('openssl'))('examples/tls.js', () => {
  async function withTls(body: (master: MasterProcess, port: number, authority: Authority) => Promise<void>, more: (authority: Authority) => readonly string[] = () => []): Promise<void> {
    const authority = new Authority();
    try {
      const { certFile, keyFile } = authority.issue('localhost');
      await withExample(['tls.js', certFile, keyFile, ...more(authority)], async (master, port) => body(master, port, authority));
    } finally {
      authority.remove();
    }
  }
  const talk = async (port: number, { root }: Authority, ...args: readonly string[]): Promise<string> => {
    const client = spawn('openssl', ['s_client', '-quiet', '-verify_return_error', '-CAfile', root.certFile, '-connect', `127.0.0.1:${port}`, ...args], { stdio: ['pipe', 'pipe', 'ignore'] });
    client.stdin.on('error', () => undefined).write('hello\nquit\n');
    return within(text(client.stdout), () => 'the end of s_client');
  };

  it('talks with openssl s_client, says why it closes a client that speaks no TLS, and takes a new certificate', async () => {
    await withTls(async (master, port, authority) => {
      const plain = await master.connect(port);
      plain.send('hello, this is no TLS\r\n\r\n');
      await plain.expectOver();
      await master.line(/^127\.0\.0\.1:\d+: TLS handshake: /);

      expect(await talk(port, authority, '-verify_hostname', 'localhost')).toMatch(/^TLSv1\.\d with worker \d+\r\nyou said hello\r\nyou said quit\r\n$/);

      const renewed = authority.issue('renewed.example');
      copyFileSync(renewed.certFile, join(authority.folder, 'localhost.pem'));
      copyFileSync(renewed.keyFile, join(authority.folder, 'localhost.key'));
      master.signal('SIGUSR2');
      await poll(async () => (await talk(port, authority, '-verify_hostname', 'renewed.example')) !== '', () => 'the new certificate');
    });
  });

  it('lets only those in whom the authority vouches for', async () => {
    await withTls(async (_master, port, authority) => {
      const friend = authority.issue('friend');

      expect(await talk(port, authority, '-cert', friend.certFile, '-key', friend.keyFile)).toMatch(/, welcome friend\r\n/);
      expect(await talk(port, authority)).toBe('');
    }, ({ root }) => [root.certFile]);
  });
});
