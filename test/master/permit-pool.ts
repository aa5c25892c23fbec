import type { SendHandle } from 'node:child_process';
import type { ToWorker, WorkerState } from '../../src/ipc/protocol.js';
import { PermitOffice } from '../../src/master/permit-office.js';
import { Roster } from '../../src/master/roster.js';
import type { WorkerRecord } from '../../src/master/worker-record.js';
import { FIRST_CREDIT } from '../../src/policy/credit.js';
import { PULSE_MS } from '../../src/policy/silence.js';
import { AcceptLoop } from '../../src/worker/accept-loop.js';
import { FakeCopy, FakeListener } from '../support/fake-listener.js';
import { ManualClock } from '../support/manual-clock.js';
import { Seeded } from '../support/seeded.js';
import { deafProcess, hear } from '../support/roster-facts.js';

/** Messages that follow from each other while no time passes. */
const MOST_ROUNDS = 100;

/** What may happen next, to one worker or to all (`wait`: a moment passes). */
type Kind = 'order' | 'report' | 'connect' | 'leave' | 'block' | 'unblock' | 'pause' | 'resume' | 'stop' | 'die' | 'ready' | 'wait';

export interface PoolEvent {
  readonly kind: Kind;
  readonly index: number;
}

export interface PoolSettings {
  readonly workers: number;
  /** How many of them are still starting. */
  readonly starting: number;
  /** How many may accept in a crowd; Infinity = there is no crowd. */
  readonly holders: number;
  /** MaxSessionPerServer; null = unlimited. */
  readonly maxClients: number | null;
  /** MaxSession; Infinity = unlimited. */
  readonly mostClients: number;
  /** What may happen besides messages, connections and time. */
  readonly mishaps: readonly ('die' | 'stop' | 'block' | 'pause')[];
  /** Most clients stay, so that workers have many. */
  readonly lasting?: boolean;
  /** Whether the first messages have all arrived before anything else happens. */
  readonly settled: boolean;
}

/** One worker: its real accept loop, and the messages under way in both directions. */
interface Member {
  readonly record: WorkerRecord;
  readonly clock: ManualClock;
  readonly listener: FakeListener;
  readonly loop: AcceptLoop;
  readonly copies: FakeCopy[];
  orders: ToWorker[];
  reports: (WorkerState | 'exit')[];
  isAlive: boolean;
  isBlocked: boolean;
  /** The pulse that it was asked for, and the moments since it said anything. */
  pulseMs: number;
  silentMs: number;
}

/** Reports under way at once, per worker; a newer one then takes the place of the last. */
const MOST_REPORTS = 2;
const MOMENT_MS = 50;
/** When it no longer matters. */
const LONG_AGO_MS = PULSE_MS + 4 * MOMENT_MS;

/** A master's permit office and the accept loops of its workers, with messages that arrive when the test says so. */
export class PermitPool {
  readonly #settings: PoolSettings;
  readonly #clock = new ManualClock();
  readonly #roster = new Roster();
  readonly #office: PermitOffice;
  readonly #members: Member[] = [];
  #timer: { cancel(): void } | undefined;

