import { describe, expect, it } from 'vitest';
import { PROTOCOL_VERSION } from '../../src/ipc/protocol.js';
import { MOST_FAILURES } from '../../src/policy/starts.js';
import { resolveThresholds } from '../../src/options/thresholds.js';
import { turn } from '../support/manual-clock.js';
import type { Exit } from '../../src/master/worker-process.js';
import { HANDLE, Pool, RELEASE, WELCOME } from './supervisor-fixture.js';

const OPTIONS = { MaxServer: 6, StartServer: 3, MinServer: 2, MinSpareServer: 1, MaxSpareServer: 4, MasterHeartBeatTime: 10, MaxServerExpireTime: 50, GraceExpireTime: 20 };
const HEARTBEAT_MS = 10_000;
const EXPIRE_MS = 50_000;
const GRACE_MS = 20_000;
const SECOND_MS = 1000;

describe('a supervisor that starts', () => {
  it('forks StartServer workers at once', () => {
    const { supervisor, workers, of } = spread(new Pool(OPTIONS));

    supervisor.start();

    expect(workers.all()).toHaveLength(3);
    expect(of('worker:born')).toEqual([{ pid: 4001, id: 1 }, { pid: 4002, id: 2 }, { pid: 4003, id: 3 }]);
  });

  it('starts a worker with the mark, and without a detour for its stderr', () => {
    const { workers } = new Pool(OPTIONS).boot();

    expect(workers.get(1).options).toEqual({ env: { MARK: 'alias' }, captureStderr: false, release: RELEASE });
  });

  it('welcomes a worker that says hello with everything it has to know', () => {
    const { workers, thresholds } = new Pool(OPTIONS).boot();

    expect(workers.get(1).welcome).toEqual({
      type: 'welcome', ...WELCOME, config: thresholds.worker, paused: false, share: null, address: { address: '127.0.0.1', family: 'IPv4', port: 4711 },
    });
  });

  it('says how long a worker took until it was ready', () => {
    const { supervisor, workers, clock, of } = spread(new Pool(OPTIONS));
    supervisor.start();
    workers.get(1).hello();
    clock.advance(700);

    workers.get(1).say({ type: 'ready', options: {} });

    expect(of('worker:ready')).toEqual([{ pid: 4001, id: 1, after: 0.7 }]);
  });

  it('sends no order about accepting before a worker is ready, and copies with the handle and a permit then', () => {
    const { supervisor, workers, clock } = new Pool(OPTIONS);
    supervisor.start();
    workers.get(1).hello();
    clock.settle();
    const before = workers.get(1).orders.map(({ type }) => type);

    workers.get(1).say({ type: 'ready', options: {} });
    clock.settle();

    expect(before).toEqual(['welcome']);
    expect(workers.get(1).of('copy').length).toBeGreaterThan(0);
    expect(workers.get(1).handles.every((handle) => handle === HANDLE)).toBe(true);
    expect(workers.get(1).of('permit')).toHaveLength(1);
  });

  it('says once that the pool accepts, when a worker reports it', () => {
    const pool = new Pool(OPTIONS).boot();
    const whenReady = pool.accepting;

    pool.workers.get(1).obey();
    pool.workers.get(2).obey();

    expect([whenReady, pool.accepting]).toEqual([0, 1]);
  });

  it('counts a pool as accepting that is paused from the beginning', () => {
    const pool = new Pool(OPTIONS);
    pool.supervisor.pause(true);
    pool.boot();

    pool.workers.get(1).obey({ accepting: false, paused: ['paused'], copiesUsed: 1 });

    expect(pool.workers.get(1).welcome?.paused).toBe(true);
    expect(pool.accepting).toBe(1);
  });

  it('begins with StartServer workers, no more at once than its start limit until they have loaded their program', () => {
    const { maxStarting } = new Pool(OPTIONS).thresholds.pool;
    const most = 3 * maxStarting;
    const pool = new Pool({ ...OPTIONS, StartServer: most, MinServer: 0, MinSpareServer: 0, MaxServer: most, MaxSpareServer: most });
    const starts = (): number => pool.workers.all().length;
    pool.supervisor.start();
    pool.clock.settle();
    const atFirst = starts();

    // What they do in ServerStarted holds up no other.
    pool.workers.get(1).hello();
    pool.clock.settle();
    const thenOneMore = starts();
    for (let id = 2; id <= most; id++) pool.workers.get(id).hello();
    pool.clock.settle();

    expect([atFirst, thenOneMore, starts()]).toEqual([maxStarting, maxStarting + 1, most]);
  });

  it('starts no more of the first workers once one has failed', () => {
    const { maxStarting } = new Pool(OPTIONS).thresholds.pool;
    const most = 3 * maxStarting;
    const pool = new Pool({ ...OPTIONS, StartServer: most, MinServer: 0, MinSpareServer: 0, MaxServer: most, MaxSpareServer: most });
    pool.supervisor.start();

    pool.workers.get(1).exit({ code: 1 });
    pool.workers.get(2).hello();
    pool.clock.settle();

    expect(pool.workers.all()).toHaveLength(maxStarting);
  });

  it('never has more starting than its start limit', () => {
    const pool = new Pool({ ...OPTIONS, StartServer: 0, MinServer: 0, MinSpareServer: 30, MaxServer: 60, MaxSpareServer: 60 });
    const { maxStarting } = pool.thresholds.pool;
    pool.supervisor.start();
    pool.clock.settle();
    const atFirst = pool.workers.all().length;

    pool.workers.get(1).boot();
    pool.clock.settle();

    expect([atFirst, pool.workers.all().length]).toEqual([maxStarting, maxStarting + 1]);
  });
});

