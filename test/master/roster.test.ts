import { describe, expect, it } from 'vitest';
import type { ToMaster, WorkerState } from '../../src/ipc/protocol.js';
import { Roster } from '../../src/master/roster.js';
import type { WorkerRecord } from '../../src/master/worker-record.js';
import { deafProcess, hear } from '../support/roster-facts.js';

const BORN = 1000;
const VITALS = { rss: 50_000_000, heapUsed: 9_000_000, loopDelayMs: 2 };
const STATE: WorkerState = {
  clients: 0, served: 0, copiesUsed: 0, accepting: true, permit: 'held', ordersSeen: 0, paused: [], reportMs: 5000, pulseMs: 1000, share: null, draining: false,
};

const state = (given: Partial<WorkerState>): ToMaster => ({ type: 'state', state: { ...STATE, ...given } });

function rosterOf(count: number): { readonly roster: Roster; readonly records: readonly WorkerRecord[]; readonly first: WorkerRecord } {
  const roster = new Roster();
  const add = (pid: number): WorkerRecord => roster.add({ process: deafProcess(pid), now: BORN, wallNow: 5_000_000, lifeMs: 60_000, share: null });
  const first = add(101);
  return { roster, first, records: [first, ...Array.from({ length: count - 1 }, (_, index) => add(102 + index))] };
}

describe('the table of workers', () => {
  it('counts workers from 1', () => {
    const { roster, records } = rosterOf(3);

    expect(records.map(({ id }) => id)).toEqual([1, 2, 3]);
    expect(roster.all()).toEqual(records);
    expect([roster.size, roster.nextId]).toEqual([3, 4]);
  });

  it('finds a worker by its id and by its pid', () => {
    const { roster, records } = rosterOf(2);

    expect(roster.get(2)).toBe(records[1]);
    expect(roster.withPid(101)).toBe(records[0]);
    expect(roster.get(3)).toBeUndefined();
    expect(roster.withPid(1)).toBeUndefined();
  });

  it('forgets a worker that is gone, and never gives its id again', () => {
    const { roster } = rosterOf(2);

    roster.remove(2);
    const next = roster.add({ process: deafProcess(102), now: BORN, wallNow: 0, lifeMs: Infinity, share: 3 });

    expect(next.id).toBe(3);
    expect(roster.withPid(102)).toBe(next);
    expect(roster.size).toBe(2);
  });

  it('takes a newborn as starting, heard of at its birth and idle since', () => {
    const { roster } = rosterOf(1);

    expect(roster.workers(BORN)).toEqual([{
      id: 1, phase: 'starting', bornAt: BORN, heardAt: BORN, idleSince: BORN, clients: 0, drainDeadline: undefined, killed: false,
      lifeMs: 60_000, rss: 0, reportMs: 0, deafAtHeard: 0, deafAtBirth: 0, blocked: false, outdated: false, trial: false,
    }]);
  });
});

describe('what a worker said', () => {
  const ALL: readonly ToMaster[] = [
    { type: 'hello', version: 1 }, { type: 'ready', options: {} }, state({}), { type: 'heartbeat', state: STATE, vitals: VITALS }, { type: 'draining', reason: 'asked' },
    { type: 'failed', error: { name: 'Error', message: '', where: 'ClientInput' } },
    { type: 'boot-failed', error: { name: 'Error', message: '', where: 'ServerStarted' } },
    { type: 'listen-failed', code: 'EADDRINUSE', message: '' }, { type: 'shutdown-all' },
  ];

  it.each(ALL)('is stamped with the time of receipt, and answers a heartbeat: $type', (fact) => {
    const { roster, first } = rosterOf(2);
    first.heartbeatUnanswered = true;

    hear(roster, first, fact, 2000);

    expect(first).toMatchObject({ heardAt: 2000, heartbeatUnanswered: false });
    expect(roster.get(2)).toMatchObject({ heardAt: BORN });
  });

  it.each(ALL.filter(({ type }) => type !== 'ready'))('does not make it ready, unless it is "ready": $type', (fact) => {
    const { roster, first } = rosterOf(1);

    hear(roster, first, fact, 2000);

    expect(first).toMatchObject({ phase: 'starting', readyAt: undefined });
  });

  it('makes it ready, when it is "ready"', () => {
    const { roster, first } = rosterOf(1);

    hear(roster, first, { type: 'ready', options: {} }, 2000);

    expect(first).toMatchObject({ phase: 'ready', readyAt: 2000, idleSince: 2000 });
  });

  it('does not make a draining worker ready', () => {
    const { roster, first } = rosterOf(1);
    roster.drain(first, { reason: 'asked', isOurs: true, deadline: 9000 });

    hear(roster, first, { type: 'ready', options: {} }, 2000);

    expect(first.phase).toBe('draining');
  });

  it('is kept whole: its state, and its vitals from a heartbeat', () => {
    const { roster, first } = rosterOf(1);
    const told = { ...STATE, clients: 2, served: 7 };

    hear(roster, first, { type: 'heartbeat', state: told, vitals: VITALS }, 2000);
    hear(roster, first, state({ clients: 1, served: 7 }), 2001);

    expect(first).toMatchObject({ state: { clients: 1, served: 7 }, vitals: VITALS });
    expect(roster.workers(BORN)).toMatchObject([{ clients: 1, rss: VITALS.rss }]);
  });
});

