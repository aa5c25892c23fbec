import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ReloadError, ReloadOptions } from 'prefork-tcp-server';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { atRate, failures } from '../programs/load.js';
import { withMaster } from '../support/master-process.js';
import { sendSignal } from '../support/processes.js';
import { Releases, type ReleaseCode } from '../support/releases.js';
import { shared } from '../support/shared.js';
import { ONE, QUICK, TWO, withServer, type Running, type ServerSetup } from '../support/with-server.js';

/** Clients per second; each takes a new connection. */
const RATE = 100;

const releases = new Releases();
let first = '';
beforeAll(() => {
  first = releases.write();
  releases.lead(first);
});
afterAll(() => { releases.remove(); });
beforeEach(() => { releases.lead(first); });

const setup = (options: ServerSetup = {}): ServerSetup => ({
  ...QUICK, ReloadSettleTime: 0.1, MaxServerExpireTime: 3, Script: releases.script, Directory: releases.directory, ...options,
});

/** The folder of the release that serves a new client, and the folder it runs in. */
async function ask(running: Running): Promise<string> {
  const client = await running.join();
  client.send('release\n');
  const answer = await client.readLine();
  client.close();
  return answer;
}

const failureOf = (running: Running, options: ReloadOptions = {}): Promise<ReloadError> => (
  running.server.reload(options).then((result) => { throw new Error(`Release ${result.release} was taken.`); }, (error: unknown) => error as ReloadError));

/** Blocks the event loop until the process is killed. */
const STANDS_STILL = 'setTimeout(() => { Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0); }, 10);';

