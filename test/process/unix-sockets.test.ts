import { existsSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { heapOf, leaveStale, listenFailure } from '../support/listening.js';
import { withMaster } from '../support/master-process.js';
import type { MasterProcess } from '../support/master-process.js';
import { sendSignal, waitGone } from '../support/processes.js';
import { TcpClient } from '../support/tcp-client.js';
import { ONE, Running, withServer } from '../support/with-server.js';

/** The bytes that a path may have: sun_path of unix(7) without its NUL and the `~` of the name that it is bound with. */
const LONGEST = (process.platform === 'linux' ? 108 : 104) - 2;

describe('a Unix socket', () => {
  let folder = '';
  beforeAll(() => { folder = mkdtempSync(join(tmpdir(), 'prefork-unix-')); });
  afterAll(() => { rmSync(folder, { recursive: true }); });
  const unix = (name: string): { Domain: 'unix'; Address: string } => ({ Domain: 'unix', Address: join(folder, name) });
  const joinAt = async (path: string): Promise<TcpClient> => {
    const client = await TcpClient.connect(path);
    await client.greeting();
    return client;
  };

  it('is created with SocketMode, serves clients as LOCAL, and is removed at shutdown', async () => {
    const options = unix('mode');
    await withServer({ ...ONE, ...options, SocketMode: 0o660, program: 'addresses.mjs' }, async (running: Running) => {
      expect(running.server.address()).toBe(options.Address);
      expect(lstatSync(options.Address).mode & 0o777).toBe(0o660);

      expect(await heapOf(options.Address)).toMatchObject({ remote_ip: 'LOCAL', remote_addr: 'LOCAL' });
    });

    expect(existsSync(options.Address)).toBe(false);
  });

  it('is left alone when a worker drains or dies', async () => {
    const options = unix('workers');
    await withServer({ MaxServer: 2, StartServer: 2, ...options }, async (running) => {
      await running.settled(2);
      const [drained = 0, killed = 0] = running.ready;

      running.server.term(drained);
      sendSignal(killed, 'SIGKILL');
      await running.exit(drained);
      await running.exit(killed);

      expect(existsSync(options.Address)).toBe(true);
      const client = await joinAt(options.Address);
      await client.echo('served by another');
      client.close();
    });

    expect(existsSync(options.Address)).toBe(false);
  });

  it('of a server that lives cannot be taken', async () => {
    const options = unix('live');
    await withServer({ ...ONE, ...options }, async () => {
      const { error } = await listenFailure(options);

      expect(error).toMatchObject({ code: 'ERR_PREFORK_LISTEN', cause: { code: 'EADDRINUSE' } });
      const client = await joinAt(options.Address);
      await client.echo('the first server goes on');
      client.close();
    });
  });

  it('of a server that was killed is replaced', async () => {
    const options = unix('stale');
    await withMaster({ options: { ...ONE, ...options } }, async (master: MasterProcess) => {
      await master.event('up');
      master.signal('SIGKILL');
      await master.exit();
      await waitGone(master.born);
      expect(existsSync(options.Address)).toBe(true);
    });

    await withServer({ ...ONE, ...options }, async () => {
      const client = await joinAt(options.Address);
      await client.echo('served');
      client.close();
    });
  });

  it('does not take the place of a file of another kind', async () => {
    const options = unix('file');
    writeFileSync(options.Address, 'precious');

    const { error } = await listenFailure(options);

    expect(error).toMatchObject({ code: 'ERR_PREFORK_LISTEN', cause: { code: 'EADDRINUSE' } });
    expect((error as Error).message).toContain(`${options.Address} is not a socket, and is left alone: remove it or choose another path.`);
    expect(readFileSync(options.Address, 'utf8')).toBe('precious');
  });

  it.each([
    ['is not there', 'no/such/socket', 'ENOENT', /there is no folder .*no\/such/],
    ['is a file', 'precious/socket', 'ENOTDIR', /precious is not a folder/],
  ])('in a folder that %s rejects ready() with the true reason', async (_title, name, code, message) => {
    writeFileSync(join(folder, 'precious'), 'a file');

    const { error } = await listenFailure(unix(name));

    expect(error).toMatchObject({ code: 'ERR_PREFORK_LISTEN', message: expect.stringMatching(message) as string, cause: { code } });
  });

  it('of a server that starts cannot be taken, although no worker is there yet', async () => {
    const options = unix('starts');
    const first = new Running({ ...ONE, ...options, program: 'boot-throws.mjs', worker: { std: { how: 'hang' } } });
    try {
      await first.event('listening');

      const { error } = await listenFailure(options);

      expect(error).toMatchObject({ code: 'ERR_PREFORK_LISTEN', cause: { code: 'EADDRINUSE' } });
    } finally {
      await first.server.shutdown({ grace: 0 });
    }
  });

  it('has one owner when servers start together, whether or not there is a stale file', async () => {
    const options = unix('together');
    for (const stale of [false, true]) {
      if (stale) await leaveStale(options.Address);
      const rivals = Array.from({ length: 5 }, () => new Running({ ...ONE, ...options }));
      const outcomes = await Promise.allSettled(rivals.map(async ({ server }) => server.ready()));
      const winner = rivals[outcomes.findIndex(({ status }) => status === 'fulfilled')];
      try {
        expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
        expect(outcomes.filter((outcome) => outcome.status === 'rejected').map((outcome: PromiseRejectedResult) => (outcome.reason as { cause: unknown }).cause))
          .toMatchObject(Array.from({ length: 4 }, () => ({ code: 'EADDRINUSE' })));
        const client = await joinAt(options.Address);
        expect(client.pid).toBe(winner?.ready[0]);
        client.close();
      } finally {
        await Promise.all(rivals.map(({ server }) => server.shutdown({ grace: 0 })));
      }
      expect(existsSync(options.Address)).toBe(false);
    }
  });

  it.each([['removed', unlinkSync], ['renamed', (path: string) => { renameSync(path, `${path}.old`); }]])(
    'that was %s leaves the path to the server that binds it next', async (_title, take) => {
      const options = unix('twice');
      await withServer({ ...ONE, ...options }, async ({ server: former }) => {
        take(options.Address);
        await withServer({ ...ONE, ...options }, async ({ ready: [pid] }) => {
          await former.shutdown();

          const client = await joinAt(options.Address);
          expect(client.pid).toBe(pid);
          client.close();
        });
        expect(existsSync(options.Address)).toBe(false);
      });
    },
  );

  it('with a relative path is removed where it was made, and nothing elsewhere, although the program changes its folder', async () => {
    const before = process.cwd();
    const other = join(folder, 'other');
    mkdirSync(other);
    for (const name of ['here', 'here~']) writeFileSync(join(other, name), 'of another');
    try {
      process.chdir(folder);
      await withServer({ ...ONE, Domain: 'unix', Address: 'here' }, async ({ server }) => {
        expect(server.address()).toBe('here');
        (await joinAt(join(folder, 'here'))).close();
        process.chdir(other);
      });
    } finally {
      process.chdir(before);
    }

    expect(readdirSync(folder).filter((name) => name.startsWith('here'))).toEqual([]);
    expect(readdirSync(other)).toEqual(['here', 'here~']);
  });

  it('with a path as long as the system takes is served, and a longer one is refused with the limit', async () => {
    const longest = join(folder, 'x'.repeat(LONGEST - Buffer.byteLength(folder) - 1));
    const before = readdirSync(folder);

    await withServer({ ...ONE, Domain: 'unix', Address: longest }, async () => { (await joinAt(longest)).close(); });
    const { error } = await listenFailure({ Domain: 'unix', Address: `${longest}x`, SocketMode: 0o600 });

    expect(error).toMatchObject({ code: 'ERR_PREFORK_LISTEN', cause: { code: 'ENAMETOOLONG' } });
    expect((error as Error).message).toContain(`may have ${LONGEST} bytes`);
    expect(readdirSync(folder)).toEqual(before);
  });

  it.runIf(process.platform === 'linux')('with an abstract name is served, and in use for another server', async () => {
    const options = { Domain: 'unix', Address: `\0prefork-${process.pid}` } as const;
    await withServer({ ...ONE, ...options }, async () => {
      (await joinAt(options.Address)).close();

      const { error } = await listenFailure(options);

      expect(error).toMatchObject({ code: 'ERR_PREFORK_LISTEN', cause: { code: 'EADDRINUSE' } });
      expect((error as Error).message).toContain(`@prefork-${process.pid}`);
    });
  });

  it.runIf(process.platform === 'linux')('with an abstract name that is too long is refused with the limit, not cut', async () => {
    const { error } = await listenFailure({ Domain: 'unix', Address: `\0${'x'.repeat(108)}` });

    expect(error).toMatchObject({ code: 'ERR_PREFORK_LISTEN', cause: { code: 'ENAMETOOLONG' } });
    expect((error as Error).message).toContain('an abstract address may have 108 bytes on this system, and this one has 109');
  });
});
