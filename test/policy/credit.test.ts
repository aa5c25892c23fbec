import { describe, expect, it } from 'vitest';
import { FIRST_CREDIT, NO_FLOW, lastingCredit, learnCredit, observeFlow, quietAt, stayMs, type Flow } from '../../src/policy/credit.js';

const WORKERS = 20;

/** Reports every 20 ms of what `perReport` clients do that each stay for some reports; 0 = they have left by the next one. */
function pass(flow: Flow, { ms, perReport, stay, start = { served: 0, clients: 0, now: 1000 } }: {
  readonly ms: number; readonly perReport: number; readonly stay: number; readonly start?: { served: number; clients: number; now: number };
}): { flow: Flow; served: number; clients: number; now: number } {
  let { served, clients, now } = start;
  const leaving: number[] = [];
  for (const end = now + ms; now < end; now += 20) {
    served += perReport;
    clients += perReport;
    leaving.push(perReport);
    if (leaving.length > stay) clients -= leaving.shift() ?? 0;
    flow = observeFlow(flow, { served, clients, workers: WORKERS, now });
  }
  return { flow, served, clients, now };
}

describe('observeFlow', () => {
  it('calls a crowd what are many short-lived clients', () => {
    expect(pass(NO_FLOW, { ms: 200, perReport: 20, stay: 0 }).flow.crowded).toBe(true);
  });

  it.each([
    ['few clients', { ms: 1000, perReport: 0.4, stay: 0 }],
    ['clients that last', { ms: 1000, perReport: 20, stay: 1000 }],
    ['many clients that take turns after seconds each', { ms: 10_000, perReport: 20, stay: 100 }],
  ])('calls no crowd what are %s', (_title, clients) => {
    expect(pass(NO_FLOW, clients).flow.crowded).toBe(false);
  });

  it('calls a crowd what an overloaded machine serves slowly, if clients leave as others come', () => {
    expect(pass(NO_FLOW, { ms: 3000, perReport: 1.5, stay: 40 }).flow.crowded).toBe(true);
  });

  it('takes a wave that leaves together for no proof that the next one will', () => {
    const wave = pass(NO_FLOW, { ms: 800, perReport: 10, stay: 1000 });
    const gone = observeFlow(wave.flow, { served: wave.served, clients: 0, workers: WORKERS, now: wave.now });
    let later = wave.now + 800;
    let flow = observeFlow(gone, { served: wave.served, clients: 0, workers: WORKERS, now: later });

    for (let came = 0; came <= 400; came += 8) {
      later += 10;
      flow = observeFlow(flow, { served: wave.served + came, clients: came, workers: WORKERS, now: later });
      expect(flow.crowded, `after ${came} of the next wave`).toBe(false);
    }
  });

  it('ends the crowd when clients stay away', () => {
    const crowd = pass(NO_FLOW, { ms: 400, perReport: 20, stay: 0 });

    const { flow } = pass(crowd.flow, { ms: 5000, perReport: 0, stay: 0, start: crowd });

    expect(flow.crowded).toBe(false);
  });

  it.each([0, 3])('ends the crowd when nobody has come for a quarter of a second, and no sooner, also if %d stay', (stay) => {
    const crowd = pass(NO_FLOW, { ms: 5000, perReport: 200, stay });

    const sooner = pass(crowd.flow, { ms: 240, perReport: 0, stay: 0, start: crowd });
    const later = pass(sooner.flow, { ms: 60, perReport: 0, stay: 0, start: sooner });

    expect([crowd.flow.crowded, sooner.flow.crowded, later.flow.crowded]).toEqual([true, true, false]);
    expect([quietAt(sooner.flow), quietAt(later.flow)]).toEqual([crowd.flow.cameAt + 250, Infinity]);
    // Those who come then prove anew what they are.
    const start = { ...later, clients: 0 };
    expect(pass(later.flow, { ms: 100, perReport: 40, stay: 1000, start }).flow.crowded).toBe(false);
    expect(pass(later.flow, { ms: 100, perReport: 40, stay: 0, start }).flow.crowded).toBe(true);
  });

  it('ends the crowd when clients begin to last', () => {
    const crowd = pass(NO_FLOW, { ms: 400, perReport: 20, stay: 0 });

    const { flow } = pass(crowd.flow, { ms: 600, perReport: 20, stay: 1000, start: crowd });

    expect(flow.crowded).toBe(false);
  });

  it('needs fewer clients in a larger pool, where each wakes more workers', () => {
    const few = { served: 4, clients: 0, now: 1020 };
    const crowdOf = (workers: number): boolean => {
      let flow = NO_FLOW;
      for (let round = 1; round <= 50; round++) flow = observeFlow(flow, { served: few.served * round, clients: few.clients, workers, now: 1000 + 100 * round });
      return flow.crowded;
    };

    expect([crowdOf(4), crowdOf(100)]).toEqual([false, true]);
  });

  it('takes counts that fall back, as those of late reports do, for nothing', () => {
    const { flow, served, clients, now } = pass(NO_FLOW, { ms: 100, perReport: 5, stay: 1 });

    const next = observeFlow(flow, { served: served - 3, clients, workers: WORKERS, now: now + 20 });

    expect(next.came).toBeLessThan(flow.came);
    expect(next.replaced).toBeLessThanOrEqual(flow.replaced);
  });

  it('looks at most every 10 ms', () => {
    const first = observeFlow(NO_FLOW, { served: 1, clients: 1, workers: WORKERS, now: 1000 });

    expect(observeFlow(first, { served: 9, clients: 9, workers: WORKERS, now: 1009 })).toBe(first);
  });
});