describe('a supervisor that keeps its pool', () => {
  it('replaces a dead worker at once', () => {
    const { workers, clock, of } = spread(new Pool({ ...OPTIONS, StartServer: 2 }).boot());
    workers.get(1).report({ served: 1 });

    workers.get(1).exit({ code: 1 });
    clock.settle();

    expect(of('worker:exit')).toMatchObject([{ pid: 4001, id: 1, code: 1, signal: null, reason: 'crashed' }]);
    expect(workers.all()).toHaveLength(3);
  });

  it('says what a dead worker had done, and does not forget it', () => {
    const { supervisor, workers, of } = spread(new Pool(OPTIONS).boot());
    workers.get(1).report({ clients: 2, served: 9 });

    workers.get(1).exit({ signal: 'SIGSEGV' });

    expect(of('worker:exit')).toMatchObject([{ code: null, signal: 'SIGSEGV', connections: 2, served: 9 }]);
    expect(supervisor.tally).toMatchObject({ servedByGone: 9, exits: { crashed: 1 } });
  });

  it('forks more when no spare worker is left, up to MaxServer', () => {
    const pool = new Pool(OPTIONS).boot();

    for (let round = 0; round < 10; round++) {
      for (const worker of pool.workers.all()) {
        if (worker.welcome === undefined) worker.boot();
        worker.report({ clients: 1 });
      }
      pool.clock.settle();
    }

    expect(pool.workers.all()).toHaveLength(OPTIONS.MaxServer);
  });

  it.each([
    ['forks as many workers as clients wait in the kernel, one each, besides MinSpareServer', false, 4],
    ['forks no more than MinSpareServer while it is paused, however many wait', true, 3],
  ])('%s', (_title, paused, expected) => {
    const pool = new Pool({ MaxServer: 10, StartServer: 2, MinSpareServer: 1, MaxSessionPerServer: 1 }).boot();
    pool.supervisor.pause(paused);
    pool.queued = 1;

    for (const worker of pool.workers.all()) worker.report({ clients: 1 });
    pool.clock.settle();

    expect(pool.workers.all()).toHaveLength(expected);
  });

  it('retires a surplus of idle workers one by one, after a heartbeat of it', () => {
    const pool = new Pool({ ...OPTIONS, StartServer: 6 }).boot();

    pool.live(HEARTBEAT_MS - SECOND_MS);
    const early = pool.of('worker:drain').length;
    pool.live(2 * SECOND_MS);
    const first = pool.of('worker:drain').length;
    pool.live(HEARTBEAT_MS);

    expect([early, first]).toEqual([0, 1]);
    expect(pool.of('worker:drain')).toMatchObject([{ id: 1, reason: 'surplus', connections: 0 }, { id: 2, reason: 'surplus' }]);
    expect(pool.workers.get(1).of('drain')).toEqual([{ type: 'drain', reason: 'surplus', graceMs: GRACE_MS, lastCallMs: 0 }]);
  });

  it('says once that workers need more than MaxServerMemory before they have had a client: they would be replaced without end', () => {
    const pool = new Pool({ ...OPTIONS, MaxServerMemory: 40e6 }).cooperate();
    pool.live(4 * HEARTBEAT_MS);

    expect(pool.of('worker:drain').filter(({ reason }) => reason === 'memory').length).toBeGreaterThan(1);
    expect(pool.of('worker:error').map(({ where, error }) => `${where}: ${error.message}`)).toEqual([expect.stringMatching(/^memory: Worker 400\d has 50 MB and is replaced for MaxServerMemory, /)]);
  });

  it('replaces an old worker after its successor is ready, and not before', () => {
    const pool = new Pool({ ...OPTIONS, StartServer: 1, MinServer: 1, MaxServer: 1, MaxSpareServer: 1, MaxServerLifeTime: 60 }).boot();
    pool.live(59 * SECOND_MS);
    const before = pool.workers.all().length;

    pool.clock.advance(SECOND_MS);
    const drainedEarly = pool.workers.get(1).of('drain').length;
    pool.workers.get(2).boot();
    pool.clock.settle();

    expect([before, drainedEarly]).toEqual([1, 0]);
    expect(pool.workers.get(1).of('drain')).toEqual([{ type: 'drain', reason: 'lifetime', graceMs: GRACE_MS, lastCallMs: 0 }]);
  });

  it('lets workers that were born together live differently long', () => {
    let calls = 0;
    const pool = new Pool({ ...OPTIONS, MaxServerLifeTime: 1000 }, { random: () => (calls++ % 2 === 0 ? 0 : 0.999) }).boot();

    const lives = pool.supervisor.roster.all().map(({ lifeMs }) => lifeMs);

    expect(lives[0]).toBe(1_000_000);
    expect(lives[1]).toBeLessThan(1_000_000);
    expect(lives[1]).toBeGreaterThan(800_000);
  });

  it('answers born() with as many as MaxServer has room for', () => {
    const { supervisor, workers } = new Pool(OPTIONS).boot();

    const counts = [supervisor.born(2), supervisor.born(5), supervisor.born(1)];

    expect(counts).toEqual([2, 1, 0]);
    expect(workers.all()).toHaveLength(OPTIONS.MaxServer);
  });

  it('is not stopped by a process that cannot be started', () => {
    const pool = new Pool(OPTIONS).boot();
    pool.workers.failNext(new Error('spawn EAGAIN'));

    pool.supervisor.born(1);
    pool.clock.settle();

    expect(pool.of('worker:exit')).toMatchObject([{ pid: 0, code: null, signal: null, reason: 'boot-failed', text: 'could not be started: spawn EAGAIN' }]);
    expect(pool.of('worker:born').every(({ pid }) => pid !== 0)).toBe(true);
    expect(pool.broken).toEqual([]);
  });

  it('asks a silent worker for a sign of life once per heartbeat, not again before it answers', () => {
    const pool = new Pool(OPTIONS).boot();

    pool.live(3 * HEARTBEAT_MS, { silent: [1] });
    const asked = pool.workers.get(1).of('heartbeat').length;
    pool.workers.get(1).heartbeat();
    pool.live(2 * HEARTBEAT_MS, { silent: [1] });

    expect([asked, pool.workers.get(1).of('heartbeat').length, pool.workers.get(2).of('heartbeat').length]).toEqual([1, 2, 0]);
  });
});

