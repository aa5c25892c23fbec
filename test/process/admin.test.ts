import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { execFile } from 'node:child_process';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Board } from '../../src/admin/page-data.js';
import { EventViewer, adminUrl, ask } from '../support/admin-client.js';
import { Gate } from '../support/gate.js';
import { leaveStale } from '../support/listening.js';
import { isAlive } from '../support/processes.js';
import { ScriptLink } from '../support/script-link.js';
import { shared } from '../support/shared.js';
import { requireTool } from '../support/tools.js';
import { poll, within } from '../support/wait.js';
import { ONE, QUICK, TWO, Running, program, withServer } from '../support/with-server.js';

const Token = 'sesame-4711';
const PROOF = { authorization: `Bearer ${Token}` };
const Admin = { Port: 0, Token };

describe('The admin side of one pool', () => {
  const pool = shared<Running>((body) => withServer({ ...TWO, ...QUICK, Admin }, async (running) => {
    await running.settled(2);
    await body(running);
  }));

  it('shows the pool as a page, as JSON and as metrics, on this machine without a token', async () => {
    const running = pool();
    const url = adminUrl(running);
    const page = await ask(url);
    const status = await ask(`${url}status`);
    const metrics = await ask(`${url}metrics`);

    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/$/);
    expect(page).toMatchObject({ code: 200, headers: { 'content-type': 'text/html; charset=utf-8', 'x-content-type-options': 'nosniff', 'cache-control': 'no-store' } });
    expect(Buffer.byteLength(page.body)).toBeLessThan(30_000);
    const nonce = /script-src 'nonce-([^']+)'/.exec(String(page.headers['content-security-policy']))?.[1];
    expect(page.body).toContain(`<script type="module" nonce="${String(nonce)}">`);
    expect((await ask(url)).body).not.toContain(String(nonce));
    expect(JSON.parse(status.body)).toMatchObject({ alias: 'prefork_server', totals: { ready: 2 }, limits: { MaxServer: 2 }, admin: { url } });
    expect(metrics.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(metrics.body).toContain('prefork_workers{server="prefork_server",phase="ready"} 2\n');
    expect(await ask(url, { method: 'HEAD' })).toMatchObject({ code: 200, body: '' });
  });

  it('refuses foreign names, foreign sites, wrong methods, unknown pages and large requests', async () => {
    const running = pool();
    const url = adminUrl(running);
    const code = async (path: string, options: Parameters<typeof ask>[1] = {}): Promise<number> => (await ask(url + path, options)).code;

    expect(await code('status', { headers: { host: 'attacker.example' } })).toBe(421);
    expect(await code('', { headers: { host: 'attacker.example' } })).toBe(421);
    expect(await code('pause', { method: 'POST', headers: { ...PROOF, 'sec-fetch-site': 'cross-site' } })).toBe(403);
    expect(await code('pause', { method: 'POST', headers: { ...PROOF, origin: 'https://attacker.example' } })).toBe(403);
    expect(await code('status', { headers: { 'sec-fetch-site': 'cross-site' } })).toBe(403);
    expect(await code('pause', { method: 'POST' })).toBe(401);
    expect(await code('pause', { method: 'POST', headers: { authorization: 'Bearer guess' } })).toBe(401);
    expect(await code(`pause?token=${Token}`, { method: 'POST' })).toBe(401);
    expect(await code('pause', { headers: PROOF })).toBe(405);
    expect(await code('status', { method: 'DELETE' })).toBe(405);
    expect(await code('nope')).toBe(404);
    expect(await code('status', { headers: { 'x-large': 'x'.repeat(9000) } })).toBe(431);
    const large = ask(`${url}status`, { method: 'POST', headers: PROOF, body: 'x'.repeat(100_000) });
    expect([405, 413, 'ECONNRESET', 'EPIPE']).toContain(await large.then((answer) => answer.code, (error: unknown) => (error as NodeJS.ErrnoException).code));
    expect(running.server.status().paused).toBe(false);
  });

  it('pauses, resumes, drains and kills', async () => {
    const running = pool();
    const url = adminUrl(running);
    const post = (path: string): ReturnType<typeof ask> => ask(url + path, { method: 'POST', headers: PROOF });
    const [first = 0, second = 0] = running.ready;

    expect(await post('pause')).toMatchObject({ code: 200 });
    expect(running.server.status().paused).toBe(true);
    expect(await post('resume')).toMatchObject({ code: 200 });
    expect(running.server.status().paused).toBe(false);
    expect(await post(`workers/${first}/term`)).toMatchObject({ code: 200, body: `Worker ${first} drains.\n` });
    expect((await running.exit(first)).detail.reason).toBe('asked');
    expect(await post(`workers/${second}/kill`)).toMatchObject({ code: 200 });
    expect((await running.exit(second)).detail.reason).toBe('killed:asked');
    expect(await post(`workers/${second}/kill`)).toMatchObject({ code: 404 });
  });

  it('pushes what happens to those who watch, in words', async () => {
    const running = pool();
    await running.settled(2);
    const viewer = new EventViewer(adminUrl(running), PROOF);
    const board = (): Board | undefined => viewer.last('board') as Board | undefined;
    await poll(() => board() !== undefined && viewer.last('samples') !== undefined, () => 'the first push');
    expect(viewer.last('hello')).toMatchObject({ mayAct: true, mayReload: true, hasToken: true });
    const [first = 0] = running.ready;
    running.server.kill(first);

    await poll(() => JSON.stringify(viewer.last('log')).includes(`Worker ${first} has gone: SIGKILL: killed, asked to.`), () => `the exit, not ${JSON.stringify(viewer.last('log'))}`);
    await poll(() => board()?.cells.some(({ pid, state }) => pid !== first && state === 'idle') ?? false, () => 'a cell of another worker');
    viewer.close();
  });

  it('is not felt by the pool when flooded', async () => {
    const running = pool();
    const drains = running.eventsOf('worker:drain').length;
    const exits = running.eventsOf('worker:exit').length;
    await running.settled(2);
    const url = adminUrl(running);
    const codes: number[] = [];
    // Some say nothing, or never end what they say.
    const silent = Array.from({ length: 50 }, () => connect(Number(new URL(url).port), '127.0.0.1').on('error', () => undefined));
    for (const socket of silent.slice(25)) socket.write('GET /status HTTP/1.1\r\nHost: local');
    const flood = Promise.all(Array.from({ length: 40 }, async () => {
      for (let asked = 0; asked < 12; asked++) codes.push((await ask(`${url}status`).catch(() => ({ code: 0 }))).code);
    }));
    const client = await running.join();
    for (let line = 0; line < 50; line++) {
      await client.echo(`line ${line}`);
    }
    await flood;
    for (const socket of silent) socket.destroy();

    expect(codes.every((code) => code === 200 || code === 429)).toBe(true);
    expect((await ask(`${url}readyz`)).code).toBe(200);
    expect([running.eventsOf('worker:drain').length, running.eventsOf('worker:exit').length]).toEqual([drains, exits]);
    expect(running.ready.every(isAlive)).toBe(true);
  });
});

