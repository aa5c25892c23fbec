import { execFile, spawn } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startPool, type PoolSetup, type TestPool } from 'prefork-tcp-server/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { waitGone } from '../support/processes.js';
import { program } from '../support/with-server.js';
import { Waiters, poll } from '../support/wait.js';

const run = promisify(execFile);
const QUICK = { MasterHeartBeatTime: 0.2, MaxServerExpireTime: 10, MaxServer: 2 };

async function withPool(setup: Partial<PoolSetup>, body: (pool: TestPool, workers: readonly [number, number]) => Promise<void>): Promise<void> {
  const pool = await startPool({ Script: program('std.mjs'), ...QUICK, Patience: 20, ...setup });
  try {
    const [first = 0, second = 0] = await pool.ready(2);
    await body(pool, [first, second]);
  } finally {
    await pool[Symbol.asyncDispose]();
  }
  // Killed all the same, one that had not reported yet may take a moment more to be gone.
  await waitGone([pool.pid, ...pool.events.flatMap((event) => (event.name === 'worker:born' ? [event.detail.pid] : []))]);
}

describe('a pool under test', () => {
  it('runs a program as it is, on a free port, with options in place of its own', async () => {
    await withPool({ Script: new URL('../../examples/chat.js', import.meta.url), ScriptArgs: ['10000'] }, async (pool) => {
      expect(pool.port).not.toBe(10_000);
      expect(pool.address).toMatchObject({ address: '127.0.0.1', port: pool.port });
      expect(pool.events[0]).toMatchObject({ name: expect.any(String) as string, at: expect.any(Number) as number });
      expect((await pool.status()).limits).toMatchObject({ MaxServer: 2, MasterHeartBeatTime: 0.2, MaxServerSpareTime: 0 });
      expect(await pool.ask('hello', { greeting: 1 })).toMatch(/^\d+: hello$/);
      await poll(() => pool.stdout.includes('listening on'), () => 'what it prints once it is ready');
    });
  });

  it('takes changes, pauses, drains, and ends as in production', async () => {
    await withPool({}, async (pool) => {
      await pool.configure({ MaxServer: 3, MinServer: 3, StartServer: 3 });
      expect(await pool.ready(3)).toHaveLength(3);
      await pool.pause();
      await pool.waitUntil(({ paused, workers }) => paused && workers.every(({ accepting }) => !accepting));
      await pool.resume();
      await pool.waitUntil(({ workers }) => workers.some(({ accepting }) => accepting));
      await expect(pool.configure({ MaxServer: -1 })).rejects.toMatchObject({ code: 'ERR_PREFORK_OPTION' });
      expect(await pool.reload()).toMatchObject({ release: 2 });

      const client = await pool.connect();
      await client.line();
      const over = pool.shutdown({ grace: 0 });
      await client.closed();
      await expect(client.line()).rejects.toThrow("If a callback failed, pool.event('worker:error') has why.");
      await over;
      expect(await pool.ended()).toEqual({ code: 0 });
      await expect(pool.status()).rejects.toMatchObject({ code: 'ERR_PREFORK_TESTING', message: expect.stringContaining('has gone') as string });
    });
  });

  it('lets a worker crash, by its code or by a signal', async () => {
    await withPool({}, async (pool, [first, second]) => {
      expect(await pool.crash(first, 7)).toMatchObject({ pid: first, code: 7, reason: 'crashed' });
      expect(await pool.crash(second, 'SIGKILL')).toMatchObject({ pid: second, signal: 'SIGKILL' });
      await pool.gone(first);
      expect(pool.workers).not.toContain(first);
    });
  });

  it('throws in a worker where nothing catches it', async () => {
    await withPool({}, async (pool, [pid]) => {
      await pool.throwIn(pid, 'out of coffee');

      expect(await pool.event('worker:error')).toMatchObject({ pid, where: 'uncaught', error: { message: 'out of coffee' } });
      expect(await pool.exit(pid)).toMatchObject({ code: 1 });
      expect(pool.stderr).toContain('out of coffee');
    });
  });

  it('blocks a worker, and thaws one that it froze', async () => {
    await withPool({ HangReport: 0.2 }, async (pool, [first, second]) => {
      await pool.block(first, 2);
      const { blockedFor } = await pool.event('worker:hung', ({ pid }) => pid === first);
      expect(blockedFor).toBeGreaterThanOrEqual(0.2);

      pool.freeze(second);
      await pool.waitUntil(({ workers }) => workers.some(({ pid, blocked }) => pid === second && blocked));
      pool.thaw(second);
      await pool.waitUntil(({ workers }) => workers.every(({ blocked }) => !blocked));
    });
  });

  it("cuts a worker's channel: it drains by itself", async () => {
    await withPool({}, async (pool, [pid]) => {
      await pool.cut(pid);

      expect(await pool.exit(pid)).toMatchObject({ code: 0 });
    });
  });

  it('lets the memory of a worker grow', async () => {
    await withPool({ MaxServerMemory: 300 * 1024 * 1024 }, async (pool, [pid]) => {
      await pool.grow(pid, 300 * 1024 * 1024);

      expect(await pool.event('worker:drain')).toMatchObject({ pid, reason: 'memory' });
    });
  });

  it('kills the master: the workers finish with their clients', async () => {
    await withPool({}, async (pool) => {
      const client = await pool.connect();
      const worker = Number((await client.line()).slice(1));

      await pool.killMaster();

      client.send('still there?\n');
      expect(await client.line()).toContain('still there?');
      client.close();
      await pool.gone(worker);
      expect(await pool.ended()).toEqual({ signal: 'SIGKILL' });
    });
  });

  it('listens on a Unix socket of its own where the program does', async () => {
    await withPool({ Script: program('std.mjs'), ScriptArgs: [JSON.stringify({ Address: '/nowhere/x.sock' })] }, async (pool) => {
      expect(pool.address).toMatch(/prefork_server\.sock$/);
      expect(() => pool.port).toThrow('has no port');
      expect(await pool.ask('hello', { greeting: 1 })).toContain(': hello');
    });
  });

  it('does nothing to processes that are none of its own, no fault to its master, and none that has no measure', async () => {
    await withPool({}, async (pool) => {
      const [pid] = await pool.ready(1) as [number];
      await expect(pool.block(pid, -1)).rejects.toThrow('block(): seconds must be a number of seconds above 0, not -1.');
      await expect(pool.grow(pid, NaN)).rejects.toThrow('grow(): bytes must be a whole number above 0, not NaN.');
      await expect(pool.throwIn(pid, new Error('x') as unknown as string)).rejects.toThrow('throwIn(): message must be a text, not an object.');
      await expect(pool.ask(undefined as unknown as string)).rejects.toThrow('ask(): line must be a text, not undefined.');
      expect(() => { pool.freeze(process.pid); }).toThrow(`${process.pid} is not a process of this pool`);
      await expect(pool.block(pool.pid, 1)).rejects.toThrow('is the master');
      await expect(pool.crash(1)).rejects.toThrow('1 is not a process of this pool');
    });
  });
});

