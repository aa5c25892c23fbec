import { Roster } from '../../src/master/roster.js';
import type { WorkerRecord } from '../../src/master/worker-record.js';
import type { ToMaster } from '../../src/ipc/protocol.js';
import { beingRelieved } from '../../src/policy/recycling.js';
import { takeCensus } from '../../src/policy/census.js';
import { bootDeadline } from '../../src/policy/liveness.js';
import { plan } from '../../src/policy/plan.js';
import type { DrainReason } from '../../src/policy/reasons.js';
import type { Action, PoolConfig, PoolSnapshot } from '../../src/policy/snapshot.js';
import { NO_STARTS, shouldGiveUp, startFailed, startSucceeded } from '../../src/policy/starts.js';
import type { Seeded } from './seeded.js';
import { deafProcess, hear } from './roster-facts.js';
import { mayLackWorkers } from '../../src/policy/demand.js';
import { hasSurplus } from '../../src/policy/scaling.js';

/** What clients, workers and the machine do. Times are means, in milliseconds; Infinity = never. */
export interface Habits {
  readonly arrivalMs: number;
  readonly serviceMs: number;
  /** A start takes from half to one and a half of it. */
  readonly startMs: number;
  /** Clients that a worker serves at once. */
  readonly mostClients: number;
  /** Clients after which a worker drains by itself. */
  readonly mostServed: number;
  readonly crashMs: number;
  readonly hangMs: number;
  /** Probability that a start ends before it is ready, and that it never ends. */
  readonly startFails: number;
  readonly startHangs: number;
  /** Probability that a report is lost. */
  readonly loss: number;
  /** How often the master is stopped, and for how long. */
  readonly sleepMs: number;
  readonly asleepMs: number;
}

export const CALM: Habits = {
  arrivalMs: Infinity, serviceMs: 2000, startMs: 500, mostClients: 1, mostServed: Infinity,
  crashMs: Infinity, hangMs: Infinity, startFails: 0, startHangs: 0, loss: 0, sleepMs: Infinity, asleepMs: 0,
};

/** A worker's process as it really is. */
interface Process {
  readonly id: number;
  readyAt: number;
  failsAt: number;
  reportAt: number;
  crashAt: number;
  hangAt: number;
  exitAt: number;
  /** When each of its clients will leave. */
  clients: number[];
  served: number;
  isReady: boolean;
  isDraining: boolean;
  isHung: boolean;
}

/**
 * A pool in which everything is real but the processes: the plan, the roster and the history of starts. It goes from one
 * event to the next, and notes every promise that a plan breaks in `problems`.
 */
export class PoolModel {
  readonly roster: Roster = new Roster();
  readonly problems: string[] = [];
  readonly forkedAt: number[] = [];
  readonly actions: { readonly at: number; readonly action: Action }[] = [];
  config: PoolConfig;
  habits: Habits;
  now = 0;
  hasGivenUp = false;
  readonly #random: Seeded;
  readonly #processes = new Map<number, Process>();
  readonly #mailbox: (() => void)[] = [];
  #starts = NO_STARTS;
  #shrunkAt = -Infinity;
  #surplusSince: number | undefined;
  #planAt = 0;
  #arrivalAt: number;
  #sleepAt: number;
  #awakeAt = -Infinity;
  #queue = 0;
  #plansAtOnce = 0;

  constructor({ config, habits, random }: { readonly config: PoolConfig; readonly habits: Partial<Habits>; readonly random: Seeded }) {
    this.config = config;
    this.habits = { ...CALM, ...habits };
    this.#random = random;
    this.#arrivalAt = this.#after(this.habits.arrivalMs);
    this.#sleepAt = this.#after(this.habits.sleepMs);
    this.#fork(config.startWorkers);
  }

  /** Changes what happens from now on. Clients that wait have given up. */
  become(habits: Partial<Habits>): void {
    this.habits = { ...CALM, ...habits };
    this.#queue = 0;
    this.#arrivalAt = this.#after(this.habits.arrivalMs);
    this.#sleepAt = this.#after(this.habits.sleepMs);
    for (const process of this.#processes.values()) {
      process.crashAt = this.#after(this.habits.crashMs);
      process.hangAt = this.#after(this.habits.hangMs);
    }
  }

