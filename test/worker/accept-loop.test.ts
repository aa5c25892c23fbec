import { describe, expect, it } from 'vitest';
import { AcceptLoop, type AcceptLimits, type Urgency } from '../../src/worker/accept-loop.js';
import { FakeCopy, FakeListener } from '../support/fake-listener.js';
import { ManualClock } from '../support/manual-clock.js';

const UNLIMITED: AcceptLimits = { maxClients: null, concurrency: null, share: null, maxServed: null, descriptors: null };

/** Longer than a worker waits for an answer of the master before it goes on by itself. */
const PATIENCE_MS = 1000;

/** An accept loop with a listener that connects when the test says so. */
class Loop {
  readonly clock = new ManualClock();
  readonly listener = new FakeListener();
  readonly changes: Urgency[] = [];
  readonly copies: FakeCopy[] = [];
  readonly loop: AcceptLoop;

  constructor({ limits = {}, copies = 2 }: { readonly limits?: Partial<AcceptLimits>; readonly copies?: number } = {}) {
    this.loop = new AcceptLoop({
      clock: this.clock, listener: this.listener, limits: { ...UNLIMITED, ...limits }, changed: (urgency) => { this.changes.push(urgency); },
    });
    this.refill(copies);
  }

  refill(count: number): this {
    for (let left = count; left > 0; left--) {
      const copy = new FakeCopy();
      this.copies.push(copy);
      this.loop.addCopy(copy);
    }
    return this;
  }

  /** May accept up to that many clients. */
  grant(ceiling = 1000): this {
    this.loop.grant(ceiling);
    return this;
  }

  /** Clients connect, one after the other, as long as the listener is open. @returns how many did */
  connect(most: number): number {
    for (let count = 0; count < most; count++) {
      if (!this.listener.isOpen) return count;
      this.loop.opened();
    }
    return most;
  }

  leave(count: number): this {
    for (let left = count; left > 0; left--) this.loop.closed();
    return this;
  }

  /** What was reported to the master meanwhile. */
  told(act: () => void): Urgency[] {
    const before = this.changes.length;
    act();
    return this.changes.slice(before);
  }

  get openCopies(): number {
    return this.copies.filter(({ isClosed }) => !isClosed).length;
  }
}

describe('an accept loop', () => {
  it.each<[string, (loop: Loop) => void, boolean]>([
    ['accepts with a permit and a copy', (loop) => { loop.refill(1).grant(); }, true],
    ['accepts whichever of them comes first', (loop) => { loop.grant().refill(1); }, true],
    ['does not accept without a permit', (loop) => { loop.refill(1); }, false],
    ['does not accept without a copy', (loop) => { loop.grant(); }, false],
    ['does not accept after the permit was taken back', (loop) => { loop.refill(1).grant().loop.withdraw(); }, false],
    ['accepts when it has a permit again', (loop) => { loop.refill(2).grant().loop.withdraw(); loop.grant(); }, true],
    ['does not accept after it was stopped', (loop) => { loop.refill(1).grant().loop.stop(); loop.refill(1).grant(); }, false],
  ])('%s', (_title, act, accepts) => {
    const loop = new Loop({ copies: 0 });

    act(loop);

    expect([loop.listener.isOpen, loop.loop.accepting]).toEqual([accepts, accepts]);
  });

  it('uses one copy for each time that it begins to accept', () => {
    const loop = new Loop({ copies: 3 }).grant();

    loop.loop.ask('paused', true);
    loop.loop.ask('paused', false);

    expect([loop.loop.copiesUsed, loop.openCopies]).toEqual([2, 2]);
  });

  it('lets the master know at once that it needs a copy', () => {
    const loop = new Loop({ copies: 1 }).grant();
    loop.loop.ask('paused', true);

    const told = loop.told(() => { loop.loop.ask('paused', false); });

    expect(told).toEqual(['now']);
    expect(loop.loop).toMatchObject({ accepting: false, permit: 'held', copiesUsed: 1 });
  });

  it('counts the orders that the master wants confirmed', () => {
    const loop = new Loop().grant().grant(4);

    loop.loop.withdraw();
    loop.loop.probe();

    expect(loop.loop.ordersSeen).toBe(4);
  });

  it('answers every such order with one report', () => {
    const loop = new Loop();

    expect(loop.told(() => { loop.grant(); })).toEqual(['now']);
    expect(loop.told(() => { loop.grant(); })).toEqual(['now']);
    expect(loop.told(() => { loop.loop.withdraw(); })).toEqual(['now']);
    expect(loop.told(() => { loop.loop.withdraw(); })).toEqual(['now']);
    expect(loop.told(() => { loop.loop.probe(); })).toEqual(['now']);
  });

  it('stops to accept when its copy could not be listened on, and takes the next one at the next order', () => {
    const loop = new Loop({ copies: 1 }).grant();

    const told = loop.told(() => { loop.loop.failed(); });
    const after = loop.loop.accepting;

    expect([told, after]).toEqual([['now'], false]);
  });
});

