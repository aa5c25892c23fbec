import { fork, spawnSync } from 'node:child_process';
import type { SpawnSyncReturns } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { statusWords } from '../support/proc.js';
import { withMaster } from '../support/master-process.js';
import { isAlive, waitGone } from '../support/processes.js';
import { within } from '../support/wait.js';
import { TWO, program } from '../support/with-server.js';

const MARK = 'PREFORK_TCP_SERVER_WORKER';
const KEY = 'prefork-tcp-server';
const isRoot = process.getuid?.() === 0;
// Nobody is to find out after a release that these were skipped everywhere.
const isDemanded = process.env['CI'] === 'true';

describe('User and Group', () => {
  it.runIf(!isRoot && isDemanded)('are tested in CI, which has to run these tests as root', () => {
    expect.fail('Run this file as root: sudo env "PATH=$PATH" CI=true npx vitest run --config test/vitest.config.ts --project process test/process/survive-privileges.test.ts');
  });

  describe.skipIf(!isRoot)('(skipped unless root runs the tests)', () => {
    // The repository may be in a folder that only its owner can read.
    let folder = '';
    let program = '';
    let nobody = { uid: 0, gid: 0 };
    const idOf = (option: '-u' | '-g'): number => Number(spawnSync('id', [option, 'nobody'], { encoding: 'utf8' }).stdout);

    beforeAll(() => {
      nobody = { uid: idOf('-u'), gid: idOf('-g') };
      folder = mkdtempSync(join(tmpdir(), 'prefork-'));
      const root = fileURLToPath(new URL('../..', import.meta.url));
      for (const path of ['package.json', 'dist', 'test/programs']) {
        cpSync(join(root, path), join(folder, path), { recursive: true, dereference: true });
      }
      spawnSync('chmod', ['-R', 'a+rX', folder]);
      chmodSync(folder, 0o755);
      program = join(folder, 'test/programs/std.mjs');
    });

    afterAll(() => { rmSync(folder, { recursive: true, force: true }); });

    const argumentsOf = (options: object): string[] => [program, JSON.stringify({ Address: '127.0.0.1', ...TWO, ...options })];

    /** Runs a master that is to end by itself before anything runs. */
    const refused = (options: object, account: object = {}): SpawnSyncReturns<string> => spawnSync(
      process.execPath, argumentsOf(options), { encoding: 'utf8', cwd: folder, env: { ...process.env, NODE_NO_WARNINGS: '1' }, timeout: 10_000, ...account },
    );

    it.each<[string, object, () => { uid: number; gid: number }]>([
      ['that user and its group', { User: 'nobody' }, () => nobody],
      ['that user and another group', { User: 'nobody', Group: 'daemon' }, () => ({ ...nobody, gid: 1 })],
      ['ids', { User: 12_345, Group: 23_456 }, () => ({ uid: 12_345, gid: 23_456 })],
    ])('bind a port below 1024 as root and serve as %s, without supplementary groups', async (_title, account, ids) => {
      await withMaster({ args: argumentsOf({ Port: 81, ...account }) }, async (master) => {
        const workers = await master.ready(2);
        expect(await master.up()).toBe(81);
        const client = await master.join(81);
        await client.echo('served');

        const { uid, gid } = ids();
        for (const pid of workers) {
          expect(statusWords(pid, 'Uid')).toEqual(Array(4).fill(String(uid)));
          expect(statusWords(pid, 'Gid')).toEqual(Array(4).fill(String(gid)));
          expect(statusWords(pid, 'Groups')).toEqual([]);
        }
        expect(statusWords(master.pid, 'Uid')).toEqual(Array(4).fill('0'));
        // What the kernel keeps for root only: no capability is left.
        expect(statusWords(client.pid, 'CapEff')).toEqual(['0000000000000000']);
        await client.quit();
        // The master may still end them, and the next worker is no root either.
        master.signal('SIGTERM');
        expect(await master.over()).toEqual({ code: 0, signal: null });
        expect(master.stderr).toEqual([]);
      });
    });

    it.each([
      ['an unknown user', { User: 'no-such-user' }, {}, /User "no-such-user" is not an account/],
      ['an unknown group', { User: 'nobody', Group: 'no-such-group' }, {}, /Group "no-such-group" is not an account/],
      ['a numeric user without a group', { User: 12_345 }, {}, /give Group too/],
      ['a group without a user', { Group: 'daemon' }, {}, /Group needs User/],
    ])('refuse %s before anything runs', (_title, options, account, message) => {
      const { status, stdout, stderr } = refused({ Port: 0, ...options }, account);

      expect(status).toBe(1);
      expect(stderr).toContain('ERR_PREFORK_OPTION');
      expect(stderr).toMatch(message);
      expect(stdout).toBe('');
    });

    it('refuse to be used by a master that is not root, before anything runs', () => {
      const { status, stdout, stderr } = refused({ Port: 0, User: 'root' }, nobody);

      expect(status).toBe(1);
      expect(stderr).toContain('ERR_PREFORK_OPTION');
      expect(stderr).toMatch(/User root needs a master that runs as root/);
      expect(stdout).toBe('');
    });

    it('may name the account that the master has already', async () => {
      await withMaster({ args: ['-e', AS_NOBODY, ...argumentsOf({ Port: 0, User: 'nobody' })] }, async (master) => {
        const client = await master.join();

        expect(statusWords(client.pid, 'Uid')).toEqual(Array(4).fill(String(nobody.uid)));
        await client.quit();
      });
    });
  });
});