  constructor(settings: PoolSettings) {
    this.#settings = settings;
    this.#office = new PermitOffice({
      roster: this.#roster,
      openFiles: 1024,
      // A crowd goes on, so nobody looks whether it has ended.
      observe: (flow) => ({ ...flow, crowded: settings.holders !== Infinity, cameAt: Infinity }),
      handle: {} as SendHandle,
      send: (id, order) => {
        const member = this.#members.find(({ record }) => record.id === id);
        // What is sent to a process that has just ended is lost without a trace.
        if (member?.isAlive === true) member.orders.push(order);
        return true;
      },
    });
    for (let count = 0; count < settings.workers; count++) this.#members.push(this.#birth());
    for (const { record } of this.#members.slice(settings.starting)) hear(this.#roster, record, { type: 'ready', options: {} }, this.#clock.now());
    this.#look();
    if (settings.settled) this.flush(1);
  }

  /** Everything that may happen now. */
  events(): PoolEvent[] {
    const events: PoolEvent[] = [{ kind: 'wait', index: 0 }];
    for (const [index, member] of this.#members.entries()) {
      for (const kind of this.#possible(member)) events.push({ kind, index });
    }
    return events;
  }

  apply({ kind, index }: PoolEvent): void {
    if (kind === 'wait') return this.#wait();
    const member = this.#members[index];
    if (member === undefined) throw new Error(`There is no worker ${index}.`);
    const { loop, record } = member;
    switch (kind) {
      case 'order': return this.#obey(member);
      case 'report': return this.#hear(member);
      case 'connect': return this.#connect(member);
      case 'leave': return loop.closed();
      case 'pause': return loop.ask('asked', true);
      case 'resume': return loop.ask('asked', false);
      case 'block':
        member.isBlocked = true;
        return;
      case 'unblock':
        member.isBlocked = false;
        member.clock.settle();
        return;
      case 'ready':
        hear(this.#roster, record, { type: 'ready', options: {} }, this.#clock.now());
        return this.#look();
      case 'stop':
        this.#roster.drain(record, { reason: 'asked', isOurs: true, deadline: Infinity });
        member.orders.push({ type: 'drain', reason: 'asked', graceMs: null, lastCallMs: 0 });
        return this.#look();
      case 'die':
        member.isAlive = false;
        member.orders = [];
        member.reports.push('exit');
    }
  }

  /** Lets every message arrive and some moments pass. Those that are blocked stay so. */
  flush(moments: number): void {
    for (let moment = 0; moment < moments; moment++) {
      this.#settle();
      this.#wait();
    }
    this.#settle();
  }

  /** Lets every message arrive, and what follows from it. @throws if messages go to and fro without end */
  #settle(): void {
    for (let round = 0; this.#deliverAll(); round++) {
      if (round > MOST_ROUNDS) throw new Error(`The pool does not come to rest: ${this.show()}`);
    }
  }

  /** @returns whether there was any message */
  #deliverAll(): boolean {
    let delivered = false;
    for (const member of this.#members) {
      while (member.isAlive && !member.isBlocked && member.orders.length > 0) {
        this.#obey(member);
        delivered = true;
      }
      while (member.reports.length > 0) {
        this.#hear(member);
        delivered = true;
      }
    }
    return delivered;
  }

  /** What must never be the case, however messages and clients come. */
  brokenNow(): string | undefined {
    const { maxClients, mostClients } = this.#settings;
    const clients = this.#members.filter(({ isAlive }) => isAlive).map(({ loop }) => loop.clients);
    if (clients.some((count) => count > (maxClients ?? Infinity))) return `a worker has more clients than its limit: ${clients.join(', ')}`;
    if (clients.reduce((total, count) => total + count, 0) > mostClients) return `the pool has more clients than its limit: ${clients.join(', ')}`;
    for (const { listener, loop, copies } of this.#members) {
      if (listener.isOpen !== loop.accepting) return 'a worker says that it accepts and does not, or the other way round';
      if (loop.draining && copies.some(({ isClosed }) => !isClosed)) return 'a stopped worker has an open copy of the handle';
      if (copies.filter(({ isClosed }) => !isClosed).length !== copies.length - loop.copiesUsed + (listener.isOpen ? 1 : 0)) return 'a worker reports a wrong number of copies';
    }
    return undefined;
  }

  /** What must not be the case once every message has arrived. */
  brokenInTheEnd(): string | undefined {
    const able = this.#members.filter(({ isAlive, isBlocked, loop, record }) => isAlive && !isBlocked && record.phase === 'ready' && loop.paused.length === 0);
    const accepting = able.filter(({ loop }) => loop.accepting);
    if (able.length > 0 && accepting.length === 0) return `${able.length} worker(s) could accept and none does: ${this.show()}`;
    const living = this.#members.filter(({ isAlive, record }) => isAlive && record.phase === 'ready').length;
    const { holders, maxClients } = this.#settings;
    if (this.#isCrowded && maxClients !== 1 && living > holders) {
      if (accepting.length > holders) return `${accepting.length} workers accept where ${holders} should: ${this.show()}`;
      const below = Math.min(...able.map(({ loop }) => loop.clients)) + FIRST_CREDIT.clients;
      const free = able.filter(({ loop }) => loop.clients < below).length;
      if (accepting.length < Math.min(holders, free)) return `${accepting.length} of ${free} able workers below their ceiling accept: ${this.show()}`;
    }
    // Without a crowd every worker with the fewest clients of all accepts.
    const least = Math.min(...able.map(({ loop }) => loop.clients));
    if (!this.#isCrowded && able.some(({ loop }) => loop.clients === least && !loop.accepting)) return `a worker with the fewest clients does not accept: ${this.show()}`;
    return undefined;
  }

  get #isCrowded(): boolean {
    return this.#settings.holders !== Infinity;
  }

  /** How many clients each worker has. */
  get clients(): readonly number[] {
    return this.#members.map(({ loop }) => loop.clients);
  }

  show(): string {
    return JSON.stringify(this.#members.map(({ loop, isAlive, isBlocked, record }) => ({
      id: record.id, isAlive, isBlocked, phase: record.phase, clients: loop.clients, accepting: loop.accepting, permit: loop.permit, paused: loop.paused, copies: record.copiesSent - loop.copiesUsed,
      ordered: record.permit, answered: record.state.ordersSeen === record.ordersSent, known: record.state.clients,
    })));
  }

  /** A text that is the same for pools of the same future. */
  key(): string {
    const now = this.#clock.now();
    const ago = (time: number): number => Math.min(now - time, LONG_AGO_MS);
    return JSON.stringify(this.#members.map(({ record, loop, clock, ...member }) => {
      const relative = (state: WorkerState): unknown => [
        state.clients, record.copiesSent - state.copiesUsed, state.accepting, state.permit, record.ordersSent - state.ordersSeen,
        state.paused, state.pulseMs, state.share, state.draining,
      ];
      return [
        member.isAlive, member.isBlocked, member.pulseMs, Math.min(member.silentMs, PULSE_MS), member.orders,
        member.reports.map((report) => (report === 'exit' ? report : relative(report))),
        loop.clients, loop.permit, record.ordersSent - loop.ordersSeen, record.copiesSent - loop.copiesUsed, loop.draining, loop.limits.share, loop.paused,
        clock.delays, this.#roster.get(record.id) === undefined, record.phase, relative(record.state), record.permit,
        ago(record.askedAt), ago(record.heardAt), record.stock, record.shareOrdered,
      ];
    }).concat([this.#clock.delays]));
  }

  #birth(): Member {
    const { maxClients, mostClients } = this.#settings;
    const now = this.#clock.now();
    const share = mostClients === Infinity ? null : 0;
    const record = this.#roster.add({ process: deafProcess(1), now, wallNow: 0, lifeMs: Infinity, share });
    const clock = new ManualClock();
    const listener = new FakeListener();
    const loop = new AcceptLoop({
      clock, listener,
      limits: { maxClients, concurrency: null, share, maxServed: null, descriptors: null },
      changed: () => { this.#report(member); },
    });
    const member: Member = {
      record, clock, listener, loop, copies: [], orders: [], reports: [], isAlive: true, isBlocked: false, pulseMs: PULSE_MS, silentMs: 0,
    };
    return member;
  }

  #possible({ isAlive, isBlocked, loop, listener, orders, reports, record }: Member): Kind[] {
    const { mishaps } = this.#settings;
    const kinds: Kind[] = reports.length > 0 ? ['report'] : [];
    if (!isAlive) return kinds;
    if (mishaps.includes('die')) kinds.push('die');
    if (mishaps.includes('stop') && record.phase === 'ready') kinds.push('stop');
    if (record.phase === 'starting') return [...kinds, 'ready'];
    if (isBlocked) return [...kinds, 'unblock'];
    if (orders.length > 0) kinds.push('order');
    if (listener.isOpen) kinds.push('connect');
    if (loop.clients > 0) kinds.push('leave');
    if (mishaps.includes('pause')) kinds.push(loop.paused.includes('asked') ? 'resume' : 'pause');
    // Whenever it wants: nothing announces it.
    if (mishaps.includes('block')) kinds.push('block');
    return kinds;
  }

  #obey(member: Member): void {
    const order = member.orders.shift();
    switch (order?.type) {
      case 'copy': {
        const copy = new FakeCopy();
        member.copies.push(copy);
        return member.loop.addCopy(copy);
      }
      case 'permit':
        member.pulseMs = order.pulseMs;
        return member.loop.grant(order.ceiling);
      case 'withdraw':
        member.pulseMs = PULSE_MS;
        return member.loop.withdraw();
      case 'probe': return member.loop.probe();
      case 'share': return member.loop.setLimits({ share: order.clients });
      case 'drain': return member.loop.stop();
      case undefined:
      case 'welcome':
      case 'stay':
      case 'configure':
      case 'pause':
      case 'resume':
      case 'heartbeat':
      case 'ticket-keys':
      case 'message':
      case 'answer':
        throw new Error(`An order that is not the permit office's: ${order?.type ?? 'none'}`);
    }
  }

  #connect(member: Member): void {
    member.loop.opened();
  }

  #report(member: Member): void {
    const { loop, reports } = member;
    member.silentMs = 0;
    const state: WorkerState = {
      clients: loop.clients, served: loop.served, copiesUsed: loop.copiesUsed, accepting: loop.accepting, permit: loop.permit,
      ordersSeen: loop.ordersSeen, paused: loop.paused, reportMs: 5000, pulseMs: member.pulseMs, share: loop.limits.share, draining: loop.draining,
    };
    if (reports.length < MOST_REPORTS) reports.push(state);
    else reports[reports.length - 1] = state;
  }

  #hear(member: Member): void {
    const report = member.reports.shift();
    const { record } = member;
    if (report === 'exit') this.#roster.remove(record.id);
    else if (report !== undefined) hear(this.#roster, record, { type: 'state', state: report }, this.#clock.now());
    this.#look();
  }

  #wait(): void {
    for (const member of this.#members) {
      if (!member.isAlive) continue;
      if (member.isBlocked) {
        member.clock.sleep(MOMENT_MS);
        continue;
      }
      member.clock.advance(MOMENT_MS);
      member.silentMs += MOMENT_MS;
      // Its pulse: a report does as well.
      if (member.silentMs >= member.pulseMs) this.#report(member);
    }
    this.#clock.advance(MOMENT_MS);
  }

  #look(): void {
    const { holders, maxClients, mostClients } = this.#settings;
    const now = this.#clock.now();
    const nextAt = this.#office.update({ holders, single: maxClients === 1, servedByGone: 0, mostClients, mostEach: maxClients ?? Infinity, now });
    this.#timer?.cancel();
    this.#timer = nextAt === Infinity ? undefined : this.#clock.after(Math.max(nextAt - now, 1), () => { this.#look(); });
  }
}