describe('a worker that falls silent', () => {
  it('is drained after MaxServerExpireTime, replaced, and killed at the deadline fixed then', () => {
    const pool = new Pool({ ...OPTIONS, StartServer: 2 }).boot();

    pool.live(EXPIRE_MS, { silent: [1] });
    const drained = pool.of('worker:drain');
    const forked = pool.workers.all().length;
    pool.live(GRACE_MS, { silent: [1] });
    const killsBefore = pool.workers.get(1).kills;
    pool.live(SECOND_MS, { silent: [1] });
    pool.workers.get(1).exit({ signal: 'SIGKILL' });

    expect(drained).toMatchObject([{ id: 1, reason: 'expired' }]);
    expect(forked).toBe(3);
    expect([killsBefore, pool.workers.get(1).kills]).toEqual([0, 1]);
    expect(pool.of('worker:exit')).toMatchObject([{ reason: 'killed:grace' }]);
  });

  it('keeps its deadline when it is heard of again, when it is asked to drain again, and when configure() gives more', () => {
    const pool = new Pool({ ...OPTIONS, StartServer: 2 }).boot();
    pool.live(EXPIRE_MS, { silent: [1] });

    pool.workers.get(1).heartbeat();
    pool.workers.get(1).draining('asked');
    const again = pool.supervisor.term(4001);
    pool.supervisor.configure(resolveThresholds({ ...OPTIONS, GraceExpireTime: 45 }));
    pool.live(GRACE_MS + SECOND_MS);

    expect(again).toBe(false);
    expect(pool.workers.get(1).of('drain')).toHaveLength(1);
    expect(pool.of('worker:drain')).toHaveLength(1);
    expect(pool.workers.get(1).kills).toBe(1);
  });

  it('is not killed twice, nor after its exit was seen', () => {
    const pool = new Pool(OPTIONS).boot();
    pool.live(EXPIRE_MS + GRACE_MS + SECOND_MS, { silent: [1] });
    pool.live(HEARTBEAT_MS, { silent: [1] });
    const kills = pool.workers.get(1).kills;

    pool.workers.get(1).exit({ signal: 'SIGKILL' });
    pool.live(EXPIRE_MS);

    expect([kills, pool.workers.get(1).kills]).toEqual([1, 1]);
  });

  it('is not judged after the master was asleep, and is in time if it speaks then', () => {
    const pool = new Pool(OPTIONS).boot();

    pool.clock.sleep(10 * EXPIRE_MS);
    pool.clock.settle();
    const judged = pool.of('worker:drain').length;
    for (const worker of pool.workers.all()) worker.heartbeat();
    pool.live(HEARTBEAT_MS);

    expect(judged).toBe(0);
    expect(pool.of('worker:drain')).toEqual([]);
  });

  it('and drains is not killed for time in which the master was asleep, but for that before and after', () => {
    const pool = new Pool(OPTIONS).boot();
    pool.supervisor.term(4001);
    pool.live(GRACE_MS / 2);

    pool.clock.sleep(10 * GRACE_MS);
    pool.clock.settle();
    pool.live(GRACE_MS / 2 - SECOND_MS);
    const early = pool.workers.get(1).kills;
    pool.live(3 * SECOND_MS);

    expect([early, pool.workers.get(1).kills]).toEqual([0, 1]);
  });

  it('is not judged by the wall clock', () => {
    const pool = new Pool(OPTIONS).boot();

    pool.clock.setWall(Date.UTC(2040, 0, 1));
    pool.live(HEARTBEAT_MS);

    expect(pool.of('worker:drain')).toEqual([]);
  });

  it('is killed if it hangs before it is ready', () => {
    const pool = new Pool({ ...OPTIONS, StartServer: 2 }).boot();
    pool.supervisor.born(1);
    pool.live(pool.thresholds.pool.bootMs - SECOND_MS, { silent: [3] });
    const early = pool.workers.get(3).kills;

    pool.live(2 * SECOND_MS, { silent: [3] });
    pool.workers.get(3).exit({ signal: 'SIGKILL' });

    expect([early, pool.workers.get(3).kills]).toEqual([0, 1]);
    expect(pool.of('worker:exit')).toMatchObject([{ reason: 'killed:boot', text: 'SIGKILL: killed, not ready within the start limit' }]);
  });
});

