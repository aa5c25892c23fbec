import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, expect, it } from 'vitest';
import type { Release } from '../../src/master/release.js';
import type { ReloadError } from '../../src/master/reload-error.js';
import type { ReloadOptions } from '../../src/master/reload-host.js';
import { Releases } from '../../src/master/releases.js';
import type { GivenOptions } from '../../src/options/given.js';
import type { PoolOptions } from '../../src/options/options.js';
import { resolveChange, resolveOptions } from '../../src/options/resolve.js';
import type { ReloadResult } from '../../src/server-events.js';
import type { FakeWorker } from '../support/fake-workers.js';
import { ManualClock, turn } from '../support/manual-clock.js';
import { Pool, RELEASE } from './supervisor-fixture.js';

const OPTIONS = { MaxServer: 6, StartServer: 3, MinServer: 3, MinSpareServer: 1, MaxSpareServer: 4, MasterHeartBeatTime: 10, MaxServerExpireTime: 50, GraceExpireTime: 20, ReloadSettleTime: 2 };
const STEP_MS = 250;

const pinned = (number: number): Release => ({ ...RELEASE, number, script: `/releases/${number}/server.js` });

/** A pool that reloads; time passes in steps, between which promises settle. */
class ReloadingPool {
  readonly pool: Pool;
  readonly #releases: Releases;
  readonly #configured = new Set<string>();
  #options;
  /** The fewest workers that were ready and did not drain, since it was set. */
  fewest = Infinity;