/** What an exploration found. */
export interface Findings {
  readonly states: number;
  readonly problem: string | undefined;
}

/** Tries every order of events, up to a depth and a number of states, the shortest ones first. */
export function explore(settings: PoolSettings, { depth, most }: { readonly depth: number; readonly most: number }): Findings {
  const seen = new Set<string>();
  let frontier: { readonly path: readonly PoolEvent[]; readonly events: readonly PoolEvent[] }[] = [{ path: [], events: new PermitPool(settings).events() }];
  for (let length = 0; length < depth; length++) {
    const next: typeof frontier = [];
    for (const { path, events } of frontier) {
      for (const event of events) {
        const pool = replay(settings, [...path, event]);
        const key = pool.key();
        if (seen.has(key)) continue;
        seen.add(key);
        const way = [...path, event];
        const following = pool.events();
        const problem = pool.brokenNow() ?? afterFlush(pool);
        if (problem !== undefined) return { states: seen.size, problem: `${problem}\nafter ${way.map(({ kind, index }) => `${kind} ${index}`).join(', ')}` };
        next.push({ path: way, events: following });
        if (seen.size >= most) return { states: seen.size, problem: undefined };
      }
    }
    frontier = next;
  }
  return { states: seen.size, problem: undefined };
}

function replay(settings: PoolSettings, path: readonly PoolEvent[]): PermitPool {
  const pool = new PermitPool(settings);
  for (const event of path) pool.apply(event);
  return pool;
}