describe('The admin side', () => {
  let folder: string;

  beforeAll(() => { folder = mkdtempSync(join(tmpdir(), 'prefork-admin-')); });
  afterAll(() => { rmSync(folder, { recursive: true }); });

  it('has no actions over TCP without a Token', async () => {
    await withServer({ ...ONE, Admin: { Port: 0 } }, async (running) => {
      expect(await ask(`${adminUrl(running)}pause`, { method: 'POST' })).toMatchObject({ code: 403, body: 'Actions over TCP need Admin.Token; there is none. Use Admin.Path, or give a Token.\n' });
    });
  });

  it('answers health checks truly, and stays until the drain has ended, which it shows to those who watch', async () => {
    await withServer({ ...TWO, ...QUICK, Admin, GraceExpireTime: 5 }, async (running) => {
      const url = adminUrl(running);
      const ready = async (): Promise<string> => {
        const { code, body } = await ask(`${url}readyz`);
        return `${code} ${body.trim()}`;
      };
      const client = await running.join();
      const viewer = new EventViewer(url);
      await poll(() => viewer.last('board') !== undefined, () => 'the first push');

      expect([await ready(), (await ask(`${url}livez`)).code, (await ask(`${url}healthz`)).code]).toEqual(['200 ok', 200, 200]);
      running.server.pause();
      expect(await ready()).toBe('503 not ready: it is paused');
      running.server.resume();
      await ask(`${url}shutdown`, { method: 'POST', headers: PROOF });
      expect(await ready()).toBe('503 not ready: it shuts down');
      expect((await ask(`${url}livez`)).code).toBe(200);
      client.close();
      await running.server.shutdown();
      await expect(ask(`${url}livez`)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
      await within(viewer.ended, () => 'the end of the stream');
      expect((viewer.last('board') as Board).stopping).toBe(true);
    });
  });

  it('needs no token on its Unix socket, which only its owner may open', async () => {
    const path = join(folder, 'admin.sock');
    await withServer({ ...ONE, Admin: { Path: path } }, async (running) => {
      expect(running.server.status().admin).toEqual({ url: undefined, path, agentPort: undefined });
      expect(statSync(path).mode & 0o777).toBe(0o600);
      expect((await ask('http://localhost/status', { socketPath: path })).code).toBe(200);
      expect((await ask('http://localhost/pause', { socketPath: path, method: 'POST' })).code).toBe(200);
      expect(running.server.status().paused).toBe(true);
    });
    expect(existsSync(path)).toBe(false);
  });

  it.runIf(requireTool('curl'))('answers a reload with its verdict, by which curl and systemd know of a bad release and why it is bad', async () => {
    const path = join(folder, 'reload.sock');
    const script = new ScriptLink();
    const curl = (): Promise<{ code: unknown; output: string }> => new Promise((resolve) => {
      const args = ['-sS', '--fail-with-body', '--max-time', '20', '--unix-socket', path, '-X', 'POST', 'http://localhost/reload'];
      execFile('curl', args, (error, stdout) => { resolve({ code: error?.code ?? 0, output: stdout }); });
    });
    script.lead(`import ${JSON.stringify(program('std.mjs').href)};`);
    try {
      await withServer({ ...ONE, ...QUICK, ReloadSettleTime: 0.1, Script: script.path, Admin: { Path: path } }, async (running) => {
        script.lead(`import ${JSON.stringify(program('std.mjs').href)}; // anew`);
        const good = await curl();
        expect(good.code).toBe(0);
        expect(JSON.parse(good.output)).toMatchObject({ release: 2, replaced: 1, needsUpgrade: [], seconds: expect.any(Number) as number });

        script.lead('throw new Error("no such table: users");');
        const bad = await curl();
        expect(bad.code).toBe(22);
        expect(bad.output).toMatch(/^Release 3 \(.*\) was not accepted; worker \d+ ended before it was ready \(exit code 1\)[^]*no such table: users/);
        expect(running.server.status()).toMatchObject({ release: 2, lastReload: { result: 'failed', release: 3 } });
      });
    } finally {
      script.remove();
    }
  });

  it('replaces a socket file at which nothing answers, and leaves alone what is not its own', async () => {
    const path = join(folder, 'old.sock');
    await leaveStale(path);
    await withServer({ ...ONE, Admin: { Path: path } }, async () => {
      expect((await ask('http://localhost/livez', { socketPath: path })).code).toBe(200);
      rmSync(path);
      writeFileSync(path, 'mine now');
    });
    expect(readFileSync(path, 'utf8')).toBe('mine now');
  });

  it.each([
    ['a file that is not a socket', 'notes.txt', 'EADDRINUSE; .*notes\\.txt is not a socket, and is left alone: remove it or choose another path'],
    ['a path that is too long for a socket', 'x'.repeat(200), 'ENAMETOOLONG; the path of a Unix socket may have \\d+ bytes'],
    ['a path below a file', 'notes.txt/socket', 'ENOTDIR; .*notes\\.txt is not a folder'],
    ['a folder that is not there', 'no/socket', 'ENOENT; there is no folder .*/no: create it'],
  ])('refuses %s, and says what to do', async (_what, name, reason) => {
    const path = join(folder, name);
    writeFileSync(join(folder, 'notes.txt'), 'notes');
    await expect(withServer({ ...ONE, Admin: { Path: path } }, () => Promise.resolve()))
      .rejects.toMatchObject({ code: 'ERR_PREFORK_LISTEN', message: expect.stringMatching(`Cannot listen on ${path} for Admin: \\w+ failed with ${reason}`) as string });
    expect(readFileSync(join(folder, 'notes.txt'), 'utf8')).toBe('notes');
  });

  it('has one owner of its Unix socket when servers start together at a stale one, and the others leave nothing', async () => {
    const path = join(folder, 'together.sock');
    await leaveStale(path);
    const rivals = Array.from({ length: 3 }, () => new Running({ ...ONE, Admin: { Path: path } }));
    const outcomes = await Promise.allSettled(rivals.map(async ({ server }) => server.ready()));
    try {
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      expect(outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [(outcome.reason as { cause: unknown }).cause] : [])))
        .toMatchObject([{ code: 'EADDRINUSE' }, { code: 'EADDRINUSE' }]);
      expect(statSync(path).mode & 0o777).toBe(0o600);
      expect((await ask('http://localhost/livez', { socketPath: path })).code).toBe(200);
    } finally {
      await Promise.all(rivals.map(({ server }) => server.shutdown({ grace: 0 })));
    }
    expect(readdirSync(folder).filter((name) => name.startsWith('together'))).toEqual([]);
  });

  it('says which address of Admin is taken, and leaves nothing behind', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => { other.listen(0, '127.0.0.1', resolve); });
    const { port } = other.address() as { port: number };
    try {
      await expect(withServer({ ...ONE, Admin: { Port: port } }, () => Promise.resolve()))
        .rejects.toMatchObject({ code: 'ERR_PREFORK_LISTEN', message: expect.stringMatching(new RegExp(`Cannot listen on 127\\.0\\.0\\.1:${port} for Admin: listen failed with EADDRINUSE`)) as string });
    } finally {
      other.close();
    }
  });

  it('shows what a worker hangs in, with HangReport', async () => {
    using gate = new Gate();
    await withServer({ ...ONE, ...QUICK, Admin, HangReport: true, program: 'survive.mjs' }, async (running) => {
      const viewer = new EventViewer(adminUrl(running));
      const client = await running.connect();
      client.send(`spin ${gate.path}\n`);
      await poll(() => (viewer.last('board') as Board | undefined)?.hangs[0]?.stack.join().includes('survive.mjs') ?? false, () => `a stack, not ${JSON.stringify(viewer.last('board'))}`);
      gate.open();
      await poll(() => (viewer.last('board') as Board | undefined)?.hangs.length === 0, () => 'the end of the hang');
      viewer.close();
    });
  });

  it('answers HAProxy\'s agent-check in its words', async () => {
    await withServer({ ...TWO, Admin: { AgentPort: 0 }, MaxSessionPerServer: 2 }, async (running) => {
      const port = running.server.status().admin?.agentPort ?? 0;
      const line = async (): Promise<string> => {
        let text = '';
        for await (const piece of connect(port, '127.0.0.1').setEncoding('utf8')) text += String(piece);
        return text;
      };

      expect(await line()).toBe('ready up 100%\n');
      await running.join();
      await running.heartbeats();
      expect(await line()).toBe('ready up 75%\n');
      running.server.pause();
      expect(await line()).toBe('maint\n');
    });
  });
});