/** Becomes nobody and then runs the program that follows. */
const AS_NOBODY = `
  process.initgroups('nobody', 'nogroup'); process.setgid('nogroup'); process.setuid('nobody');
  process.execArgv.length = 0;
  import('node:url').then(({ pathToFileURL }) => import(pathToFileURL(process.argv[1]).href));
`.replaceAll('\n', ' ');

const MARKED = { [MARK]: JSON.stringify({ alias: 'prefork_server', ordinal: 1, token: 'expected', captured: false }) };

/** What an intruder says to a process that it has started with a forged mark. */
const welcome = (token: string): object => ({
  [KEY]: {
    type: 'welcome', token, paused: false, share: null, backlog: 511, endWithMaster: false,
    address: { address: '127.0.0.1', family: 'IPv4', port: 1 },
    config: { heartbeatMs: 1000, graceMs: 1000, maxClients: null, concurrency: null, maxServed: null },
  },
});

describe('a process with the mark of a worker', () => {
  it('but without a channel to a master says so and ends', async () => {
    await withMaster({ env: MARKED, options: TWO }, async (child) => {
      expect(await child.over()).toEqual({ code: 1, signal: null });
      expect(child.stderr.join('\n')).toMatch(/ERR_PREFORK_STATE/);
      expect(child.stderr.join('\n')).toMatch(/no IPC channel/);
      expect(child.stdout).toEqual([]);
    });
  });

  /** Starts STD as a worker of this process, which is not its master. */
  const adopt = (): { child: ReturnType<typeof fork>; said: object[]; hello: Promise<unknown>; exit: Promise<unknown> } => {
    const child = fork(program('std.mjs'), ['{}'], { env: { ...process.env, ...MARKED }, execArgv: [], stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
    const said: object[] = [];
    child.on('message', (message) => { said.push((message as Record<string, object>)[KEY] ?? {}); });
    return { child, said, hello: within(once(child, 'message'), () => 'hello'), exit: within(once(child, 'exit'), () => 'its end') };
  };

  it('whose parent greets it with a wrong token refuses to work and ends', async () => {
    const { child, said, hello, exit } = adopt();
    try {
      await hello;
      child.send(welcome('guessed'));

      expect(await exit).toEqual([1, null]);
      expect(said).toMatchObject([{ type: 'hello' }, { type: 'boot-failed', error: { code: 'ERR_PREFORK_STATE', where: 'start' } }]);
      expect(JSON.stringify(said)).toContain('wrong token');
    } finally {
      child.kill('SIGKILL');
      await waitGone(child.pid ?? 0);
    }
  });

  it.each([
    ['says nothing and leaves', undefined],
    ['gives it orders before it greets it', { [KEY]: { type: 'permit', credit: null } }],
  ])('whose parent %s does not start', async (_title, message) => {
    const { child, said, hello, exit } = adopt();
    try {
      await hello;
      if (message !== undefined) child.send(message);
      child.disconnect();

      expect(await exit).toEqual([1, null]);
      expect(said).toMatchObject([{ type: 'hello' }]);
    } finally {
      child.kill('SIGKILL');
      await waitGone(child.pid ?? 0);
    }
  });
});

describe('a worker of another version of the protocol', () => {
  it('is refused with an error that says so, and no process is left', async () => {
    const options = { ...TWO, Script: fileURLToPath(program('foreign-version.mjs')), ScriptArgs: [] };
    await withMaster({ program: 'separate-master.mjs', options }, async (master) => {
      const error = await master.event('worker:error');
      const failed = await master.event('failed');

      expect(error).toMatchObject({ where: 'start', error: { code: 'ERR_PREFORK_STATE' } });
      expect(error.error.message).toMatch(/version 999 .* its master version \d+/);
      expect(failed['error']).toMatchObject({ code: 'ERR_PREFORK_WORKER_BOOT' });
      expect(master.all('worker:ready')).toEqual([]);
      await master.over();
      expect(master.born.filter(isAlive)).toEqual([]);
    });
  });
});