/** Moments in which the pool has to find its way back: 300 ms, what a client may have to wait when idle workers stop. */
const PATIENCE = 6;

function afterFlush(pool: PermitPool): string | undefined {
  pool.flush(PATIENCE);
  return pool.brokenNow() ?? pool.brokenInTheEnd();
}

/** Lets clients come as soon as somebody accepts, and messages arrive, in an order that is drawn. @returns how many each worker has */
export function crowdIn(settings: PoolSettings, seed: number, clients: number): readonly number[] {
  const random = new Seeded(seed);
  const pool = new PermitPool(settings);
  while (pool.clients.reduce((sum, count) => sum + count, 0) < clients) {
    const events = pool.events();
    const prompt = events.filter(({ kind }) => kind === 'connect' || kind === 'order' || kind === 'report');
    pool.apply(random.pick(prompt.length > 0 ? prompt : events.filter(({ kind }) => kind === 'wait')));
  }
  return pool.clients;
}

/** Lets events happen at random, far deeper than {@link explore} comes, and from time to time every message arrive. */
export function wander(settings: PoolSettings, seed: number, steps: number): string | undefined {
  const random = new Seeded(seed);
  const pool = new PermitPool(settings);
  for (let step = 0; step < steps; step++) {
    // Workers end rarely, or there would soon be none.
    const odds: Partial<Record<Kind, number>> = { die: 0.01, stop: 0.01, ...(settings.lasting === true && { leave: 0.1 }) };
    const events = pool.events().filter(({ kind }) => random.chance(odds[kind] ?? 1));
    if (events.length === 0) continue;
    pool.apply(random.pick(events));
    const problem = pool.brokenNow() ?? (random.chance(0.02) ? afterFlush(pool) : undefined);
    if (problem !== undefined) return `${problem}\nseed ${seed}, step ${step}`;
  }
  return afterFlush(pool);
}