describe('a pool under load', () => {
  const pool = shared<Running>((body) => withServer(setup({ ...TWO, StartServer: 2, MinServer: 2, MinSpareServer: 0 }), async (running) => {
    await running.settled(2);
    await body(running);
  }));

  it.each<[string, ReleaseCode, ReloadOptions, object]>([
    ['throws when it is loaded', { before: "throw new Error('broken at load');" }, {}, { reason: 'boot', exit: { code: 1, signal: null }, stderr: expect.stringContaining('broken at load') as string }],
    ['throws in ServerStarted', { options: "ServerStarted() { throw new Error('no database'); }," }, {}, { reason: 'boot', message: expect.stringContaining('no database') as string }],
    ['dies after it was ready', { options: 'ServerStarted() { setTimeout(() => { console.error("too late"); process.exit(7); }, 20); },' }, { settle: 5 }, { reason: 'crashed', exit: { code: 7, signal: null }, stderr: 'too late\n' }],
    ['fails in the middle of its script, over an answer of the master', { after: "await server.ready(); await server.ask('settings'); console.error('whole');" }, { settle: 5 },
      { reason: 'crashed', exit: { code: 1, signal: null }, stderr: expect.stringMatching(/^(?!.*whole).*the master has no listener for worker:message/s) as string }],
    ['stands still after it was ready', { options: `ServerStarted() { ${STANDS_STILL} },` }, {}, { reason: 'hung', exit: { code: null, signal: 'SIGKILL' } }],
    ['has options that the pool cannot take', { options: 'MinServer: 9,' }, {}, { reason: 'options', message: expect.stringContaining('MinServer') as string }],
    ['does not pass the check', {}, { check: ({ release }) => release === 0 }, { reason: 'check' }],
  ])('does not take a release that %s, says why, and serves every client', async (_title, code, options, evidence) => {
    const running = pool();
    const { release, workers } = running.server.status();
    const canaries: number[] = [];
    const note = ({ pid }: { pid: number }): void => { canaries.push(pid); };
    running.server.on('reload:canary', note);
    releases.lead(releases.write(code));

    const visits = await atRate(running.port, RATE, async () => {
      const error = await failureOf(running, options);

      expect(error).toMatchObject({ code: 'ERR_PREFORK_RELOAD', mixed: false, ...evidence });
      expect(canaries).toEqual([error.pid]);
    });
    running.server.off('reload:canary', note);

    expect(failures(visits)).toEqual([]);
    expect(running.server.status()).toMatchObject({ release, lastReload: { result: 'failed' } });
    expect(running.ready).toEqual(workers.map(({ pid }) => pid));
    expect(visits.filter(({ pid = 0 }) => canaries.includes(pid))).toEqual([]);
  });

  it('does not take a release whose first worker is killed from outside', async () => {
    const running = pool();
    const { release } = running.server.status();
    running.server.once('reload:canary', ({ pid }) => { sendSignal(pid, 'SIGKILL'); });

    const visits = await atRate(running.port, RATE, async () => {
      expect(await failureOf(running)).toMatchObject({ code: 'ERR_PREFORK_RELOAD', exit: { code: null, signal: 'SIGKILL' } });
    });

    expect(failures(visits)).toEqual([]);
    expect(running.server.status().release).toBe(release);
  });

  it('goes back when the workers after the first one cannot start, and serves every client', async () => {
    const running = pool();
    const { release, limits } = running.server.status();
    const folder = releases.write({
      before: `import { writeFileSync } from 'node:fs'; writeFileSync(${JSON.stringify(join(releases.root, 'single'))}, '', { flag: 'wx' });`,
      options: 'GraceExpireTime: 7,',
    });
    releases.lead(folder);

    const visits = await atRate(running.port, RATE, async () => {
      const error = await failureOf(running);

      expect(error).toMatchObject({ reason: 'boot', exit: { code: 1 }, stderr: expect.stringContaining('EEXIST') as string });
      await running.until(({ workers }) => workers.length === 2 && workers.every((worker) => worker.release === release && worker.phase === 'ready'));
    });

    expect(failures(visits)).toEqual([]);
    expect(running.server.status()).toMatchObject({ release, limits });
    expect(await ask(running)).toBe(`${first} ${first}`);
  });

  it('replaces every worker, successors first, and leaves lasting sessions alone; then the old folder may go', async () => {
    const running = pool();
    const lasting = await running.join();
    const { release, workers, totals: { born } } = running.server.status();
    const folder = releases.write({ before: 'await new Promise((resolve) => { setTimeout(resolve, 300); });', options: 'MaxServer: 3, Backlog: 100,' });
    releases.lead(folder);

    const visits = await atRate(running.port, RATE, async () => {
      const result = await running.server.reload();

      expect(result).toMatchObject({ script: join(folder, 'server.js'), replaced: 2, adopted: ['MaxServer'], needsUpgrade: ['Backlog'] });
      expect(result.release).toBeGreaterThan(release);
      const status = running.server.status();
      expect(status).toMatchObject({ release: result.release, mixed: false, lastReload: { result: 'done', release: result.release }, limits: { MaxServer: 3 } });
      expect(status.workers.filter((worker) => worker.release === release && worker.phase !== 'draining')).toEqual([]);
      expect(status.totals.born - born).toBeLessThanOrEqual(3);
    });

    expect(failures(visits)).toEqual([]);
    expect(running.eventsOf('worker:drain').filter(({ detail }) => workers.some(({ pid }) => pid === detail.pid)).map(({ detail }) => detail.reason)).toEqual(['reload', 'reload']);
    await lasting.echo('still there');
    lasting.close();

    const kept = `${first}.kept`;
    renameSync(first, kept);
    try {
      const [victim = 0] = running.ready;
      sendSignal(victim, 'SIGKILL');
      await running.exit(victim);
      await running.until(({ totals, workers: now }) => totals.ready >= 2 && now.every(({ phase }) => phase !== 'starting'));
      expect(await ask(running)).toBe(`${folder} ${folder}`);
    } finally {
      renameSync(kept, first);
    }
  });
});

