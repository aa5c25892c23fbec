import { mkdirSync, mkdtempSync, realpathSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { withMaster } from '../support/master-process.js';
import { sendSignal } from '../support/processes.js';
import { shortClients } from '../support/short-clients.js';
import { QUICK, withServer, type Running, type ServerSetup } from '../support/with-server.js';

/** Writes releases of a server into folders of their own, and leads the link `current` to one of them. */
class Releases {
  readonly root = realpathSync(mkdtempSync(join(tmpdir(), 'prefork-reload-')));
  #count = 0;

  /** @param code - runs in the workers of this release only @returns its folder */
  write({ before = '', options = '' }: { readonly before?: string; readonly options?: string } = {}): string {
    this.#count += 1;
    const folder = join(this.root, String(this.#count));
    mkdirSync(folder);
    writeFileSync(join(folder, 'server.mjs'), `
      import { PreforkTcpServer } from ${JSON.stringify(import.meta.resolve('prefork-tcp-server'))};
      ${before}
      new PreforkTcpServer({
        ClientConnected({ heap }) { heap.client.put('W' + process.pid); },
        ClientInput({ heap, input }) { heap.client.put('${this.#count} ' + process.cwd() + ' ' + input); },
        ${options}
      });`);
    return folder;
  }

  lead(folder: string): void {
    symlinkSync(folder, join(this.root, 'next'));
    renameSync(join(this.root, 'next'), join(this.root, 'current'));
  }
}

describe('a reload', () => {
  const releases = new Releases();
  let first = '';
  beforeAll(() => { first = releases.write(); });
  afterAll(() => { rmSync(releases.root, { recursive: true }); });
  beforeEach(() => { releases.lead(first); });
  const setup = (options: ServerSetup = {}): ServerSetup => ({
    ...QUICK, MaxServer: 3, StartServer: 2, ReloadSettleTime: 0.1,
    Script: join(releases.root, 'current/server.mjs'), Directory: join(releases.root, 'current'), ...options,
  });
  const ask = async (running: Running): Promise<string> => {
    const client = await running.join();
    client.send('hello\n');
    const answer = await client.readLine();
    client.close();
    return answer.trim();
  };

  it('replaces every worker, fails no client and leaves lasting sessions alone; then the old folder may go', async () => {
    await withServer(setup(), async (running) => {
      const lasting = await running.join();
      const stop = shortClients(running.port);
      const old = running.ready;
      const folder = releases.write({ options: 'MaxServer: 4, Backlog: 100,' });
      releases.lead(folder);

      const result = await running.server.reload();

      expect(result).toMatchObject({ release: 2, script: join(folder, 'server.mjs'), adopted: ['MaxServer'], needsUpgrade: ['Backlog'] });
      expect(result.replaced).toBeGreaterThanOrEqual(2);
      const { release, mixed, lastReload, reloads, limits, workers } = running.server.status();
      expect({ release, mixed, reloads, most: limits.MaxServer }).toEqual({ release: 2, mixed: false, reloads: { done: 1, failed: 0 }, most: 4 });
      expect(lastReload).toMatchObject({ result: 'done', release: 2 });
      expect(workers.filter((worker) => worker.release === 1 && worker.phase !== 'draining')).toEqual([]);
      expect(running.eventsOf('worker:drain').filter(({ detail }) => old.includes(detail.pid)).map(({ detail }) => detail.reason)).toEqual(old.map(() => 'reload'));
      lasting.send('still there\n');
      expect(await lasting.readLine()).toContain(`${first} still there`);
      expect(await stop()).toMatchObject({ failed: [] });

      const kept = `${first}.kept`;
      renameSync(first, kept);
      try {
        const [victim = 0] = running.ready;
        sendSignal(victim, 'SIGKILL');
        await running.exit(victim);
        await running.until(({ totals, workers: now }) => totals.ready >= 2 && !now.some(({ phase }) => phase === 'starting'));
        expect(await ask(running)).toBe(`${folder.slice(releases.root.length + 1)} ${folder} hello`);
      } finally {
        renameSync(kept, first);
      }
    });
  });

  it.each<[string, { before?: string; options?: string }, object]>([
    ['throws when it is loaded', { before: "throw new Error('broken at load');" }, { reason: 'boot', exit: { code: 1, signal: null }, stderr: expect.stringContaining('broken at load') as string }],
    ['throws in ServerStarted', { options: "ServerStarted() { throw new Error('no database'); }," }, { reason: 'boot', message: expect.stringContaining('no database') as string }],
    ['dies after it was ready', { options: 'ServerStarted() { setTimeout(() => { console.error("too late"); process.exit(7); }, 20); },' }, { reason: 'crashed', exit: { code: 7, signal: null }, stderr: 'too late\n' }],
    ['has options that the pool cannot take', { options: 'MinServer: 9,' }, { reason: 'options', message: expect.stringContaining('MinServer') as string }],
  ])('to a release that %s says why, fails no client and leaves the old one in force', async (_title, code, evidence) => {
    await withServer(setup(), async (running) => {
      const stop = shortClients(running.port);
      releases.lead(releases.write(code));

      const error = await running.server.reload({ settle: 1 }).catch((reason: unknown) => reason);

      expect(error).toMatchObject({ code: 'ERR_PREFORK_RELOAD', release: 2, mixed: false, ...evidence });
      expect((error as { pid: number }).pid).toBeGreaterThan(0);
      expect(running.server.status()).toMatchObject({ release: 1, lastReload: { result: 'failed', release: 2 } });
      expect(running.eventsOf('worker:drain').map(({ detail }) => detail.reason)).not.toContain('reload');
      expect(await stop()).toMatchObject({ failed: [] });
    });
  });

  it('whose first worker is killed from outside says so, and the next one succeeds', async () => {
    await withServer(setup(), async (running) => {
      releases.lead(releases.write());
      running.server.once('reload:canary', ({ pid }) => { sendSignal(pid, 'SIGKILL'); });

      await expect(running.server.reload()).rejects.toMatchObject({ code: 'ERR_PREFORK_RELOAD', exit: { code: null, signal: 'SIGKILL' } });
      await expect(running.server.reload()).resolves.toMatchObject({ release: 3 });
    });
  });

  it('is refused by the check, which is asked about the first worker', async () => {
    await withServer(setup(), async (running) => {
      const asked: number[] = [];
      const check = ({ release }: { release: number }): boolean => asked.push(release) > 1;

      await expect(running.server.reload({ check })).rejects.toMatchObject({ reason: 'check' });
      await expect(running.server.reload({ check })).resolves.toMatchObject({ release: 3 });

      expect(asked).toEqual([2, 3]);
    });
  });

  it('that has not come yet changes nothing: a worker that is replaced meanwhile runs the old release', async () => {
    await withServer(setup({ MaxServer: 1, StartServer: 1 }), async (running) => {
      releases.lead(releases.write());
      const [victim = 0] = running.ready;
      sendSignal(victim, 'SIGKILL');
      await running.exit(victim);

      await running.settled(1);

      expect(await ask(running)).toBe(`1 ${first} hello`);
    });
  });

  it('that is asked for during another one, however often, is one more after it', async () => {
    await withServer(setup({ MaxServer: 1, StartServer: 1 }), async ({ server }) => {
      const results = await Promise.all([server.reload(), server.reload(), server.reload()]);

      expect(results.map(({ release }) => release)).toEqual([2, 3, 3]);
    });
  });

  it('is given up when the server is shut down', async () => {
    await withServer(setup(), async ({ server }) => {
      const outcome = server.reload({ settle: 60 }).catch((error: unknown) => error);

      await server.shutdown();

      expect(await outcome).toMatchObject({ code: 'ERR_PREFORK_STATE' });
    });
  });

  it('says that a script was overwritten in place, since there is no way back then', async () => {
    await withServer(setup(), async ({ server }) => {
      const folder = releases.write();
      releases.lead(folder);
      await server.reload();
      writeFileSync(join(folder, 'server.mjs'), "throw new Error('overwritten');");

      expect(server.status().mixed).toBe(true);
      await expect(server.reload()).rejects.toMatchObject({ reason: 'boot', mixed: true });
    });
  });

  it('comes with a hangup to a master without a terminal, which workers ignore', async () => {
    await withMaster({ options: { ...QUICK, MaxServer: 1, ReloadSettleTime: 0.1 }, detached: true }, async (master) => {
      await master.up();
      const [old = 0] = await master.ready(1);

      master.signalGroup('SIGHUP');

      await master.event('reload:done');
      await master.event('worker:exit', ({ pid, code }) => pid === old && code === 0);
      await (await master.join()).echo('served by the new release');
    });
  });
});