  /** Lets this many events happen. */
  steps(count: number): void {
    for (let step = 0; step < count && !this.hasGivenUp; step++) this.#step();
  }

  /** Lets so much time pass. */
  pass(ms: number): void {
    const end = this.now + ms;
    while (this.#nextAt() <= end && !this.hasGivenUp) this.#step();
    this.now = end;
  }

  /** So many clients come at once. */
  arrive(count: number): void {
    this.#queue += count;
    this.#accept();
  }

  /** Clients that no worker has taken yet. */
  get queued(): number {
    return this.#queue;
  }

  /** Kills workers from outside, the oldest first. */
  crash(count: number): void {
    for (const process of [...this.#processes.values()].slice(0, count)) this.#exit(process);
  }

  /** A reload has taken another release: all workers so far are outdated. */
  takeRelease(): void {
    this.roster.release += 1;
    this.#planAt = this.now;
  }

  census(): { readonly living: number; readonly spare: number; readonly starting: number; readonly processes: number } {
    const census = takeCensus({ workers: this.roster.workers(this.now) });
    return { ...census, living: census.living.length };
  }

  // --- The world ----------------------------------------------------------------------------------------------------

  #nextAt(): number {
    let at = Math.min(Math.max(this.#planAt, this.#awakeAt), this.#arrivalAt, this.#sleepAt);
    for (const process of this.#processes.values()) at = Math.min(at, nextOf(process));
    return at;
  }

  #step(): void {
    const at = this.#nextAt();
    if (at < this.now) this.problems.push(`time went back from ${this.now} to ${at}`);
    this.now = at;
    if (this.#sleepAt === at) {
      this.#awakeAt = at + this.#random.wait(this.habits.asleepMs);
      this.#sleepAt = this.#awakeAt + this.#after(this.habits.sleepMs) - at;
    } else if (this.#arrivalAt === at) {
      this.#arrivalAt = this.#after(this.habits.arrivalMs);
      this.#queue += 1;
      this.#accept();
    } else if (Math.max(this.#planAt, this.#awakeAt) === at) {
      // The plan after a sleep has heard what waited: the supervisor reads it first.
      this.roster.listens(at);
      for (const deliver of this.#mailbox.splice(0)) deliver();
      this.#plan();
    } else {
      const process = [...this.#processes.values()].find((one) => nextOf(one) === at);
      if (process !== undefined) this.#happen(process, at);
    }
  }

  #happen(process: Process, at: number): void {
    if (process.exitAt === at || process.failsAt === at || process.crashAt === at) return this.#exit(process);
    if (process.hangAt === at) {
      process.isHung = true;
      return;
    }
    if (process.readyAt === at) {
      process.readyAt = Infinity;
      process.isReady = true;
      process.reportAt = at + this.config.heartbeatMs / 2;
      this.#tell(process, { type: 'ready', options: {} });
    } else if (process.reportAt === at) {
      process.reportAt = at + this.config.heartbeatMs / 2;
      this.#report(process);
    } else {
      process.clients = process.clients.filter((leavesAt) => leavesAt !== at);
      this.#report(process);
      this.#endIfDrained(process);
    }
    this.#accept();
  }

  /** Waiting clients are taken by workers that have room; which one is chance. */
  #accept(): void {
    while (this.#queue > 0) {
      const open = [...this.#processes.values()].filter((process) =>
        process.isReady && !process.isDraining && !process.isHung && process.exitAt === Infinity && process.clients.length < this.habits.mostClients);
      if (open.length === 0) return;
      const process = this.#random.pick(open);
      this.#queue -= 1;
      process.served += 1;
      process.clients.push(this.#after(this.habits.serviceMs));
      this.#report(process);
      if (process.served < this.habits.mostServed) continue;
      process.isDraining = true;
      this.#tell(process, { type: 'draining', reason: 'lifetimes' });
    }
  }

  #exit(process: Process): void {
    this.#processes.delete(process.id);
    this.#deliver(() => {
      const record = this.roster.get(process.id);
      if (record === undefined) return;
      this.roster.remove(process.id);
      if (record.readyAt === undefined && record.drain === undefined) {
        this.#starts = startFailed(this.#starts, { bornAt: record.bornAt, now: this.now, chance: this.#random.next() });
        this.hasGivenUp ||= shouldGiveUp(this.#starts);
      }
    });
  }

  #endIfDrained(process: Process): void {
    if (process.isDraining && !process.isHung && process.clients.length === 0) process.exitAt = Math.min(process.exitAt, this.now + 1);
  }

  #after(mean: number): number {
    return mean === Infinity ? Infinity : this.now + this.#random.wait(mean);
  }

  // --- Messages -----------------------------------------------------------------------------------------------------

  #report(process: Process): void {
    if (this.#random.chance(this.habits.loss)) return;
    this.#tell(process, {
      type: 'state',
      state: {
        clients: process.clients.length, served: process.served, copiesUsed: 0, accepting: true, permit: 'held', ordersSeen: 0, paused: [],
        reportMs: this.config.reportMs, pulseMs: Infinity, share: null, draining: process.isDraining,
      },
    });
  }