describe('lastingCredit', () => {
  it.each([
    [0, 1], [1.9, 1], [23.9, 1], [24, 2], [50, 4], [1000, 83],
  ])('keeps a mean of %d clients within a twelfth: %d ahead', (mean, credit) => {
    expect(lastingCredit(mean)).toBe(credit);
  });
});

describe('stayMs', () => {
  it('is how long clients stay, by their number and their rate', () => {
    const { flow } = pass(NO_FLOW, { ms: 5000, perReport: 20, stay: 3 });

    expect(flow.clients).toBe(60);
    expect(stayMs(flow)).toBeGreaterThan(55);
    expect(stayMs(flow)).toBeLessThan(65);
  });
});

describe('learnCredit', () => {
  /** What a worker has learnt that was at its ceiling with so many clients, which stay for 10 ms, each time after so many others had left. */
  const learnt = (...asks: readonly { readonly clients: number; readonly left: number; readonly afterMs?: number }[]): number => {
    let credit = FIRST_CREDIT;
    let gone = 0;
    let now = 1000;
    for (const { clients, left, afterMs = 20 } of asks) {
      gone += left;
      now += afterMs;
      credit = learnCredit(credit, { served: gone + clients, clients }, { now, stayMs: 10 });
    }
    return credit.clients;
  };

  it.each([
    ['doubles while clients leave as fast as they come', [{ clients: 8, left: 8 }, { clients: 16, left: 16 }], 32],
    ['does so beside many that last', [{ clients: 48, left: 8 }, { clients: 56, left: 16 }], 32],
    ['goes no further than 64', Array.from({ length: 9 }, () => ({ clients: 64, left: 64 })), 64],
    ['takes a quarter of what it may be ahead for enough', [{ clients: 8, left: 2 }], 16],
    ['is small again when they stay', [{ clients: 8, left: 8 }, { clients: 16, left: 16 }, { clients: 32, left: 2 }], 8],
    ['learns nothing below it, where clients are kept in balance', [{ clients: 3, left: 100 }], 8],
    ['keeps what it has while those of a burst have had no time to leave', [{ clients: 8, left: 8 }, { clients: 16, left: 0, afterMs: 1 }, { clients: 16, left: 3, afterMs: 18 }], 16],
    ['and grows when they do', [{ clients: 8, left: 8 }, { clients: 16, left: 0, afterMs: 1 }, { clients: 16, left: 4, afterMs: 4 }], 32],
    ['and is small when they had it and stay', [{ clients: 8, left: 8 }, { clients: 16, left: 0, afterMs: 1 }, { clients: 16, left: 3, afterMs: 20 }], 8],
    ['is not misled by those that left long before', [{ clients: 8, left: 5000 }, { clients: 16, left: 0 }], 8],
  ])('%s', (_title, asks, credit) => {
    expect(learnt(...asks)).toBe(credit);
  });
});