describe('examples/testing.test.js', () => {
  it('passes with node:test as it is', async () => {
    const { stdout } = await run(process.execPath, ['--test', '--test-reporter=tap', fileURLToPath(new URL('../../examples/testing.test.js', import.meta.url))], {
      env: { ...process.env, NODE_TEST_CONTEXT: undefined },
    }).catch((error: unknown) => error as { readonly stdout: string });

    expect(stdout).not.toMatch(/^not ok/m);
    expect(stdout).toMatch(/^# fail 0$/m);
    expect(stdout).toMatch(/^# pass 4$/m);
  });
});

// Together, since some of them wait for as long as a program may take to start on a loaded machine.
describe.concurrent('a program without a server', () => {
  let folder: string;
  const script = async (text: string, name = 'server.mjs'): Promise<string> => {
    const path = join(await mkdtemp(join(folder, 'program-')), name);
    await writeFile(path, text);
    return path;
  };

  beforeAll(async () => { folder = await mkdtemp(join(tmpdir(), 'prefork-kit-')); });
  afterAll(async () => { await rm(folder, { recursive: true }); });

  it.each([
    ['ends', 'process.exit(3)', {}, ['exit code 3', 'made no PreforkTcpServer']],
    ['runs on', 'setInterval(() => {}, 1000); console.error("here I am");', { Patience: 5 }, ['runs, but has made no PreforkTcpServer', 'here I am']],
    ['fails', 'throw new Error("oh no")', {}, ['exit code 1', 'before it had made its PreforkTcpServer: Error: oh no']],
    ['does not know the Alias', `import ${JSON.stringify(program('std.mjs').href)}`, { Alias: 'chat', Patience: 5 }, ["with the Alias 'chat', but 'prefork_server'"]],
    ['has options that the server refuses', `import ${JSON.stringify(program('std.mjs').href)}`, { MaxServer: -1 }, ['before it had made its PreforkTcpServer: PreforkError', 'MaxServer']],
  ])('is named when it %s, with what it did instead', async (_title, text, setup, words) => {
    const error = await startPool({ Script: await script(text), ...setup }).then(() => undefined, (reason: unknown) => reason as Error & { code: string });

    expect(error?.code).toBe('ERR_PREFORK_TESTING');
    for (const word of [...words, 'server.mjs']) expect(error?.message).toContain(word);
  });

  it('is named when it is TypeScript without a loader, with what it needs', async () => {
    const path = await script('enum Kind { One }', 'server.ts');

    await expect(startPool({ Script: path })).rejects.toThrow("ExecArgv: ['--import', 'tsx']");
    await expect(startPool({ Script: path, ExecArgv: ['--no-warnings'] })).rejects.toThrow(/^(?![^]*tsx)[^]*before it had made its PreforkTcpServer/);
  });
});

describe('a test that does not clean up', () => {
  const KIT = import.meta.resolve('prefork-tcp-server/testing');
  const text = (rest: string): string => `
    const { startPool } = await import(${JSON.stringify(KIT)});
    const pool = await startPool({ Script: ${JSON.stringify(fileURLToPath(program('std.mjs')))}, MaxServer: 2 });
    pool.freeze(pool.workers[0]);
    console.log(JSON.stringify([pool.pid, ...pool.workers]));
    ${rest}`;

  it('leaves no process when it ends, and is not kept from its end', async () => {
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', text('')]);

    await waitGone(JSON.parse(stdout) as number[]);
  });

  it('leaves neither process nor folder when it is killed', async () => {
    const waiters = new Waiters();
    const folder = await mkdtemp(join(tmpdir(), 'prefork-kit-'));
    const test = spawn(process.execPath, ['--input-type=module', '-e', text('setInterval(() => {}, 1000);')], { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, TMPDIR: folder } });
    let output = '';
    test.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
      waiters.notify();
    });
    const pids = await waiters.until(() => (output.endsWith('\n') ? JSON.parse(output) as number[] : undefined), () => 'the pids');

    test.kill('SIGKILL');

    await waitGone(pids);
    expect(pids.length).toBeGreaterThan(1);
    await poll(async () => (await readdir(folder)).length === 0, () => 'an empty folder');
    await rm(folder, { recursive: true });
  });
});