describe('a worker that does not start', () => {
  /** Lets every try end, and waits for the next, `times` times. */
  function fail(pool: Pool, times: number): number[] {
    const waits: number[] = [];
    for (let time = 0; time < times; time++) {
      // It takes a while to fail.
      pool.clock.advance(50);
      const since = pool.clock.now();
      for (const worker of pool.workers.living()) worker.exit({ code: 1, stderr: "Error: Cannot find module 'x'\n" });
      pool.clock.settle();
      while (pool.workers.living().length === 0 && pool.clock.now() - since < 60 * SECOND_MS) pool.clock.advance(10);
      waits.push(pool.clock.now() - since);
    }
    return waits;
  }

  it('is tried again one at a time, after pauses that double', () => {
    const pool = new Pool({ ...OPTIONS, StartServer: 2 }).boot();
    for (const worker of pool.workers.all()) {
      worker.report({ served: 1 });
      worker.exit({ code: 0 });
    }
    pool.clock.settle();

    const [first = 0, second = 0, third = 0] = fail(pool, 3);

    expect(second).toBe(2 * first);
    expect(third).toBe(2 * second);
    expect(pool.workers.living()).toHaveLength(1);
  });

  it('breaks a pool that never worked, with the last lines of stderr', () => {
    const pool = new Pool(OPTIONS);
    pool.supervisor.start();

    fail(pool, MOST_FAILURES - 1);
    const before = pool.broken.length;
    pool.clock.advance(50);
    for (const worker of pool.workers.living()) worker.exit({ code: 1, stderr: "Error: Cannot find module 'x'\n" });

    expect(before).toBe(0);
    expect(pool.broken).toHaveLength(1);
    expect(pool.broken[0]).toMatchObject({ code: 'ERR_PREFORK_WORKER_BOOT' });
    expect((pool.broken[0] as Error).message).toMatch(/exit code 1.*3 time.*gives up.*last lines on stderr:\nError: Cannot find module 'x'$/s);
  });

  it('are given up at once when the first runs a program that makes no server: the next would take as long', () => {
    const pool = new Pool(OPTIONS);
    pool.supervisor.start();
    pool.workers.get(1).absent();
    expect(pool.workers.get(1).kills).toBe(1);

    pool.workers.get(1).exit({ signal: 'SIGKILL', advice: ' Give Script.' });

    expect(pool.broken).toMatchObject([{ code: 'ERR_PREFORK_WORKER_BOOT', message: expect.stringMatching(/gives up\. Give Script\.$/) as string }]);
  });

  it('has its stderr captured from the second try on', () => {
    const pool = new Pool(OPTIONS);
    pool.supervisor.start();

    fail(pool, 1);

    expect(pool.workers.all().map(({ options }) => options.captureStderr)).toEqual([false, false, false, true]);
  });

  it('is tried without end once the pool has worked, and every try is reported', () => {
    const pool = new Pool({ ...OPTIONS, StartServer: 2 }).boot();
    for (const worker of pool.workers.all()) {
      worker.report({ served: 1 });
      worker.exit({ code: 0 });
    }
    pool.clock.settle();

    fail(pool, 2 * MOST_FAILURES);

    expect(pool.broken).toEqual([]);
    const errors = pool.of('worker:error');
    expect(errors.length).toBeGreaterThanOrEqual(2 * MOST_FAILURES);
    expect(errors.at(-1)).toMatchObject({ where: 'start', error: { code: 'ERR_PREFORK_WORKER_BOOT' } });
    expect(errors.at(-1)?.error.message).toMatch(/The next try is in \d+\.\d s\./);
  });

  it('says of the last of several that fail one after the other that the next try is due', () => {
    const pool = new Pool({ ...OPTIONS, StartServer: 2 });
    pool.supervisor.start();
    const [first, second] = pool.workers.all();
    pool.clock.advance(50);

    first?.exit({ code: 1 });
    pool.clock.advance(SECOND_MS);
    second?.exit({ code: 1 });

    expect(pool.of('worker:error').at(-1)?.error.message).toContain('1 time(s) in a row. The next try is in 0.0 s.');
  });

  it('is forgotten when one started since has served a client', () => {
    const pool = new Pool({ ...OPTIONS, StartServer: 2 }).boot();
    for (const worker of pool.workers.all()) {
      worker.report({ served: 1 });
      worker.exit({ code: 0 });
    }
    pool.clock.settle();
    const [first] = fail(pool, 3);
    for (const worker of pool.workers.living()) worker.boot();
    pool.clock.advance(10 * SECOND_MS);
    for (const worker of pool.workers.living()) if (worker.welcome !== undefined) worker.heartbeat({ served: 1 });
    pool.clock.settle();
    for (const worker of pool.workers.living()) if (worker.welcome !== undefined) worker.exit({ code: 0 });
    pool.clock.settle();

    const [again] = fail(pool, 1);

    expect(again).toBe(first);
  });

  it('is not forgotten because an older worker lives and reports', () => {
    const pool = new Pool({ ...OPTIONS, StartServer: 3, MinServer: 3 }).boot();
    const [old, ...others] = pool.workers.all();
    for (const worker of others) worker.exit({ code: 1 });
    pool.clock.settle();
    const pauses: number[] = [];

    for (let round = 0; round < 4; round++) {
      old?.heartbeat({ served: round });
      pauses.push(...fail(pool, 1));
    }

    expect(pauses.every((pause, index) => index === 0 || pause === 2 * (pauses[index - 1] ?? 0)), pauses.join(' ')).toBe(true);
  });

  it('waits longer each time however its lives end, as long as no client is served', () => {
    const pool = new Pool({ ...OPTIONS, StartServer: 1, MinServer: 1, MinSpareServer: 1 }).boot();
    const ends: Partial<Exit>[] = [{ code: 0 }, { signal: 'SIGKILL' }, { signal: 'SIGSEGV' }, { code: 1 }, { code: 0 }];
    const pauses: number[] = [];

    for (const how of ends) {
      const worker = pool.workers.living()[0];
      if (worker?.welcome === undefined) worker?.boot();
      const count = pool.workers.all().length;
      const endedAt = pool.clock.now();
      worker?.exit(how);
      while (pool.workers.all().length === count && pool.clock.now() - endedAt < 60 * SECOND_MS) pool.clock.advance(10);
      pauses.push(pool.clock.now() - endedAt);
    }

    expect(pauses.every((pause, index) => index === 0 || pause > 1.5 * (pauses[index - 1] ?? 0)), pauses.join(' ')).toBe(true);
    expect(pool.of('worker:error')).toHaveLength(ends.length);
  });

  it.each<[string, (pool: Pool) => void, number]>([
    ['waits after the drain of one that got SIGTERM before it had a client', (pool) => { pool.workers.get(1).say({ type: 'signalled' }); }, 1],
    ['does not wait after that of one that term() was called for', (pool) => { pool.supervisor.term(4001); }, 0],
  ])('%s', (_title, end, failures) => {
    const pool = new Pool({ ...OPTIONS, StartServer: 1, MinServer: 1 }).boot();

    end(pool);
    pool.clock.advance(100);
    pool.workers.get(1).exit({ code: 0 });

    expect(pool.of('worker:drain')).toMatchObject([{ pid: 4001, reason: 'asked' }]);
    expect(pool.of('worker:error')).toHaveLength(failures);
  });

  it('counts one failure for workers that were forked together', () => {
    const pool = new Pool({ ...OPTIONS, StartServer: 6 });
    pool.supervisor.start();
    pool.clock.advance(50);

    for (const worker of pool.workers.all()) worker.exit({ code: 1 });

    expect(pool.workers.all().length).toBeGreaterThan(MOST_FAILURES);
    expect(pool.broken).toEqual([]);
  });

  it.each<[string, { served: number; afterMs: number; how: object }, boolean]>([
    ['is one that crashes as soon as it is ready, too', { served: 0, afterMs: 10, how: { code: 1 } }, true],
    ['is not one that has served a client', { served: 1, afterMs: 10, how: { code: 1 } }, false],
    ['is not one that was ready for a while', { served: 0, afterMs: 60 * SECOND_MS, how: { code: 1 } }, false],
    ['is one that ends by itself without a fault and without a client', { served: 0, afterMs: 10, how: { code: 0 } }, true],
    ['is one that was killed before it had a client', { served: 0, afterMs: 10, how: { signal: 'SIGKILL' } }, true],
  ])('%s', (_title, { served, afterMs, how }, waits) => {
    const pool = new Pool({ ...OPTIONS, StartServer: 2 }).boot();
    pool.live(afterMs);
    pool.workers.get(1).report({ served });

    pool.workers.get(1).exit(how);
    pool.clock.settle();
    const atOnce = pool.workers.all().length;
    pool.clock.advance(SECOND_MS);

    expect([atOnce, pool.workers.all().length]).toEqual([waits ? 2 : 3, 3]);
  });

  it('reports what ServerStarted threw', () => {
    const pool = new Pool(OPTIONS);
    pool.supervisor.start();
    pool.workers.get(1).hello();

    pool.workers.get(1).say({ type: 'boot-failed', error: { name: 'TypeError', message: 'no database', code: 'E_DB', stack: 'at home', where: 'ServerStarted' } });

    const [told] = pool.of('worker:error');
    expect(told).toMatchObject({ pid: 4001, id: 1, where: 'ServerStarted', error: { name: 'TypeError', message: 'no database', code: 'E_DB', stack: 'at home' } });
    expect(told?.error).toBeInstanceOf(Error);
  });

  it('breaks the pool if it cannot listen and none ever could', () => {
    const pool = new Pool(OPTIONS).boot();

    pool.workers.get(1).say({ type: 'listen-failed', code: 'EADDRINUSE', message: 'listen EADDRINUSE' });

    expect(pool.broken).toMatchObject([{ listenCode: 'EADDRINUSE' }]);
    expect(pool.of('worker:error')).toMatchObject([{ where: 'listen', error: { code: 'EADDRINUSE' } }]);
  });

  it('does not break a pool that has accepted', () => {
    const pool = new Pool(OPTIONS).boot();
    pool.workers.get(2).obey();

    pool.workers.get(1).say({ type: 'listen-failed', code: 'EINVAL', message: 'listen EINVAL' });

    expect(pool.broken).toEqual([]);
    expect(pool.of('worker:error')).toHaveLength(1);
  });
});

