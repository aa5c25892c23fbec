import { describe, expect, it } from 'vitest';
import { History } from '../../src/admin/history.js';
import { boardOf, stateOf } from '../../src/admin/page-data.js';
import { ManualClock } from '../support/manual-clock.js';
import { serverStatus, workerStatus } from '../support/status.js';

describe('History', () => {
  it('keeps the last fifty events in words, newest first, without those that are not news', () => {
    const history = new History(new ManualClock());
    for (let pid = 1; pid <= 60; pid++) history.note({ name: 'worker:born', detail: { pid, id: pid } });
    history.note({ name: 'status', detail: undefined });
    history.note({ name: 'worker:message', detail: { pid: 1, id: 1, message: 'x', answer: () => true } });

    expect(history.log).toHaveLength(50);
    expect([history.log[0]?.text, history.log[49]?.text]).toEqual(['Worker 60 was forked.', 'Worker 11 was forked.']);
  });

  it('keeps five minutes of samples', () => {
    const clock = new ManualClock();
    const history = new History(clock);
    for (let sample = 0; sample < 200; sample++) {
      history.sample(serverStatus({ totals: { connections: sample, queued: undefined } }));
      clock.advance(2000);
    }

    expect(history.samples).toHaveLength(150);
    expect(history.samples.at(-1)?.slice(1)).toEqual([199, null]);
  });

  it('forgets a hang when the worker is heard of again, or has gone', () => {
    const clock = new ManualClock();
    const history = new History(clock);
    const stack = [{ functionName: 'spin', url: 'file:///app.js', line: 7, column: 3 }];
    for (const pid of [1, 2]) history.note({ name: 'worker:hung', detail: { pid, id: pid, blockedFor: 2.5, stack } });
    const before = clock.wallNow() - 1;
    const silent = [workerStatus({ pid: 1, lastHeartbeatAt: before }), workerStatus({ pid: 2, lastHeartbeatAt: before })];

    const hangs = history.hangs(serverStatus({ workers: silent }));
    expect(hangs.map(({ pid, stack: frames }) => [pid, frames])).toEqual([[1, ['spin file:///app.js:7:3']], [2, ['spin file:///app.js:7:3']]]);
    expect(boardOf(serverStatus({ workers: silent }), { now: 0, hangs }).cells.map(({ state }) => state)).toEqual(['hung', 'hung']);

    clock.advance(1000);
    expect(history.hangs(serverStatus({ workers: [workerStatus({ pid: 1, lastHeartbeatAt: clock.wallNow() })] })).map(({ pid }) => pid)).toEqual([2]);
    history.note({ name: 'worker:exit', detail: { pid: 2, id: 2, code: 1, signal: null, reason: 'crashed', text: 'exit code 1', connections: 0, served: 0 } });
    expect(history.hangs(serverStatus())).toEqual([]);
  });
});

describe('the state of a cell', () => {
  it.each([
    [{}, 'idle'], [{ connections: 1 }, 'busy'], [{ connections: 4, paused: ['limit'] }, 'full'], [{ paused: ['pool-limit'] }, 'full'],
    [{ paused: ['paused', 'limit'] }, 'paused'], [{ paused: ['descriptors'] }, 'paused'], [{ phase: 'starting' }, 'starting'], [{ phase: 'draining', connections: 2 }, 'draining'],
  ] as const)('of a worker with %j is %s', (changes, expected) => {
    expect(stateOf(workerStatus(changes), new Set())).toBe(expected);
  });
});