describe('a ceiling', () => {
  it('is the number of clients up to which it accepts', () => {
    const loop = new Loop().grant(4);

    expect(loop.connect(100)).toBe(4);
    expect(loop.loop).toMatchObject({ permit: 'spent', accepting: false });
  });

  it('counts the clients that are there', () => {
    const loop = new Loop({ copies: 4 }).grant();
    loop.connect(10);

    loop.grant(12);

    expect(loop.connect(100)).toBe(2);
  });

  it('is reported at once when it is reached, and not before', () => {
    const loop = new Loop().grant(4);

    const first = loop.told(() => { loop.connect(3); });
    const last = loop.told(() => { loop.connect(1); });

    expect(new Set(first)).toEqual(new Set(['news']));
    expect(last).toEqual(['now']);
  });

  it('is not reached by clients that leave as soon as they have come', () => {
    const loop = new Loop().grant(4);

    for (let count = 0; count < 10_000; count++) {
      loop.connect(1);
      loop.leave(1);
    }

    expect(loop.loop).toMatchObject({ permit: 'held', served: 10_000, copiesUsed: 1 });
  });

  it('lets it go on by itself when a client leaves', () => {
    const loop = new Loop({ copies: 4 }).grant(4);
    loop.connect(4);

    loop.leave(1);

    expect(loop.loop).toMatchObject({ permit: 'held', accepting: true });
    expect(loop.connect(100)).toBe(1);
  });

  it('that the master leaves as it is lets it wait', () => {
    const loop = new Loop({ copies: 10 }).grant(4);
    loop.connect(4);

    loop.grant(4);
    loop.clock.advance(PATIENCE_MS - 1);

    expect(loop.loop).toMatchObject({ permit: 'full', accepting: false });
  });

  it('below the clients that are there lets it wait until they have left', () => {
    const loop = new Loop({ copies: 10 }).grant();
    loop.connect(6);

    loop.grant(4);
    const states = [loop.loop.permit];
    loop.leave(2);
    states.push(loop.loop.permit);
    loop.leave(1);
    states.push(loop.loop.permit);

    expect(states).toEqual(['full', 'full', 'held']);
  });

  it('is raised by the worker itself when the master does not answer, by a credit each time', () => {
    const loop = new Loop({ copies: 10 }).grant(24);
    const accepted: number[] = [];

    for (let round = 0; round < 4; round++) {
      accepted.push(loop.connect(100));
      loop.clock.advance(PATIENCE_MS);
    }

    expect(accepted).toEqual([24, 2, 2, 2]);
    expect(loop.loop).toMatchObject({ accepting: true, permit: 'held', ordersSeen: 1 });
  });

  it('is raised above those who came while the last copy of the handle was kept open', () => {
    const loop = new Loop({ copies: 1 }).grant(1);
    const meanwhile = loop.connect(5);

    loop.clock.advance(PATIENCE_MS);
    loop.refill(4);

    expect([meanwhile, loop.connect(1)]).toEqual([5, 1]);
    expect(loop.loop.permit).not.toBe('held');
  });

  it('is raised by more each time when the master has not answered for a second', () => {
    const loop = new Loop({ copies: 40 }).grant(1);
    const accepted: number[] = [];

    for (let round = 0; round < 24; round++) {
      accepted.push(loop.connect(100));
      loop.clock.advance(PATIENCE_MS);
    }

    expect(accepted).toEqual([...new Array<number>(18).fill(1), 1, 1, 1, 2, 4, 8]);
  });

  it('that is full is asked for again, and raised by the worker itself if the master does not answer any more', () => {
    const loop = new Loop({ copies: 10 }).grant(4);
    loop.connect(4);
    loop.grant(4);
    const before = loop.loop.permit;

    loop.clock.advance(999);
    const waiting = loop.loop.permit;
    loop.clock.advance(1);
    const asking = loop.loop.permit;
    loop.clock.advance(50);

    expect([before, waiting, asking, loop.loop.permit]).toEqual(['full', 'full', 'spent', 'held']);
    expect(loop.connect(100)).toBe(1);
  });

  it('is not raised if the answer has come while the worker did not run', () => {
    const loop = new Loop({ copies: 10 }).grant(4);
    loop.connect(4);

    loop.clock.sleep(PATIENCE_MS);
    loop.clock.wake(() => { loop.grant(4); });

    expect(loop.connect(100)).toBe(0);
    expect(loop.loop.permit).toBe('full');
  });

  it('is not raised by itself after the master has answered', () => {
    const loop = new Loop({ copies: 10 }).grant(4);
    loop.connect(4);
    loop.loop.withdraw();
    loop.clock.advance(PATIENCE_MS);
    const withdrawn = loop.loop.permit;

    loop.grant(8);
    loop.clock.advance(PATIENCE_MS);

    expect(withdrawn).toBe('none');
    expect(loop.connect(100)).toBe(4);
  });

  it('is not raised after the worker was stopped', () => {
    const loop = new Loop({ copies: 10 }).grant(4);
    loop.connect(4);

    loop.loop.stop();
    loop.clock.advance(PATIENCE_MS);

    expect(loop.listener.isOpen).toBe(false);
    expect(loop.clock.delays).toEqual([]);
  });

  it('does not close the last copy before the master has answered: it may be stopped', () => {
    const loop = new Loop({ copies: 1 }).grant(4);
    loop.connect(4);
    const unanswered = loop.listener.isOpen;

    loop.grant(4);

    expect([unanswered, loop.listener.isOpen]).toEqual([true, false]);
  });
});