describe('a worker that speaks out of turn', () => {
  it('is refused and killed if it speaks another version of the protocol', () => {
    const pool = new Pool(OPTIONS);
    pool.supervisor.start();

    pool.workers.get(1).hello(PROTOCOL_VERSION + 1);

    expect(pool.workers.get(1).welcome).toBeUndefined();
    expect(pool.workers.get(1).kills).toBe(1);
    expect(pool.of('worker:error')).toMatchObject([{ id: 1, where: 'start', error: { code: 'ERR_PREFORK_STATE' } }]);
  });

  it('is reported when it sends what is not in the protocol', () => {
    const pool = new Pool(OPTIONS).boot();

    pool.workers.get(1).garbled();

    expect(pool.of('worker:error')).toMatchObject([{ pid: 4001, id: 1, where: 'protocol', error: { code: 'ERR_PREFORK_STATE' } }]);
    expect(pool.workers.get(1).kills).toBe(0);
  });

  it('is not believed to be ready again once it drains', () => {
    const pool = new Pool(OPTIONS).boot();
    pool.supervisor.term(4001);

    pool.workers.get(1).say({ type: 'ready', options: {} });

    expect(pool.phases[0]).toBe('draining');
    expect(pool.of('worker:ready')).toHaveLength(3);
  });

  it('is not heard after its exit', () => {
    const pool = new Pool(OPTIONS).boot();
    pool.workers.get(1).exit();
    const before = pool.events.length;

    pool.workers.get(1).heartbeat();
    pool.workers.get(1).garbled();
    pool.workers.get(1).message('late');

    expect(pool.events).toHaveLength(before);
  });

  it('may send messages of its own and ask for the end of the pool', () => {
    const pool = new Pool(OPTIONS).boot();

    pool.workers.get(1).say({ type: 'message', text: '{"hello":"master"}', ask: null });
    pool.workers.get(1).message('by other means');
    pool.workers.get(1).say({ type: 'shutdown-all' });

    expect(pool.of('worker:message')).toMatchObject([{ pid: 4001, id: 1, message: { hello: 'master' } }, { message: 'by other means' }]);
    expect(pool.shutdownsAsked).toBe(1);
  });
});

describe('messages of the user', () => {
  it('go to every worker in one order, whoever sends them, draining ones too', () => {
    const pool = new Pool(OPTIONS).boot();
    pool.supervisor.term(4001);

    pool.workers.get(3).say({ type: 'broadcast', text: '"from a worker"' });
    const count = pool.supervisor.messages.broadcast('from the master');

    expect(count).toBe(pool.workers.living().length);
    for (const id of [1, 2, 3]) expect(pool.workers.get(id).of('message').map(({ text }) => text)).toEqual(['"from a worker"', '"from the master"']);
  });

  it('that ask are answered once, by whoever answers first', () => {
    const pool = new Pool(OPTIONS).boot();

    pool.workers.get(1).say({ type: 'message', text: '"how many?"', ask: 7 });
    const [event] = pool.of('worker:message');
    const answers = [event?.answer({ clients: 3 }), event?.answer('late')];

    expect(answers).toEqual([true, false]);
    expect(pool.workers.get(1).of('answer')).toEqual([{ type: 'answer', ask: 7, text: '{"clients":3}', refused: null }]);
  });

  it('that ask are refused if no one listens', () => {
    const pool = new Pool(OPTIONS).boot();
    pool.isHeard = false;

    pool.workers.get(1).say({ type: 'message', text: '1', ask: 7 });

    expect(pool.workers.get(1).of('answer')).toMatchObject([{ ask: 7, text: null, refused: expect.stringContaining('no listener') as string }]);
  });

  it.each([
    ['undefined', undefined], ['a function', () => undefined], ['a circle', circle()], ['a bigint', 1n], ['a toJSON that gives nothing', { toJSON: () => undefined }],
    ['a toJSON that throws', { toJSON: () => { throw new TypeError('no'); } }],
  ])('that JSON cannot carry are refused at the call: %s', (_title, message) => {
    const { messages } = new Pool(OPTIONS).boot().supervisor;

    expect(() => messages.send(4001, message)).toThrow(expect.objectContaining({ code: 'ERR_PREFORK_MESSAGE' }) as Error);
    expect(() => messages.broadcast(message)).toThrow(expect.objectContaining({ code: 'ERR_PREFORK_MESSAGE' }) as Error);
  });
});

function circle(): object {
  const made: Record<string, unknown> = {};
  made['again'] = made;
  return made;
}