  constructor(given: PoolOptions = {}) {
    const clock = new ManualClock();
    this.#options = resolveOptions({ ...OPTIONS, ...given, ClientInput: () => undefined }, 'master');
    this.#releases = new Releases({
      clock,
      pin: pinned,
      supervisor: () => this.pool.supervisor,
      options: () => this.#options,
      setOptions: (options) => {
        this.#options = options;
        this.pool.supervisor.configure(options);
      },
      configured: this.#configured,
      emit: (name, ...[event]) => { this.pool.events.push({ name, event }); },
    });
    this.pool = new Pool({ ...OPTIONS, ...given }, { clock, reloads: this.#releases.reloads });
  }

  get options(): PoolOptions {
    return this.#options.thresholds;
  }

  /** What the script of this process gave. */
  get given(): GivenOptions {
    return this.#options.given;
  }

  configure(change: PoolOptions): void {
    this.#options = resolveChange(this.#options, change);
    for (const name of Object.keys(change)) this.#configured.add(name);
    this.pool.supervisor.configure(this.#options);
  }

  /** Begins a reload. What it comes to is in what is returned once enough time has passed. */
  reload(options: ReloadOptions = {}): { result?: ReloadResult; error?: ReloadError } {
    const outcome: { result?: ReloadResult; error?: ReloadError } = {};
    this.#releases.reloads.request(options).then((result) => { outcome.result = result; }, (error: unknown) => { outcome.error = error as ReloadError; });
    return outcome;
  }

  async pass(ms: number, meanwhile: () => void = () => undefined): Promise<void> {
    for (let left = ms; left > 0; left -= STEP_MS) {
      this.pool.clock.advance(STEP_MS);
      meanwhile();
      await turn();
      const { roster } = this.pool.supervisor;
      this.fewest = Math.min(this.fewest, roster.all().filter(({ phase, trial, killed }) => phase === 'ready' && !trial && killed === undefined).length);
    }
  }

  /** The workers of a release whose processes have not ended. */
  of(release: number): readonly FakeWorker[] {
    const { script } = pinned(release);
    return this.pool.workers.living().filter(({ options }) => options.release.script === script);
  }
}

const ready = (pool: Pool): number => pool.supervisor.roster.all().filter(({ phase }) => phase === 'ready').length;

describe('a reload', () => {
  it('tries one worker, which takes no client, and then replaces the others without a gap', async () => {
    const reloading = new ReloadingPool();
    const { pool } = reloading;
    pool.cooperate();
    await reloading.pass(1000);
    reloading.fewest = Infinity;

    const outcome = reloading.reload();
    await reloading.pass(1500);
    const trial = reloading.of(2);
    expect(trial).toHaveLength(1);
    expect(trial[0]?.of('permit')).toEqual([]);
    await reloading.pass(2000);

    expect(outcome.result).toMatchObject({ release: 2, replaced: 3 });
    expect(reloading.fewest).toBe(3);
    await reloading.pass(1000);
    expect(reloading.of(1)).toEqual([]);
    expect(reloading.of(2)).toHaveLength(3);
  });

  it('asks its check in the async context of its call, though another reload is under way then', async () => {
    const storage = new AsyncLocalStorage<string>();
    const reloading = new ReloadingPool();
    reloading.pool.cooperate();
    await reloading.pass(1000);
    const seen: unknown[] = [];
    const check = (): boolean => seen.push(storage.getStore()) > 0;

    for (const caller of ['first', 'second']) storage.run(caller, () => reloading.reload({ check }));
    await reloading.pass(10_000);

    expect(seen).toEqual(['first', 'second']);
  });

  it('of a paused pool brings paused workers', async () => {
    const reloading = new ReloadingPool();
    reloading.pool.cooperate();
    reloading.pool.supervisor.pause(true);
    await reloading.pass(1000);

    const outcome = reloading.reload();
    await reloading.pass(5000);

    expect(outcome.result).toMatchObject({ release: 2, replaced: 3 });
    expect(reloading.of(2).map(({ welcome }) => welcome?.paused)).toEqual([true, true, true]);
  });

  it('of a pool that has reached MaxServer, with a client in every worker, replaces them all', async () => {
    const reloading = new ReloadingPool({ MinServer: 2, MaxServer: 4, StartServer: 4 });
    const { pool } = reloading;
    pool.cooperate();
    await reloading.pass(1000);
    for (const worker of pool.workers.all()) worker.report({ clients: 1 });
    await reloading.pass(1000);
    reloading.fewest = Infinity;

    const outcome = reloading.reload();
    await reloading.pass(8000);

    expect(outcome.result).toMatchObject({ release: 2, replaced: 4 });
    // Never below MinServer, though the clients of those that drain are not counted any more.
    expect(reloading.fewest).toBeGreaterThanOrEqual(2);
    expect(reloading.of(1)).toEqual([]);
  });

  it('while the pool shrinks brings what it shrinks to, and never fewer than MinServer', async () => {
    const reloading = new ReloadingPool({ StartServer: 6, MaxSpareServer: 6 });
    const { pool } = reloading;
    pool.cooperate();
    await reloading.pass(1000);
    expect(ready(pool)).toBe(6);
    reloading.configure({ MaxSpareServer: 3 });
    reloading.fewest = Infinity;

    const outcome = reloading.reload();
    await reloading.pass(120_000);

    expect(outcome.result).toMatchObject({ release: 2 });
    expect([reloading.fewest >= 3, reloading.of(1).length, reloading.of(2).length]).toEqual([true, 0, 3]);
    expect(pool.events.map(({ name }) => name)).not.toContain('worker:error');
  });

  it('while the pool grows does not wait for the one that starts: it serves nobody, and may hang', async () => {
    const reloading = new ReloadingPool({ MaxServerExpireTime: Infinity });
    const { pool } = reloading;
    pool.boot();
    // All are busy, so that another one is forked, and this one never says a word.
    for (const worker of pool.workers.all()) worker.report({ clients: 1 });
    pool.clock.settle();
    expect(reloading.of(1)).toHaveLength(4);
    const [, , , silent] = reloading.of(1);
    pool.cooperate();

    const outcome = reloading.reload();
    await reloading.pass(10_000, () => {
      for (const worker of reloading.of(1).slice(0, 3)) worker.heartbeat();
      if ((silent?.kills ?? 0) > 0) silent?.exit({ signal: 'SIGKILL' });
    });

    expect(outcome.result).toMatchObject({ release: 2 });
    expect(silent?.kills).toBe(1);
    expect(pool.events.map(({ name }) => name)).not.toContain('worker:error');
  });

  it.each([
    ['its first worker', (worker: FakeWorker, first?: FakeWorker) => worker === first],
    ['a later one', (worker: FakeWorker, first?: FakeWorker) => worker !== first],
  ])('is refused in time if %s hangs while it starts, where starts have no limit: the pool is as before', async (_which, hangs) => {
    const reloading = new ReloadingPool({ MaxServerExpireTime: Infinity });
    const { pool } = reloading;
    pool.boot();
    const outcome = reloading.reload();

    const first = (): FakeWorker | undefined => pool.workers.all().find(({ options }) => options.release.script === pinned(2).script);
    await reloading.pass(70_000, () => {
      for (const worker of pool.workers.living()) {
        const isNew = worker.options.release.script === pinned(2).script;
        if (worker.kills > 0) worker.exit({ signal: 'SIGKILL' });
        else if (worker.of('drain').length > 0) worker.exit();
        else if (worker.welcome !== undefined) worker.heartbeat();
        else if (!isNew || !hangs(worker, first())) worker.boot();
      }
    });

    expect(outcome.error).toMatchObject({ code: 'ERR_PREFORK_RELOAD', reason: 'hung' });
    expect(outcome.error?.message).toMatch(/ready (after|within) 60 s/);
    expect([reloading.of(1).length, reloading.of(2)]).toEqual([3, []]);
    expect(pool.supervisor.release.number).toBe(1);
  });

  it('ends a row of failed starts: the workers of the new release need not wait', async () => {
    const reloading = new ReloadingPool();
    const { pool } = reloading;
    pool.boot();
    const fail = (): void => { for (const worker of reloading.of(1)) if (worker.welcome === undefined) worker.exit({ code: 1 }); };
    pool.workers.get(1).exit({ code: 1 });
    await reloading.pass(20_000, () => {
      fail();
      for (const worker of reloading.of(1)) worker.heartbeat();
    });
    expect(reloading.of(1)).toHaveLength(2);
    pool.cooperate();

    const outcome = reloading.reload();
    await reloading.pass(4000, () => {
      fail();
      for (const worker of reloading.of(1)) if (worker.of('drain').length > 0) worker.exit();
    });

    expect(outcome.result).toMatchObject({ release: 2 });
    expect(reloading.of(2)).toHaveLength(3);
  });

  it('whose worker is ended by SIGHUP before it is ready tries another, if one more was asked for meanwhile, as by SIGHUP to all processes', async () => {
    const reloading = new ReloadingPool();
    const { pool } = reloading;
    pool.boot();
    const outcome = reloading.reload();
    await reloading.pass(STEP_MS);
    const [first] = reloading.of(2);

    const next = reloading.reload();
    first?.exit({ code: null, signal: 'SIGHUP' });
    await reloading.pass(STEP_MS);
    expect(reloading.of(2)).toHaveLength(1);
    const beat = (): void => {
      for (const worker of pool.workers.living()) {
        if (worker.welcome === undefined) worker.boot();
        else if (worker.of('drain').length > 0) worker.exit();
        else worker.heartbeat();
      }
    };
    await reloading.pass(20_000, beat);

    expect([outcome.result, next.result]).toMatchObject([{ release: 2, replaced: 3 }, { release: 3, replaced: 3 }]);
    expect(pool.of('reload:failed')).toEqual([]);
  });

  it.each(['term', 'kill'] as const)('whose worker somebody ends by %s() is refused as that, not as one that was silent', async (call) => {
    const reloading = new ReloadingPool();
    const { pool } = reloading;
    pool.cooperate();
    await reloading.pass(1000);

    const outcome = reloading.reload();
    await reloading.pass(1000);
    const [trial] = reloading.of(2);
    pool.supervisor[call](trial?.pid ?? 0);
    await reloading.pass(500, () => { if ((trial?.kills ?? 0) > 0) trial?.exit({ signal: 'SIGKILL' }); });

    expect(outcome.error).toMatchObject({
      reason: 'crashed', pid: trial?.pid,
      message: expect.stringMatching(/ended after it was ready \((SIGKILL|exit code 0)\): it was asked to end \(term\(\), kill\(\), SIGTERM/) as string,
    });
    expect(reloading.of(1)).toHaveLength(3);
  });

  it('whose worker ends itself with SIGHUP is refused, even if one more was asked for: it is tried once for each', async () => {
    const reloading = new ReloadingPool();
    const { pool } = reloading;
    pool.boot();
    const outcomes = [reloading.reload(), reloading.reload()];
    await reloading.pass(5000, () => {
      for (const release of [2, 3]) for (const worker of reloading.of(release)) worker.exit({ code: null, signal: 'SIGHUP' });
    });

    expect(outcomes.map(({ error }) => error?.reason)).toEqual(['boot', 'boot']);
    expect(pool.of('reload:canary')).toHaveLength(3);
  });

  it('is given up when the pool is shut down, and its worker ends with the others', async () => {
    const reloading = new ReloadingPool();
    const { pool } = reloading;
    pool.cooperate();
    await reloading.pass(1000);
    const outcome = reloading.reload();
    const next = reloading.reload();
    await reloading.pass(500);

    const stopped = pool.supervisor.stop(20_000);
    await reloading.pass(2000);
    await stopped;

    expect([outcome.error, next.error]).toMatchObject([{ code: 'ERR_PREFORK_STATE' }, { code: 'ERR_PREFORK_STATE' }]);
    expect(pool.workers.living()).toEqual([]);
    expect(pool.of('reload:failed')).toEqual([]);
    expect(reloading.reload()).toEqual({});
  });

  it('whose workers cannot start goes back; if those of the previous release cannot start either, those that live serve on', async () => {
    const reloading = new ReloadingPool();
    const { pool } = reloading;
    pool.cooperate();
    await reloading.pass(1000);
    const outcome = reloading.reload();
    await reloading.pass(500);
    expect(reloading.of(2)).toHaveLength(1);
    reloading.fewest = Infinity;

    pool.workers.refuseFromNowOn();
    await reloading.pass(60_000);

    expect(outcome.error).toMatchObject({ code: 'ERR_PREFORK_RELOAD', reason: 'boot', release: 2 });
    expect(outcome.error).not.toHaveProperty('cause');
    expect(pool.supervisor.release.number).toBe(1);
    expect(reloading.fewest).toBe(3);
    expect(pool.broken).toEqual([]);
    expect(ready(pool)).toBeGreaterThanOrEqual(3);
  });
});

describe('the options of a new release', () => {
  /** A pool whose first release gave MaxServer 6, and whose second gives something else. */
  async function tried(second: Readonly<Record<string, string>>): Promise<{ reloading: ReloadingPool; outcome: ReturnType<ReloadingPool['reload']>; beat: () => void }> {
    const reloading = new ReloadingPool();
    const { pool } = reloading;
    pool.supervisor.start();
    pool.clock.settle();
    const boot = (): void => {
      for (const worker of pool.workers.living()) {
        if (worker.welcome !== undefined) worker.heartbeat();
        else {
          worker.hello();
          worker.say({ type: 'ready', options: worker.options.release.script === pinned(1).script ? { MaxServer: '6' } : { MaxServer: '6', ...second } });
        }
        if (worker.of('drain').length > 0) worker.exit();
      }
    };
    boot();
    const outcome = reloading.reload();
    await reloading.pass(500, boot);
    return { reloading, outcome, beat: boot };
  }

  it('are adopted, except for those that configure() changes before it is promoted', async () => {
    const { reloading, outcome, beat } = await tried({ MaxServer: '5', MaxSpareServer: '2', Backlog: '7' });

    reloading.configure({ MaxServer: 9 });
    await reloading.pass(5000, beat);

    expect(outcome.result).toMatchObject({ adopted: ['MaxSpareServer'], needsUpgrade: ['Backlog'] });
    expect(reloading.options).toMatchObject({ MaxServer: 9, MaxSpareServer: 2 });
  });

  it('are compared with those of this process if no worker of the first one was ever ready', async () => {
    const reloading = new ReloadingPool();
    const { pool } = reloading;
    pool.supervisor.start();
    pool.clock.settle();
    const after = { ...reloading.given, MaxSpareServer: '2', Backlog: '7' };

    const outcome = reloading.reload();
    await reloading.pass(5000, () => {
      for (const worker of pool.workers.living()) {
        if (worker.kills > 0) worker.exit({ signal: 'SIGKILL' });
        else if (worker.welcome !== undefined) worker.heartbeat();
        else if (worker.options.release.script === pinned(2).script) {
          worker.hello();
          worker.say({ type: 'ready', options: after });
        }
      }
    });

    expect(outcome.result).toMatchObject({ release: 2, adopted: ['MaxSpareServer'], needsUpgrade: ['Backlog'] });
  });

  it('are refused, with its worker, if configure() makes them impossible meanwhile', async () => {
    const { reloading, outcome, beat } = await tried({ MinSpareServer: '4' });

    reloading.configure({ MaxSpareServer: 2 });
    await reloading.pass(5000, beat);

    expect(outcome.error).toMatchObject({ reason: 'options', release: 2 });
    expect(reloading.of(2).map(({ kills }) => kills)).toEqual([1]);
    expect(reloading.options).toMatchObject({ MinSpareServer: 1, MaxSpareServer: 2 });
  });

  it('are taken back when the pool goes back, except for those that configure() has changed since', async () => {
    const { reloading, outcome, beat } = await tried({ MaxServer: '5', GraceExpireTime: '7' });
    const fail = (): void => { for (const worker of reloading.of(2)) if (worker.welcome === undefined) worker.exit({ code: 1 }); };
    await reloading.pass(1750, () => {
      fail();
      beat();
    });
    expect(reloading.options).toMatchObject({ MaxServer: 5, GraceExpireTime: 7 });

    reloading.configure({ GraceExpireTime: 8 });
    await reloading.pass(10_000, () => {
      fail();
      beat();
    });

    expect(outcome.error).toMatchObject({ reason: 'boot' });
    expect(reloading.options).toMatchObject({ MaxServer: 6, GraceExpireTime: 8 });
  });
});
