import { describe, expect, it } from 'vitest';
import { Roster } from '../../src/master/roster.js';
import { reportLimits } from '../../src/master/limits-report.js';
import { newTally, reportStatus } from '../../src/master/status-report.js';
import { resolveThresholds } from '../../src/options/thresholds.js';
import type { ServerStatus } from '../../src/status.js';
import { ManualClock } from '../support/manual-clock.js';
import { Pool } from './supervisor-fixture.js';

const OPTIONS = { MaxServer: 5, StartServer: 3, MinServer: 2, MaxSpareServer: 5, GraceExpireTime: 20 };

const LIMITS = reportLimits({ ...resolveThresholds(OPTIONS), backlog: 128 });

function statusOf({ supervisor, clock }: Pool): ServerStatus {
  const address = { address: '127.0.0.1', family: 'IPv4', port: 4711 };
  return reportStatus({
    alias: 'echo', startedAt: 1000, address, paused: false, stopping: supervisor.isStopping, limits: LIMITS, release: { release: 1, mixed: false }, queued: 3,
    roster: supervisor.roster, tally: supervisor.tally, clock,
  });
}

describe('reportStatus', () => {
  it('says everything that is known of a worker', () => {
    const pool = new Pool(OPTIONS).boot();
    const bornAt = pool.clock.wallNow();
    pool.clock.advance(2000);
    pool.workers.get(1).heartbeat({ clients: 3, served: 8, accepting: true, permit: 'held', paused: [] }, { rss: 60e6, heapUsed: 20e6, loopDelayMs: 4 });
    pool.clock.advance(500);

    expect(statusOf(pool).workers[0]).toEqual({
      id: 1, release: 1, pid: 4001, phase: 'ready', accepting: true, paused: [], permit: true, blocked: false, connections: 3, served: 8,
      startedAt: bornAt, lastHeartbeatAt: bornAt + 2000, age: 2.5, idle: undefined,
      drainReason: undefined, drainDeadline: undefined, rss: 60e6, heapUsed: 20e6, loopDelay: 4,
    });
  });

  it('knows nothing of a worker that is starting but its age', () => {
    const pool = new Pool(OPTIONS);
    pool.supervisor.start();
    pool.clock.advance(1000);

    expect(statusOf(pool).workers[0]).toMatchObject({
      phase: 'starting', accepting: false, paused: [], permit: false, connections: 0, served: 0, age: 1, idle: 1, rss: undefined, heapUsed: undefined, loopDelay: undefined,
    });
  });

  it('says since when a worker is idle, and counts a client that came and left between two reports', () => {
    const pool = new Pool(OPTIONS).boot();
    pool.clock.advance(3000);
    const before = statusOf(pool).workers[0]?.idle;

    pool.workers.get(1).report({ served: 1 });
    pool.clock.advance(1000);

    expect([before, statusOf(pool).workers[0]?.idle]).toEqual([3, 1]);
  });

  it('says why a worker drains and how long it still may', () => {
    const pool = new Pool(OPTIONS).boot();
    pool.workers.get(1).report({ accepting: true });
    pool.supervisor.term(4001);
    pool.clock.advance(5000);

    const [worker] = statusOf(pool).workers;

    expect(worker).toMatchObject({ phase: 'draining', drainReason: 'asked', accepting: false });
    expect(worker?.drainDeadline).toBeGreaterThanOrEqual(15);
    expect(worker?.drainDeadline).toBeLessThan(16);
  });

  it('has no deadline for a drain that may take any time, and none below 0', () => {
    const endless = new Pool({ ...OPTIONS, GraceExpireTime: Infinity }).boot();
    endless.supervisor.term(4001);
    const late = new Pool(OPTIONS).boot();
    late.supervisor.term(4001);
    late.clock.advance(60_000);

    expect(statusOf(endless).workers[0]?.drainDeadline).toBeUndefined();
    expect(statusOf(late).workers[0]?.drainDeadline).toBe(0);
  });

  it('sums up the pool', () => {
    const pool = new Pool({ ...OPTIONS, StartServer: 5 }).boot();
    pool.workers.get(1).report({ clients: 2, served: 5 });
    pool.workers.get(2).report({ clients: 1, served: 1 });
    pool.supervisor.term(4002);
    pool.workers.get(3).report({ served: 4 });
    pool.workers.get(3).exit({ code: 1 });
    pool.supervisor.kill(4004);

    const { totals } = statusOf(pool);

    expect(totals).toMatchObject({ workers: 2, starting: 0, ready: 3, draining: 1, spare: 2, connections: 3, served: 10, born: 5 });
    expect(totals.exits).toMatchObject({ crashed: 1, asked: 0 });
  });

  it('gives the same lastHeartbeatAt until the worker is heard again, although two clocks never agree to the millisecond', () => {
    const pool = new Pool(OPTIONS).boot();
    const first = statusOf(pool).workers[0]?.lastHeartbeatAt;

    pool.clock.setWall(pool.clock.wallNow() + 1);
    const second = statusOf(pool).workers[0]?.lastHeartbeatAt;
    pool.clock.advance(1000);
    pool.workers.get(1).heartbeat({});

    expect(second).toBe(first);
    expect(statusOf(pool).workers[0]?.lastHeartbeatAt).toBe(Number(first) + 1001);
  });

  it('gives lastHeartbeatAt by the wall clock of now', () => {
    const pool = new Pool(OPTIONS).boot();
    pool.clock.advance(1000);

    pool.clock.setWall(Date.UTC(2031, 0, 1));

    expect(statusOf(pool).workers[0]?.lastHeartbeatAt).toBe(Date.UTC(2031, 0, 1) - 1000);
  });

  it('is frozen, all of it, and does not change later', () => {
    const pool = new Pool(OPTIONS).boot();
    pool.workers.get(1).report({ paused: ['limit'] });
    const status = statusOf(pool);

    pool.workers.get(1).report({ clients: 9, paused: [] });
    pool.workers.get(2).exit({ code: 1 });

    for (const part of [status, status.totals, status.totals.exits, status.workers, status.workers[0], status.workers[0]?.paused, status.address]) {
      expect(Object.isFrozen(part)).toBe(true);
    }
    expect(status.workers[0]).toMatchObject({ connections: 0, paused: ['limit'] });
    expect(status.totals.exits.crashed).toBe(0);
  });

  it('leaves what it was made from as it was', () => {
    const pool = new Pool(OPTIONS).boot();
    const paused = ['limit' as const];
    pool.workers.get(1).report({ paused });

    statusOf(pool);

    expect(Object.isFrozen(paused)).toBe(false);
    expect(Object.isFrozen(pool.supervisor.tally.exits)).toBe(false);
  });

  it('survives JSON', () => {
    const pool = new Pool({ ...OPTIONS, GraceExpireTime: Infinity, MaxServerLifeTime: 0 }).boot();
    pool.supervisor.term(4001);
    pool.workers.get(2).heartbeat();
    const status = statusOf(pool);

    const numbers = JSON.stringify(status).match(/null/g);

    expect(numbers).toBeNull();
    expect(JSON.parse(JSON.stringify(status))).toEqual(JSON.parse(JSON.stringify(structuredClone(status))));
  });

  it('is there before the server is bound', () => {
    const status = reportStatus({ alias: 'echo', startedAt: 1000, address: undefined, paused: false, stopping: false, limits: LIMITS, release: { release: 1, mixed: false }, queued: undefined, roster: new Roster(), tally: newTally(), clock: new ManualClock() });

    expect(status).toMatchObject({ alias: 'echo', address: undefined, paused: false, stopping: false, workers: [], totals: { workers: 0, born: 0 } });
  });

  it('has the limits in force by the names of their options, and the length of the queue', () => {
    const { limits, totals, startedAt } = statusOf(new Pool(OPTIONS).boot());

    expect(limits).toEqual({
      MaxServer: 5, StartServer: 3, MinServer: 2, MinSpareServer: 2, MaxSpareServer: 5, MasterHeartBeatTime: 10, ServerHeartBeatTime: 5,
      MaxSessionPerServer: 0, MaxServerExpireTime: 50, GraceExpireTime: 20, MaxServerSpareTime: 0, MaxServerLifeTime: 0, MaxServerLifeTimes: 0,
      MaxSession: 0, Concurrency: -1, MaxServerMemory: 0, ReloadSettleTime: 3, ShutdownDelay: 0, Backlog: 128,
    });
    expect([totals.queued, startedAt]).toEqual([3, 1000]);
  });
});