describe('orders of the user', () => {
  it('pauses and resumes every worker that is there, and those that come', () => {
    const pool = new Pool(OPTIONS).boot();

    pool.supervisor.pause(true);
    pool.supervisor.born(1);
    pool.workers.get(4).boot();
    pool.supervisor.pause(false);

    expect(pool.workers.all().map((worker) => [worker.of('pause').length, worker.welcome?.paused, worker.of('resume').length]))
      .toEqual([[1, false, 1], [1, false, 1], [1, false, 1], [0, true, 1]]);
  });

  it('sends a new configuration to every worker, and welcomes later ones with it', () => {
    const pool = new Pool(OPTIONS).boot();
    const changed = resolveThresholds({ ...OPTIONS, MaxSessionPerServer: 3, MinServer: 4, StartServer: 4 });

    pool.supervisor.configure(changed);
    pool.clock.settle();
    pool.workers.get(4).boot();

    expect(pool.workers.get(1).of('configure')).toEqual([{ type: 'configure', config: changed.worker }]);
    expect(pool.workers.get(4).welcome?.config).toEqual(changed.worker);
  });

  it('drains a worker on term(), once, and replaces it', () => {
    const pool = new Pool({ ...OPTIONS, StartServer: 2 }).boot();

    const answers = [pool.supervisor.term(4001), pool.supervisor.term(4001)];
    pool.clock.settle();

    expect(answers).toEqual([true, false]);
    expect(pool.workers.get(1).of('drain')).toEqual([{ type: 'drain', reason: 'asked', graceMs: GRACE_MS, lastCallMs: 0 }]);
    expect(pool.workers.all()).toHaveLength(3);
  });

  it('drains a worker that got SIGTERM, unless the master has got it too by then', () => {
    const pool = new Pool({ ...OPTIONS, StartServer: 2 }).boot();

    pool.workers.get(1).say({ type: 'signalled' });
    pool.clock.advance(100);
    pool.isEnding = true;
    pool.workers.get(2).say({ type: 'signalled' });
    pool.clock.advance(100);

    expect(pool.workers.get(1).of('drain')).toEqual([{ type: 'drain', reason: 'asked', graceMs: GRACE_MS, lastCallMs: 0 }]);
    expect(pool.workers.get(1).of('stay')).toEqual([]);
    expect(pool.workers.get(2).of('drain')).toEqual([]);
    expect(pool.workers.get(2).of('stay')).toHaveLength(1);
  });

  it('has no answer for a worker that has ended since it got SIGTERM', () => {
    const pool = new Pool({ ...OPTIONS, StartServer: 2 }).boot();

    pool.workers.get(1).say({ type: 'signalled' });
    pool.workers.get(1).exit({ code: 1 });
    pool.clock.advance(100);

    expect(pool.workers.get(1).of('drain')).toEqual([]);
  });

  it('gives a worker with an endless grace no deadline', () => {
    const pool = new Pool({ ...OPTIONS, GraceExpireTime: Infinity }).boot();

    pool.supervisor.term(4001);
    pool.live(100 * EXPIRE_MS);

    expect(pool.workers.get(1).of('drain')).toEqual([{ type: 'drain', reason: 'asked', graceMs: null, lastCallMs: 0 }]);
    expect(pool.workers.get(1).kills).toBe(0);
  });

  it('ends a worker at once that is asked to drain before it is ready', () => {
    const pool = new Pool(OPTIONS);
    pool.supervisor.start();

    pool.supervisor.term(4001);
    pool.workers.get(1).exit({ signal: 'SIGKILL' });

    expect(pool.of('worker:exit')).toMatchObject([{ reason: 'asked', text: 'SIGKILL: ended before it was ready, asked to' }]);
    expect(pool.of('worker:error')).toEqual([]);
  });

  it('kills a worker on kill()', () => {
    const pool = new Pool(OPTIONS).boot();

    const answer = pool.supervisor.kill(4002);
    pool.workers.get(2).exit({ signal: 'SIGKILL' });

    expect(answer).toBe(true);
    expect(pool.of('worker:exit')).toMatchObject([{ pid: 4002, reason: 'killed:asked' }]);
  });

  it('answers false for a pid that is no worker, or no worker any more', () => {
    const pool = new Pool(OPTIONS).boot();
    pool.workers.get(1).exit();

    for (const pid of [1, 4001, process.pid]) {
      expect([pool.supervisor.term(pid), pool.supervisor.kill(pid), pool.supervisor.messages.send(pid, 'hello')]).toEqual([false, false, false]);
    }
  });

  it('posts messages of the user, and says whether the channel took them', () => {
    const pool = new Pool(OPTIONS).boot();
    pool.workers.get(2).isConnected = false;

    const answers = [pool.supervisor.messages.send(4001, { reload: true }), pool.supervisor.messages.send(4002, { reload: true })];

    expect(answers).toEqual([true, false]);
    expect(pool.workers.get(1).of('message')).toEqual([{ type: 'message', text: '{"reload":true}' }]);
  });

  it('notes a drain that a worker began itself, with a deadline', () => {
    const pool = new Pool(OPTIONS).boot();
    pool.workers.get(1).report({ clients: 2 });

    pool.workers.get(1).draining('lifetimes');
    pool.live(GRACE_MS + SECOND_MS);

    expect(pool.of('worker:drain')).toEqual([{ pid: 4001, id: 1, reason: 'lifetimes', connections: 2 }]);
    expect(pool.workers.get(1).of('drain')).toEqual([]);
    expect(pool.workers.get(1).kills).toBe(1);
  });

  it('gives a worker that drains by itself the time that it gives to its clients', () => {
    const pool = new Pool(OPTIONS).boot();
    pool.workers.get(1).report({ clients: 2 });
    pool.workers.get(2).report({ clients: 2 });
    const kills = (): number[] => [pool.workers.get(1).kills, pool.workers.get(2).kills];

    pool.workers.get(1).draining('asked', GRACE_MS * 2);
    pool.workers.get(2).draining('asked', null);
    pool.live(GRACE_MS * 2);
    const early = kills();
    pool.live(SECOND_MS);

    expect([early, kills()]).toEqual([[0, 0], [1, 0]]);
  });
});

describe('MaxSession', () => {
  it('is shared out among the workers that are ready, and never given twice', () => {
    const pool = new Pool({ ...OPTIONS, MaxSession: 6 }).boot();
    const welcomed = pool.workers.all().map(({ welcome }) => welcome?.share);

    for (let round = 0; round < 3; round++) {
      for (const worker of pool.workers.all()) worker.obey();
      pool.clock.settle();
    }

    expect(welcomed).toEqual([0, 0, 0]);
    expect(pool.workers.all().map((worker) => worker.of('share').at(-1)?.clients)).toEqual([2, 2, 2]);
  });

  it('gives the share of a dead worker to the others', () => {
    const pool = new Pool({ ...OPTIONS, StartServer: 2, MaxSession: 4 }).boot();
    for (const worker of pool.workers.all()) worker.obey();

    pool.workers.get(1).exit({ code: 1 });
    pool.clock.settle();

    expect(pool.workers.get(2).of('share').at(-1)?.clients).toBe(4);
  });

  it('can be given up', () => {
    const pool = new Pool({ ...OPTIONS, MaxSession: 6 }).boot();
    for (const worker of pool.workers.all()) worker.obey();

    pool.supervisor.configure(resolveThresholds(OPTIONS));
    pool.clock.settle();

    expect(pool.workers.all().map((worker) => worker.of('share').at(-1)?.clients)).toEqual([null, null, null]);
  });
});