describe('a reload', () => {
  it('that has not come yet changes nothing: a worker that is replaced meanwhile runs the old release; nor can it go back to a folder that was removed', async () => {
    const old = releases.write();
    releases.lead(old);
    await withServer(setup(ONE), async (running) => {
      releases.lead(releases.write({ before: "throw new Error('broken');" }));
      const [victim = 0] = running.ready;
      sendSignal(victim, 'SIGKILL');
      await running.exit(victim);
      await running.settled(1);
      expect(await ask(running)).toBe(`${old} ${old}`);

      rmSync(old, { recursive: true });

      expect(await failureOf(running)).toMatchObject({ reason: 'boot', mixed: true, message: expect.stringContaining('restore the file') as string });
      await (await running.join()).echo('still served');
    });
  });

  it('that is asked for during another one, however often, is one more after it', async () => {
    await withServer(setup({ ...ONE, ReloadSettleTime: 0 }), async ({ server }) => {
      const results = await Promise.all([server.reload(), server.reload(), server.reload()]);

      expect(results.map(({ release }) => release)).toEqual([2, 3, 3]);
    });
  });

  it('says that a script was overwritten in place, since there is no way back then', async () => {
    const folder = releases.write();
    releases.lead(folder);
    await withServer(setup(ONE), async (running) => {
      writeFileSync(join(folder, 'server.js'), "throw new Error('overwritten');");

      expect(running.server.status().mixed).toBe(true);
      expect(await failureOf(running)).toMatchObject({ reason: 'boot', mixed: true });
    });
  });

  it('that fails ends no program which does not handle that', async () => {
    await withMaster({ program: 'uncaught.mjs', options: { ...ONE, HandleSignals: false }, env: { NODE_NO_WARNINGS: '0' } }, async (master) => {
      const client = await master.join();

      for (const release of [2, 3]) {
        master.signal('SIGUSR2');
        await master.event('reload:failed', (event) => event.release === release);
      }

      client.send('still\n');
      await client.expectMatch(/: still\r\n/);
      expect(master.ending).toBeUndefined();
      await master.until(() => master.stderr.find((line) => line.includes('they must be one object, not "SIGUSR2"')), () => 'the warning');
    });
  });

  it('of a link that leads nowhere is refused, and no worker is started for it', async () => {
    await withServer(setup(ONE), async (running) => {
      releases.lead(join(releases.root, 'nothing'));

      expect(await failureOf(running)).toMatchObject({ reason: 'boot', pid: undefined, message: expect.stringContaining('the folder of the script, is not there') as string });
      expect(running.born).toHaveLength(1);
    });
  });

  it('that a hangup to all processes asks for, while a worker starts for another and ends of it, is done after that one, which is tried again', async () => {
    const gate = join(releases.root, 'gate');
    await withMaster({ program: 'gated.mjs', options: { ...QUICK, ...ONE, ReloadSettleTime: 0.1 }, env: { GATE: gate }, detached: true }, async (master) => {
      await master.ready(1);

      writeFileSync(gate, '');
      master.signalGroup('SIGHUP');
      await master.event('waits');
      master.signalGroup('SIGHUP');

      await master.event('reload:done', ({ release }) => release === 3);
      expect(master.all('reload:canary').map(({ release }) => release)).toEqual([2, 2, 3]);
      expect(master.all('reload:done').map(({ release }) => release)).toEqual([2, 3]);
      expect(master.all('reload:failed')).toEqual([]);
    });
  });

  it('comes with a hangup to a master without a terminal, which workers ignore', async () => {
    await withMaster({ options: { ...QUICK, ...ONE, ReloadSettleTime: 0.1 }, detached: true }, async (master) => {
      await master.up();
      const [old = 0] = await master.ready(1);

      master.signalGroup('SIGHUP');

      await master.event('reload:done');
      await master.event('worker:exit', ({ pid, code }) => pid === old && code === 0);
      await (await master.join()).echo('served by the new release');
    });
  });
});