describe('the time without a client', () => {
  const idleSince = (...facts: readonly (readonly [number, Partial<WorkerState>])[]): number | undefined => {
    const { roster, first } = rosterOf(1);
    for (const [at, given] of facts) hear(roster, first, state(given), at);
    return first.idleSince;
  };

  it.each([
    ['runs from the birth', [], BORN],
    ['goes on while nothing happens', [[2000, {}], [3000, {}]], BORN],
    ['ends with a client', [[2000, { clients: 1, served: 1 }]], undefined],
    ['runs anew when the last client has left', [[2000, { clients: 1, served: 1 }], [3000, { served: 1 }]], 3000],
    ['runs anew when a client came and left between two reports', [[2000, { served: 1 }], [3000, { served: 2 }], [4000, { served: 2 }]], 3000],
    ['does not run while one of two clients is left', [[2000, { clients: 2, served: 2 }], [3000, { clients: 1, served: 2 }]], undefined],
  ] as const)('%s', (_title, facts, expected) => {
    expect(idleSince(...facts)).toBe(expected);
  });
});

describe('a drain', () => {
  it('begins once: reason and deadline stay what they were', () => {
    const { roster, first } = rosterOf(1);

    const results = [roster.drain(first, { reason: 'surplus', isOurs: true, deadline: 9000 }), roster.drain(first, { reason: 'shutdown', isOurs: true, deadline: 99_000 })];

    expect(results).toEqual([true, false]);
    expect(first.drain).toEqual({ reason: 'surplus', isOurs: true, deadline: 9000 });
    expect(roster.workers(BORN)).toMatchObject([{ phase: 'draining', drainDeadline: 9000 }]);
  });

  it('does not move its deadline with what the worker says', () => {
    const { roster, first } = rosterOf(1);
    roster.drain(first, { reason: 'surplus', isOurs: true, deadline: 9000 });

    hear(roster, first, { type: 'draining', reason: 'asked' }, 8000);
    hear(roster, first, state({ draining: true }), 8500);

    expect(first.drain?.deadline).toBe(9000);
  });
});

describe('the views of the policies', () => {
  it.each([
    ['a starting worker', (): void => undefined, false],
    ['a ready worker', (roster: Roster, first: WorkerRecord): void => { hear(roster, first, { type: 'ready', options: {} }, 2000); }, true],
    ['a draining worker', (roster: Roster, first: WorkerRecord): void => { roster.drain(first, { reason: 'asked', isOurs: true, deadline: 9000 }); }, false],
    ['a killed worker', (roster: Roster, first: WorkerRecord): void => {
      hear(roster, first, { type: 'ready', options: {} }, 2000);
      first.killed = 'asked';
    }, false],
  ])('let only a ready worker have clients: %s', (_title, happen, eligible) => {
    const { roster, first } = rosterOf(1);

    happen(roster, first);

    expect(roster.permitViews()).toMatchObject([{ id: 1, eligible }]);
    expect(roster.limitViews(BORN)).toMatchObject([{ id: 1, eligible }]);
    expect(roster.workers(BORN)).toMatchObject([{ killed: first.killed !== undefined }]);
  });

  it('say how many copies of the handle are left', () => {
    const { roster, first } = rosterOf(1);
    first.copiesSent = 5;

    hear(roster, first, state({ copiesUsed: 3 }), 2000);

    expect(roster.permitViews()).toMatchObject([{ copies: 2 }]);
  });

  it.each([
    ['not one that has a permit and waits for a copy of the handle', { accepting: false }, false],
    ['one that accepts', {}, true],
    ['not one that is paused', { accepting: false, paused: ['limit'] }, false],
    ['one without a permit', { accepting: false, permit: 'none' }, true],
    ['one at its ceiling', { accepting: false, permit: 'full' }, true],
  ] as const)('tell who could accept: %s', (_title, given, available) => {
    const { roster, first } = rosterOf(1);

    hear(roster, first, state(given), 2000);

    expect(roster.permitViews()).toMatchObject([{ available }]);
  });

  it('say whether a worker has answered the last order, and the pulse it keeps to', () => {
    const { roster, first } = rosterOf(1);
    Object.assign(first, { ordersSent: 2, askedAt: 1900, permit: { ceiling: 3, pulseMs: 200 } });

    hear(roster, first, state({ ordersSeen: 1, pulseMs: 20 }), 2000);
    const before = roster.permitViews();
    hear(roster, first, state({ ordersSeen: 2, pulseMs: 200 }), 2001);

    expect(before).toMatchObject([{ answered: false, askedAt: 1900, heardAt: 2000, pulseMs: 20, askedPulseMs: 200, ceiling: 3 }]);
    expect(roster.permitViews()).toMatchObject([{ answered: true, heardAt: 2001, pulseMs: 200 }]);
  });

  it('stamp a report with the time in which the master did not listen', () => {
    const { roster, first } = rosterOf(1);
    roster.looksAgainAt(2000);

    hear(roster, first, { type: 'pulse' }, 5000);
    roster.listens(9000);

    expect(roster.workers(9000)).toMatchObject([{ heardAt: 5000, deafAtHeard: 3000, deafAtBirth: 0 }]);
  });

  it('say the share of MaxSession as ordered and as confirmed, infinite without a limit', () => {
    const { roster, first } = rosterOf(1);
    const limits = (): unknown => roster.limitViews(BORN).map(({ ordered, confirmed, closed, clients }) => ({ ordered, confirmed, closed, clients }));

    expect(limits()).toEqual([{ ordered: Infinity, confirmed: 0, closed: false, clients: 0 }]);
    hear(roster, first, state({ share: null }), 2000);
    expect(limits()).toEqual([{ ordered: Infinity, confirmed: Infinity, closed: false, clients: 0 }]);
    first.shareOrdered = 3;
    hear(roster, first, state({ share: 4, clients: 2, draining: true }), 2001);
    expect(limits()).toEqual([{ ordered: 3, confirmed: 4, closed: true, clients: 2 }]);
  });
});