describe('stop', () => {
  it('drains every worker and resolves when the last one is gone', async () => {
    const pool = new Pool(OPTIONS).boot();
    let isDone = false;

    const stopped = pool.supervisor.stop(5000).then(() => { isDone = true; });
    for (const id of [1, 2]) pool.workers.get(id).exit();
    await turn();
    const early = isDone;
    pool.workers.get(3).exit();
    await stopped;

    expect(early).toBe(false);
    expect(pool.workers.all().flatMap((worker) => worker.of('drain'))).toEqual(Array.from({ length: 3 }, () => ({ type: 'drain', reason: 'shutdown', graceMs: 5000, lastCallMs: 1000 })));
    expect(pool.of('worker:exit').map(({ reason }) => reason)).toEqual(['shutdown', 'shutdown', 'shutdown']);
  });

  it('forks none, and leaves no timer behind', async () => {
    const pool = new Pool(OPTIONS).cooperate();

    const stopped = pool.supervisor.stop(5000);
    pool.clock.settle();
    await stopped;
    pool.clock.advance(10 * EXPIRE_MS);

    expect(pool.workers.all()).toHaveLength(3);
    expect(pool.clock.delays).toEqual([]);
  });

  it('resolves at once when there is none', async () => {
    const pool = new Pool({ ...OPTIONS, StartServer: 0, MinServer: 0 });

    await pool.supervisor.stop(5000);

    expect(pool.workers.all()).toEqual([]);
  });

  it('ends those at once that are not ready yet', () => {
    const pool = new Pool(OPTIONS);
    pool.supervisor.start();

    void pool.supervisor.stop(5000);

    expect(pool.workers.all().map(({ kills }) => kills)).toEqual([1, 1, 1]);
  });

  it('kills who is still there at the deadline', () => {
    const pool = new Pool(OPTIONS).boot();

    void pool.supervisor.stop(5000);
    pool.live(5000);
    const early = pool.workers.get(1).kills;
    pool.live(SECOND_MS);

    expect([early, pool.workers.get(1).kills]).toEqual([0, 1]);
  });

  it.each([
    ['shortens the grace by a later call', [60_000, 1000]],
    ['does not lengthen the grace by a later call', [1000, 60_000]],
  ])('%s', (_title, graces) => {
    const pool = new Pool(OPTIONS).boot();

    for (const graceMs of graces) void pool.supervisor.stop(graceMs);
    pool.live(2000);

    expect(pool.workers.all().map(({ kills }) => kills)).toEqual([1, 1, 1]);
    expect(pool.workers.get(1).of('drain').at(-1)?.graceMs).toBeLessThanOrEqual(1000);
  });

  it('lets workers that drain already know of a shorter grace, so that they end in an orderly way', () => {
    const pool = new Pool({ ...OPTIONS, GraceExpireTime: 60 }).boot();
    pool.supervisor.term(4001);

    void pool.supervisor.stop(500);

    expect(pool.workers.get(1).of('drain').map(({ graceMs, lastCallMs }) => ({ graceMs, lastCallMs }))).toEqual([
      { graceMs: 60_000, lastCallMs: 0 }, { graceMs: 500, lastCallMs: 0 },
    ]);
  });

  it('closes the socket when a worker has found the queue empty, and lets the others stop accepting', () => {
    const pool = new Pool(OPTIONS).boot();

    void pool.supervisor.stop(5000);
    const early = pool.served;
    pool.workers.get(2).report({ draining: true });

    expect([early, pool.served]).toEqual([0, 1]);
    expect(pool.workers.all().map((worker) => worker.of('drain').map(({ lastCallMs }) => lastCallMs))).toEqual([[1000, 0], [1000], [1000, 0]]);
  });

  it('goes on until no worker may take more clients, if those that end have not found the queue empty', () => {
    const pool = new Pool(OPTIONS).boot();

    void pool.supervisor.stop(5000);
    const served = [2, 1, 3].map((id) => {
      pool.workers.get(id).report({ draining: true, paused: ['lifetimes'] });
      return pool.served;
    });

    expect(served).toEqual([0, 0, 1]);
  });

  describe('while its first workers start', () => {
    const starting = (queued: number | undefined, options: object = {}): Pool => {
      const pool = new Pool({ ...OPTIONS, ...options });
      // Where the number is unknown.
      Object.assign(pool, { queued });
      pool.supervisor.start();
      pool.clock.settle();
      return pool;
    };

    it('waits for one of them, within the grace, if clients wait in the queue; it has a second to take them', () => {
      const pool = starting(2);
      const [first, second] = [pool.workers.get(1), pool.workers.get(2)];

      void pool.supervisor.stop(10_000);
      pool.clock.advance(4500);
      const early = [pool.phases, pool.served];
      first.boot();
      pool.clock.settle();
      pool.clock.advance(999);
      const calling = [first.of('drain').map(({ graceMs, lastCallMs }) => [graceMs, lastCallMs]), pool.phases[1], pool.served];
      first.report({ draining: true });

      expect(early).toEqual([['starting', 'starting', 'starting'], 0]);
      expect(calling).toEqual([[[5500, 1000]], 'starting', 0]);
      expect([pool.served, pool.phases, second.kills]).toEqual([1, ['draining', 'draining', 'draining'], 1]);
    });

    it('gives one that is ready then a share of MaxSession, without which it could take none of them', () => {
      const pool = starting(2, { StartServer: 2, MaxSession: 4 });

      void pool.supervisor.stop(10_000);
      const first = pool.workers.get(1);
      first.boot();
      pool.clock.settle();

      expect([first.of('drain').map(({ lastCallMs }) => lastCallMs), first.of('share').at(-1)?.clients]).toEqual([[1000], 2]);
    });

    it('ends earlier if a later call leaves less time, but not because of one that leaves more', () => {
      const [sooner, later] = [starting(1), starting(1)];
      for (const { supervisor } of [sooner, later]) void supervisor.stop(10_000);

      void sooner.supervisor.stop(300);
      void later.supervisor.stop(60_000);
      sooner.clock.advance(299);
      const early = sooner.served;
      sooner.clock.advance(1);
      void later.supervisor.stop(0);
      later.clock.settle();

      expect([early, sooner.served, later.served]).toEqual([0, 1, 1]);
      expect(sooner.workers.all().map(({ kills }) => kills)).toEqual([1, 1, 1]);
    });

    it('ends at once if no client waits', () => {
      const pool = starting(0);

      void pool.supervisor.stop(10_000);

      expect([pool.served, pool.workers.all().map(({ kills }) => kills)]).toEqual([1, [1, 1, 1]]);
    });

    it('ends after a second if it is not known whether clients wait', () => {
      const pool = starting(undefined);

      void pool.supervisor.stop(10_000);
      pool.clock.advance(999);
      const early = pool.served;
      pool.clock.advance(1);

      expect([early, pool.served, pool.workers.all().map(({ kills }) => kills)]).toEqual([0, 1, [1, 1, 1]]);
    });

    it('ends with the grace, and when all of them have failed', () => {
      const [slow, failing] = [starting(1), starting(1)];

      void slow.supervisor.stop(3000);
      void failing.supervisor.stop(3000);
      slow.clock.advance(2999);
      const early = [slow.served, failing.served];
      slow.clock.advance(1);
      for (const worker of failing.workers.all()) worker.exit({ code: 1 });

      expect(early).toEqual([0, 0]);
      expect([slow.served, failing.served]).toEqual([1, 1]);
      expect(failing.workers.all()).toHaveLength(3);
    });
  });

  it('takes those who wait in the queue after an upgrade only if the successor has another socket', () => {
    const [handedOver, moved] = [new Pool(OPTIONS).boot(), new Pool(OPTIONS).boot()];

    void handedOver.supervisor.stop(5000, 'upgrade');
    void moved.supervisor.stop(5000, 'move');

    expect([handedOver, moved].map(({ workers, served }) => [workers.get(1).of('drain').map(({ reason, lastCallMs }) => [reason, lastCallMs]), served])).toEqual([
      [[['upgrade', 0]], 1], [[['upgrade', 1000]], 0],
    ]);
  });

  it('leaves those who wait in the queue to the other process that keeps the socket open', () => {
    const pool = new Pool(OPTIONS).boot();
    pool.isShared = true;

    void pool.supervisor.stop(5000);

    expect([pool.workers.get(1).of('drain').map(({ lastCallMs }) => lastCallMs), pool.served]).toEqual([[0], 1]);
  });

  it('closes the socket after a second if the queue does not become empty, and at once if no worker can accept', () => {
    const busy = new Pool(OPTIONS).boot();
    const paused = new Pool(OPTIONS).boot();
    paused.supervisor.pause(true);

    void busy.supervisor.stop(5000);
    void paused.supervisor.stop(5000);
    busy.clock.advance(999);
    const early = [busy.served, paused.served];
    busy.clock.advance(1);

    expect(early).toEqual([0, 1]);
    expect(busy.served).toBe(1);
  });

  it('hands out permits and copies as before as long as the queue is served', () => {
    const pool = new Pool({ ...OPTIONS, MaxSessionPerServer: 1 }).boot();
    for (const worker of pool.workers.all()) worker.obey();
    pool.clock.settle();

    void pool.supervisor.stop(5000);
    const { length } = pool.workers.get(1).of('copy');
    pool.workers.get(1).report({ copiesUsed: length });
    pool.clock.settle();

    expect(pool.workers.get(1).of('copy').length).toBeGreaterThan(length);
  });

  it('gives workers that drained before no more time than the others', () => {
    const pool = new Pool({ ...OPTIONS, GraceExpireTime: Infinity }).boot();
    pool.supervisor.term(4001);

    void pool.supervisor.stop(1000);
    pool.live(2000);

    expect(pool.workers.get(1).kills).toBe(1);
  });

  it('does not count a worker that ends before it is ready as a failed start', () => {
    const pool = new Pool(OPTIONS);
    pool.supervisor.start();

    void pool.supervisor.stop(0);
    for (const worker of pool.workers.all()) worker.exit({ signal: 'SIGKILL' });

    expect(pool.of('worker:error')).toEqual([]);
  });

  it('can end everybody at once', () => {
    const pool = new Pool(OPTIONS).boot();
    pool.workers.get(2).exit();

    pool.supervisor.killAll();

    expect(pool.workers.all().map(({ kills }) => kills)).toEqual([1, 0, 1]);
  });
});