describe('a limit', () => {
  it.each<[string, Partial<AcceptLimits>, string]>([
    ['MaxSessionPerServer', { maxClients: 3 }, 'limit'],
    ['Concurrency', { concurrency: 3 }, 'concurrency'],
    ['its share of MaxSession', { share: 3 }, 'pool-limit'],
    ['its open files', { descriptors: 3 }, 'descriptors'],
  ])('is exact, and is over when a client leaves: %s', (_title, limits, reason) => {
    const loop = new Loop({ limits, copies: 3 }).grant();

    const accepted = loop.connect(100);
    const paused = [...loop.loop.paused];
    loop.leave(1);

    expect(accepted).toBe(3);
    expect(paused).toEqual([reason]);
    expect([loop.listener.isOpen, loop.loop.paused]).toEqual([true, []]);
  });

  it('stops the listener while the last client is being taken', () => {
    const loop = new Loop({ limits: { maxClients: 1 } }).grant();

    loop.loop.opened();

    expect(loop.listener.isOpen).toBe(false);
  });

  it('of clients in its life stays', () => {
    const loop = new Loop({ limits: { maxServed: 3 }, copies: 5 }).grant();

    const accepted = loop.connect(100);
    loop.leave(3);

    expect(accepted).toBe(3);
    expect(loop.loop).toMatchObject({ isWornOut: true, accepting: false, paused: ['lifetimes'], served: 3, clients: 0 });
  });

  it('that is raised lets it go on, and one that is lowered below its clients lets it wait', () => {
    const loop = new Loop({ limits: { maxClients: 2 }, copies: 5 }).grant();
    loop.connect(2);

    loop.loop.setLimits({ maxClients: 4 });
    const raised = loop.connect(100);
    loop.leave(1);
    loop.loop.setLimits({ maxClients: 1 });
    const lowered = loop.listener.isOpen;
    loop.leave(2);
    const atLimit = loop.listener.isOpen;
    loop.leave(1);

    expect([raised, lowered, atLimit, loop.listener.isOpen]).toEqual([2, false, false, true]);
  });

  it('of 0 lets no client in, but listens once, so that clients are queued', () => {
    const loop = new Loop({ limits: { share: 0 } }).grant();

    expect(loop.listener.isOpen).toBe(false);
    expect(loop.loop.copiesUsed).toBe(1);
  });

  it('that changes leaves the others as they are', () => {
    const loop = new Loop({ limits: { maxClients: 5, share: 3 } });

    loop.loop.setLimits({ concurrency: 4 });

    expect(loop.loop.limits).toEqual({ ...UNLIMITED, maxClients: 5, share: 3, concurrency: 4 });
  });

  it('does not use up the permit', () => {
    const loop = new Loop({ limits: { maxClients: 1 }, copies: 5 }).grant(4);

    loop.connect(1);
    loop.leave(1);

    expect(loop.loop).toMatchObject({ accepting: true, permit: 'held' });
  });
});