  #tell(process: Process, fact: ToMaster): void {
    this.#deliver(() => {
      const record = this.roster.get(process.id);
      if (record === undefined) return;
      hear(this.roster, record, fact, this.now);
      if (fact.type === 'ready' && record.phase === 'ready') this.#starts = startSucceeded();
      if (fact.type === 'draining') this.#drain(record, fact.reason);
    });
  }

  /** Everything that the master hears asks for a plan; a sleeping master hears it later. */
  #deliver(deliver: () => void): void {
    if (this.now < this.#awakeAt) {
      this.#mailbox.push(() => { this.#deliver(deliver); });
      return;
    }
    deliver();
    this.#planAt = this.now;
  }

  // --- The master, as the supervisor does it ------------------------------------------------------------------------

  #plan(): void {
    this.roster.listens(this.now);
    const snapshot = this.#snapshot();
    const { actions, nextAt } = plan(snapshot, this.config, this.now);
    if (nextAt <= this.now || nextAt > this.now + this.config.heartbeatMs) this.#broken(`the next plan is in ${nextAt - this.now} ms`);
    // Whatever was done asks for another look; a plan that never comes to an end at the same time is a fault.
    this.#planAt = actions.length > 0 ? this.now : nextAt;
    this.roster.looksAgainAt(this.#planAt);
    this.#plansAtOnce = actions.length > 0 ? this.#plansAtOnce + 1 : 0;
    if (this.#plansAtOnce > 1000) throw new Error(`The plan never rests: ${JSON.stringify(this.actions.slice(-5))}`);
    for (const action of actions) this.#perform(action);
    this.#judge(snapshot, actions);
  }

  #snapshot(): PoolSnapshot {
    const workers = this.roster.workers(this.now);
    this.#surplusSince = hasSurplus(takeCensus({ workers }), this.config) ? this.#surplusSince ?? this.now : undefined;
    return {
      workers, stopping: false, lastCall: false, deafMs: this.roster.deafMs, shrunkAt: this.#shrunkAt, surplusSince: this.#surplusSince,
      waiting: mayLackWorkers(takeCensus({ workers }), this.config) ? this.#queue : 0, retryAt: this.#starts.retryAt,
    };
  }

  #perform(action: Action): void {
    this.actions.push({ at: this.now, action });
    if (action.kind === 'fork') return this.#fork(action.count);
    const record = this.roster.get(action.workerId);
    if (record === undefined || record.killed !== undefined) return this.#broken(`${action.kind} of a worker that is gone`);
    if (action.kind === 'kill') {
      const deadline = record.drain?.deadline ?? this.now;
      if (action.reason === 'grace' && this.now > deadline && this.#awakeAt < deadline) this.#broken('kills after the deadline, although awake');
      record.killed = action.reason;
      const process = this.#processes.get(record.id);
      if (process !== undefined) process.exitAt = this.now + 1;
      return;
    }
    if ((action.reason === 'surplus' || action.reason === 'spare') && record.state.clients > 0) this.#broken(`${action.reason}: a busy worker retired`);
    if (action.reason === 'expired' && this.habits.loss === 0 && this.#processes.get(record.id)?.isHung === false) this.#broken('a healthy worker is taken for dead');
    if (record.phase !== 'ready') this.#broken(`${action.reason}: a ${record.phase} worker retired`);
    if (action.reason === 'surplus') this.#shrunkAt = this.now;
    this.#drain(record, action.reason);
  }

  #drain(record: WorkerRecord, reason: DrainReason): void {
    this.roster.drain(record, { reason, isOurs: true, deadline: this.now + this.config.graceMs });
    const process = this.#processes.get(record.id);
    if (process === undefined || process.isHung) return;
    process.isDraining = true;
    this.#endIfDrained(process);
  }

  #fork(count: number): void {
    const { now } = this;
    const { startMs, startFails, startHangs, crashMs, hangMs } = this.habits;
    for (let left = count; left > 0; left--) {
      const lifeMs = this.config.maxLifeMs === 0 ? Infinity : this.config.maxLifeMs * this.#random.between(0.9, 1);
      const { id } = this.roster.add({ process: deafProcess(this.roster.nextId), now, wallNow: now, lifeMs, share: null });
      const startAt = now + startMs * this.#random.between(0.5, 1.5);
      const fails = this.#random.chance(startFails);
      const hangs = !fails && this.#random.chance(startHangs);
      this.forkedAt.push(now);
      this.#processes.set(id, {
        id, readyAt: fails || hangs ? Infinity : startAt, failsAt: fails ? startAt : Infinity, reportAt: Infinity, crashAt: this.#after(crashMs),
        hangAt: this.#after(hangMs), exitAt: Infinity, clients: [], served: 0, isReady: false, isDraining: false, isHung: false,
      });
    }
  }

  /** Notes what is wrong with the pool after a plan. */
  #judge(before: PoolSnapshot, actions: readonly Action[]): void {
    const { config, now } = this;
    const workers = this.roster.workers(now);
    const lost = new Set(actions.map((action) => (action.kind === 'kill' || (action.kind === 'drain' && action.reason === 'expired') ? action.workerId : undefined)));
    const judged = takeCensus({ workers: before.workers.filter(({ id }) => !lost.has(id)) });
    const relieved = new Set(beingRelieved(judged, config, now).map(({ id }) => id));
    const staying = takeCensus({ workers: workers.filter(({ id }) => !relieved.has(id)) });
    const forks = actions.some(({ kind }) => kind === 'fork');
    const retires = actions.some((action) => action.kind === 'drain' && action.reason !== 'expired');

    if (staying.living.length > config.maxWorkers) this.#broken(`${staying.living.length} living workers`);
    // Those whom a reload has drained do not count: they must not hold the next reload up.
    const { processes } = takeCensus({ workers });
    if (processes > 2 * config.maxWorkers) this.#broken(`${processes} processes`);
    if (staying.starting > Math.max(config.maxStarting, config.startWorkers)) this.#broken(`${staying.starting} starting`);
    if (forks && retires) this.#broken('forks and retires in one plan');
    const overdue = before.workers.filter(({ drainDeadline = Infinity }) => now >= drainDeadline);
    if (overdue.some(({ id }) => this.roster.get(id)?.killed === undefined)) this.#broken('leaves a worker beyond its deadline');
    const isShort = staying.living.length < config.minWorkers || (staying.spare < config.minSpare && staying.living.length < config.maxWorkers);
    const mayFork = before.retryAt === undefined && staying.starting < config.maxStarting && workers.length < 2 * config.maxWorkers;
    const hung = before.workers.some((worker) => worker.phase === 'starting' && now >= bootDeadline(worker, config, before.deafMs));
    if (isShort && mayFork && !hung) this.#broken(`is short: ${staying.living.length} living, ${staying.spare} spare`);
  }

  #broken(problem: string): void {
    this.problems.push(`at ${this.now} ms: ${problem}`);
  }
}

function nextOf(process: Process): number {
  if (process.isHung) return process.exitAt;
  return Math.min(process.exitAt, process.readyAt, process.failsAt, process.reportAt, process.crashAt, process.hangAt, ...process.clients);
}