describe('a pool whose workers do what they should', () => {
  it('settles, lives for hours, and never drains, kills or replaces anybody', () => {
    const pool = new Pool(OPTIONS).cooperate();

    pool.clock.advance(3 * 3600 * SECOND_MS);

    expect(pool.workers.all()).toHaveLength(3);
    expect(pool.events.map(({ name }) => name).filter((name) => name !== 'status')).toEqual([
      'worker:born', 'worker:born', 'worker:born', 'worker:ready', 'worker:ready', 'worker:ready',
    ]);
  });

  it('lets every worker accept while there is no crowd', () => {
    const pool = new Pool({ ...OPTIONS, StartServer: 5, MaxSpareServer: 6 }, { holders: 2 }).cooperate();

    pool.clock.advance(60 * SECOND_MS);

    expect(pool.workers.all().filter(({ state }) => state.permit === 'held')).toHaveLength(5);
  });

  it('is renewed completely by MaxServerLifeTime, and never smaller than MinServer', () => {
    const pool = new Pool({ ...OPTIONS, MaxServerLifeTime: 300 }).cooperate();
    const ready: number[] = [];

    for (let second = 0; second < 600; second++) {
      pool.clock.advance(SECOND_MS);
      ready.push(pool.phases.filter((phase) => phase === 'ready').length);
    }

    expect(Math.min(...ready)).toBeGreaterThanOrEqual(OPTIONS.MinServer);
    expect(pool.workers.get(1).hasExited && pool.workers.get(2).hasExited && pool.workers.get(3).hasExited).toBe(true);
    expect(new Set(pool.of('worker:exit').map(({ reason }) => reason))).toEqual(new Set(['lifetime']));
  });
});

/** The pool's parts and its question for events, to be taken apart. */
function spread(pool: Pool): Pick<Pool, 'supervisor' | 'workers' | 'clock' | 'of'> {
  return { supervisor: pool.supervisor, workers: pool.workers, clock: pool.clock, of: (name) => pool.of(name) };
}