describe('reasons to pause', () => {
  it('are independent: the end of one does not end another', () => {
    const loop = new Loop({ limits: { maxClients: 1 }, copies: 5 }).grant();
    loop.connect(1);
    loop.loop.ask('paused', true);
    loop.loop.ask('asked', true);
    const all = [...loop.loop.paused].sort();
    const open: boolean[] = [];

    for (const end of [
      () => { loop.loop.ask('paused', false); },
      () => { loop.leave(1); },
      () => { loop.loop.ask('asked', false); },
    ]) {
      end();
      open.push(loop.listener.isOpen);
    }

    expect(all).toEqual(['asked', 'limit', 'paused']);
    expect(open).toEqual([false, false, true]);
  });

  it.each(['paused', 'asked'] as const)('are not counted: one end is enough (%s)', (reason) => {
    const loop = new Loop({ copies: 5 }).grant();

    loop.loop.ask(reason, true);
    loop.loop.ask(reason, true);
    loop.loop.ask(reason, false);

    expect(loop.listener.isOpen).toBe(true);
  });

  it('are reported at once', () => {
    const loop = new Loop().grant();

    expect(loop.told(() => { loop.loop.ask('asked', true); })).toEqual(['now']);
    expect(loop.told(() => { loop.loop.ask('asked', false); })).toEqual(['now']);
  });

  it('do not stop a ceiling from being raised', () => {
    const loop = new Loop({ copies: 5 }).grant(4);
    loop.connect(4);
    loop.loop.ask('paused', true);
    loop.clock.advance(PATIENCE_MS);

    loop.loop.ask('paused', false);

    expect(loop.listener.isOpen).toBe(true);
  });
});

describe('stop', () => {
  it('closes the copy in use and every other, and counts them as used', () => {
    const loop = new Loop({ copies: 4 }).grant();

    const told = loop.told(() => { loop.loop.stop(); });

    expect([loop.openCopies, loop.loop.copiesUsed]).toEqual([0, 4]);
    expect(loop.loop).toMatchObject({ draining: true, accepting: false });
    expect(told).toEqual(['now']);
  });

  it('closes and counts the copies that come later', () => {
    const loop = new Loop({ copies: 1 }).grant();
    loop.loop.stop();

    loop.refill(3);

    expect([loop.openCopies, loop.loop.copiesUsed]).toEqual([0, 4]);
  });

  it('is harmless twice, and lets the clients be counted on', () => {
    const loop = new Loop().grant();
    loop.connect(2);

    loop.loop.stop();
    loop.loop.stop();
    loop.leave(1);

    expect(loop.loop).toMatchObject({ clients: 1, served: 2, copiesUsed: 2 });
  });
});
