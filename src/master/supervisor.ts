import type { Clock, Timer } from '../clock.js';
import type { SendHandle } from 'node:child_process';
import { PROTOCOL_VERSION } from '../ipc/protocol.js';
import type { ListenAddress, ToMaster } from '../ipc/protocol.js';
import { takeCensus } from '../policy/census.js';
import { plan } from '../policy/plan.js';
import type { DrainReason, KillReason } from '../policy/reasons.js';
import type { Action, WorkerConfig } from '../policy/snapshot.js';
import type { GivenOptions } from '../options/given.js';
import type { Thresholds } from '../options/thresholds.js';
import { PoolEvents, type Emit } from './events.js';
import { exitReason } from './exits.js';
import { PermitOffice } from './permit-office.js';
import { PoolHistory } from './pool-history.js';
import type { Release } from './release.js';
import type { ReloadWatcher } from './reload.js';
import { Roster, isBlockedWorker, type WorkerRecord } from './roster.js';
import { newTally, type Tally } from './status-report.js';
import { Workforce } from './workforce.js';
import type { Exit, Spawn, SpawnOptions, WorkerEvents } from './worker-process.js';

/** What the supervisor is made of. */
export interface SupervisorParts {
  readonly clock: Clock;
  readonly spawn: Spawn;
  readonly spawnOptions: (captureStderr: boolean, release: Release) => SpawnOptions;
  /** What the first workers run. */
  readonly release: Release;
  readonly thresholds: Thresholds;
  readonly address: ListenAddress;
  readonly handle: SendHandle;
  /** What a worker is welcomed with besides its configuration. */
  readonly welcome: { readonly token: string; readonly backlog: number; readonly endWithMaster: boolean };
  /** Holders of permits in a large pool. */
  readonly holders: number;
  /** A number from 0 to 1. */
  readonly random: () => number;
  readonly emit: Emit;
  /** A worker may take clients, for the first time. */
  readonly accepting: () => void;
  /** The pool cannot work: nobody can listen, or no worker starts. */
  readonly broken: (error: Error | { readonly listenCode: string }) => void;
  /** Hears of everything that a reload waits for. */
  readonly reloads?: ReloadWatcher;
  /** A worker's callback asks for the end of the pool. */
  readonly shutdownAsked: () => void;
}

/** At least this often the master looks, so that it notices when it stood still itself. */
const LISTEN_MS = 500;

/** How much longer than its clients a draining worker may live, to say goodbye and to end by itself. */
const FAREWELL_MS = 250;

/** The jitter of MaxServerLifeTime: each worker lives up to so much less. */
const LIFE_JITTER = 0.1;

/** Owns the workers: tells the roster what happened, asks the plan, and performs what it says. */
export class Supervisor {
  readonly roster: Roster = new Roster();
  readonly tally: Tally = newTally();
  readonly #parts: SupervisorParts;
  readonly #workforce: Workforce;
  readonly #history = new PoolHistory();
  readonly #office: PermitOffice;
  readonly #events: PoolEvents;
  #thresholds: Thresholds;
  #release: Release;
  #paused = false;
  #stopping: { graceMs: number; gone: () => void } | undefined;
  #isPlanDue = false;
  #timer: Timer | undefined;
  #hasAccepted = false;
  /** What a worker on trial is welcomed with: it has to be heard of more often. */
  #trialConfig: WorkerConfig | undefined;

  constructor(parts: SupervisorParts) {
    this.#parts = parts;
    this.#thresholds = parts.thresholds;
    this.#release = parts.release;
    const { handle } = parts;
    this.#events = new PoolEvents(parts.emit);
    this.#workforce = new Workforce(parts.spawn);
    this.#office = new PermitOffice({ roster: this.roster, handle, send: (id, order, copy) => this.#workforce.send(id, order, copy) });
  }

  get isStopping(): boolean {
    return this.#stopping !== undefined;
  }

  /** Forks the first workers. */
  start(): void {
    this.#fork(this.#thresholds.pool.startWorkers);
    this.#requestPlan();
  }

  /** Changes thresholds and limits of the running pool. */
  configure(thresholds: Thresholds): void {
    this.#thresholds = thresholds;
    this.#workforce.tell({ type: 'configure', config: thresholds.worker });
    for (const record of this.roster.all()) record.lifeMs = this.#drawLifeMs();
    this.#requestPlan();
  }

  pause(on: boolean): void {
    this.#paused = on;
    this.#workforce.tell({ type: on ? 'pause' : 'resume' });
    this.#changed();
  }

  /** Forks workers beyond what the plan asks for, up to MaxServer. @returns how many */
  born(count: number): number {
    const { living } = takeCensus({ workers: this.roster.workers(this.#parts.clock.now()) });
    const room = Math.min(count, this.#thresholds.pool.maxWorkers - living.length, 2 * this.#thresholds.pool.maxWorkers - this.roster.size);
    this.#fork(Math.max(room, 0));
    return Math.max(room, 0);
  }

  /** Drains a worker. @returns false if there is none with this pid, or it drains already */
  term(pid: number): boolean {
    const record = this.roster.withPid(pid);
    return record !== undefined && this.#drain(record, 'asked');
  }

  /** Ends a worker at once. @returns false if there is none with this pid */
  kill(pid: number): boolean {
    const record = this.roster.withPid(pid);
    if (record === undefined) return false;
    this.#kill(record, 'asked');
    return true;
  }

  /** Sends a message of the user's own. @returns false if there is no such worker */
  post(pid: number, message: unknown): boolean {
    const record = this.roster.withPid(pid);
    return record !== undefined && this.#workforce.post(record.id, message);
  }

  /** The release that the pool is to run. */
  get release(): Release {
    return this.#release;
  }

  /** Starts one worker of another release outside the pool, with heartbeats this far apart at the most. @returns its id */
  startTrial(release: Release, heartbeatMs: number): number {
    const { worker } = this.#thresholds;
    this.#trialConfig = { ...worker, heartbeatMs: Math.min(worker.heartbeatMs, heartbeatMs) };
    const { id } = this.#start(release, { trial: true });
    this.#changed();
    return id;
  }

  /** From now on the pool consists of this release; the plan lets others make way. */
  promote(release: Release): void {
    this.#release = release;
    this.roster.release = release.number;
    this.#history.renewed();
    for (const record of this.roster.all()) {
      if (!record.trial) continue;
      record.trial = false;
      this.#workforce.send(record.id, { type: 'configure', config: this.#thresholds.worker });
    }
    this.#changed();
  }

  /** Ends a worker on trial. */
  killTrial(id: number): void {
    const record = this.roster.get(id);
    if (record !== undefined) this.#kill(record, 'trial');
  }

  /** Drains every worker; resolves when the last one is gone. A later call can only shorten the grace. */
  async stop(graceMs: number): Promise<void> {
    const deadline = this.#parts.clock.now() + graceMs + FAREWELL_MS;
    for (const record of this.roster.all()) {
      if (record.drain !== undefined) record.drain = { ...record.drain, deadline: Math.min(record.drain.deadline, deadline) };
    }
    this.#parts.reloads?.stop();
    if (this.#stopping !== undefined) { this.#requestPlan(); return; }
    await new Promise<void>((gone) => {
      this.#stopping = { graceMs, gone };
      this.#timer?.cancel();
      this.#plan();
      if (this.roster.size === 0) gone();
    });
    this.#timer?.cancel();
  }

  /** Ends every worker at once. */
  killAll(): void {
    this.#workforce.killAll();
  }

  // --- Decide and act -----------------------------------------------------------------------------------------------

  /** A message may ask for an early plan; it never acts itself. */
  #requestPlan(): void {
    if (this.#isPlanDue) return;
    this.#isPlanDue = true;
    this.#parts.clock.soon(() => {
      this.#isPlanDue = false;
      this.#plan();
    });
  }

  #plan(): void {
    const { clock } = this.#parts;
    const { pool, worker } = this.#thresholds;
    const now = clock.now();
    this.roster.listens(now);
    const snapshot = this.#history.snapshot(this.roster, { pool, stopping: this.isStopping, now });
    const { actions, nextAt } = plan(snapshot, pool, now);
    this.#beat(now);
    for (const action of actions) this.#perform(action, now);
    this.#parts.reloads?.progress();
    let lookAt = nextAt;
    if (!this.isStopping) {
      const single = Math.min(worker.maxClients ?? Infinity, worker.concurrency ?? Infinity) <= 1;
      const mostClients = pool.maxPoolClients === 0 ? Infinity : pool.maxPoolClients;
      lookAt = Math.min(lookAt, this.#office.update({ holders: this.#parts.holders, single, mostClients, servedByGone: this.tally.servedByGone, now }));
    }
    this.#timer?.cancel();
    if (this.roster.size === 0 && this.isStopping) return;
    const dueAt = Math.max(Math.min(lookAt, now + LISTEN_MS), now + 1);
    this.roster.looksAgainAt(dueAt);
    // Through requestPlan: after a time in which this process stood still, what workers have said meanwhile is read first.
    this.#timer = clock.after(dueAt - now, () => { this.#requestPlan(); });
  }

  /** The master's own heartbeat, once per MasterHeartBeatTime and worker. Its purpose is to find broken channels. */
  #beat(now: number): void {
    for (const record of this.roster.all()) {
      if (record.heartbeatUnanswered || now - record.heardAt < this.#thresholds.pool.heartbeatMs) continue;
      record.heartbeatUnanswered = true;
      this.#workforce.send(record.id, { type: 'heartbeat' });
    }
  }

  #perform(action: Action, now: number): void {
    switch (action.kind) {
      case 'fork': return this.#fork(action.count);
      case 'drain': {
        const record = this.roster.get(action.workerId);
        if (record === undefined || !this.#drain(record, action.reason)) return;
        if (action.reason === 'surplus') this.#history.shrunk(now);
        return;
      }
      case 'kill': {
        const record = this.roster.get(action.workerId);
        if (record !== undefined) this.#kill(record, action.reason);
      }
    }
  }

  #fork(count: number): void {
    for (let left = count; left > 0; left--) this.#start(this.#release);
    if (count > 0) this.#changed();
  }

  /** Starts one worker; the last words of one on trial are kept. */
  #start(release: Release, { trial = false }: { readonly trial?: boolean } = {}): WorkerRecord {
    const { clock, spawnOptions } = this.#parts;
    const id = this.roster.nextId;
    const pid = this.#workforce.start(id, this.#listen(id), spawnOptions(trial || this.#history.isFailing, release));
    const share = this.#thresholds.pool.maxPoolClients === 0 ? null : 0;
    const record = this.roster.add({ pid, now: clock.now(), wallNow: clock.wallNow(), lifeMs: this.#drawLifeMs(), share, release: release.number, trial });
    this.tally.born += 1;
    this.#events.born(record);
    return record;
  }

  #drawLifeMs(): number {
    const { maxLifeMs } = this.#thresholds.pool;
    return maxLifeMs === 0 ? Infinity : maxLifeMs * (1 - LIFE_JITTER * this.#parts.random());
  }

  #drain(record: WorkerRecord, reason: DrainReason): boolean {
    const wasStarting = record.phase === 'starting';
    if (!this.#beginDrain(record, reason, true)) return false;
    const graceMs = this.#graceMs;
    // It has no client yet, and may not even listen to orders.
    if (wasStarting) this.#workforce.kill(record.id);
    else this.#workforce.send(record.id, { type: 'drain', reason, graceMs: graceMs === Infinity ? null : graceMs });
    return true;
  }

  /** Notes a drain, whoever began it. The deadline is fixed here. */
  #beginDrain(record: WorkerRecord, reason: DrainReason, isOurs: boolean): boolean {
    if (!this.roster.drain(record, { reason, isOurs, deadline: this.#parts.clock.now() + this.#graceMs + FAREWELL_MS })) return false;
    this.#events.drains(record, reason);
    if (record.trial) this.#parts.reloads?.ended(record.id);
    this.#changed();
    return true;
  }

  get #graceMs(): number {
    return this.#stopping?.graceMs ?? this.#thresholds.pool.graceMs;
  }

  #kill(record: WorkerRecord, reason: KillReason): void {
    record.killed ??= reason;
    this.#workforce.kill(record.id);
    if (record.trial && reason !== 'trial') this.#parts.reloads?.ended(record.id);
    this.#changed();
  }

  // --- What happened ------------------------------------------------------------------------------------------------

  /** What a worker's process tells, as long as it is in the roster. */
  #listen(id: number): WorkerEvents {
    const known = (tell: (record: WorkerRecord) => void): void => {
      const record = this.roster.get(id);
      if (record !== undefined) tell(record);
    };
    return {
      fact: (fact) => { known((record) => { this.#heard(record, fact); }); },
      exit: (exit) => { known((record) => { this.#exited(record, exit); }); },
      garbled: () => { known((record) => { this.#events.garbled(record); }); },
      message: (message) => { known((record) => { this.#events.message(record, message); }); },
      hung: (report) => { known((record) => { this.#events.hung(record, report); }); },
    };
  }

  #heard(record: WorkerRecord, fact: ToMaster): void {
    const now = this.#parts.clock.now();
    const wasBlocked = isBlockedWorker(record, now);
    this.roster.apply(record, fact, now);
    if (record.trial) this.#parts.reloads?.heard(record.id);
    switch (fact.type) {
      case 'hello': return this.#welcome(record, fact.version);
      case 'ready': return this.#ready(record, fact.options);
      case 'pulse':
        if (wasBlocked) this.#changed();
        return;
      case 'state':
      case 'heartbeat': return this.#reported(record);
      case 'draining': return void this.#beginDrain(record, fact.reason, false);
      case 'boot-failed':
        this.#parts.reloads?.bootFailed(record.id, fact.error);
        return this.#events.failed(record, fact.error);
      case 'failed': return this.#events.failed(record, fact.error);
      case 'listen-failed':
        this.#events.failed(record, { name: 'Error', message: fact.message, code: fact.code, where: 'listen' });
        if (!this.#hasAccepted) this.#parts.broken({ listenCode: fact.code });
        return;
      case 'shutdown-all': return this.#parts.shutdownAsked();
    }
  }

  #welcome(record: WorkerRecord, version: number): void {
    if (version !== PROTOCOL_VERSION) {
      this.#events.foreignVersion(record, version);
      this.#parts.reloads?.foreignVersion(record.id);
      return this.#kill(record, 'boot');
    }
    const { welcome, address } = this.#parts;
    this.#workforce.send(record.id, {
      type: 'welcome', ...welcome, address, config: (record.trial ? this.#trialConfig : undefined) ?? this.#thresholds.worker, paused: this.#paused, share: record.shareOrdered,
    });
  }

  #ready(record: WorkerRecord, options: GivenOptions): void {
    if (record.phase !== 'ready') return;
    if (!record.trial) this.#history.workerReady(record);
    this.#events.ready(record, this.#parts.clock.now());
    this.#parts.reloads?.ready(record, options);
    this.#changed();
  }

  #reported(record: WorkerRecord): void {
    if (!record.trial) this.#history.heard(record, this.#parts.clock.now());
    if (!this.#hasAccepted && record.phase === 'ready' && record.state.copiesUsed > 0) {
      this.#hasAccepted = true;
      this.#parts.accepting();
    }
    this.#changed();
  }

  #exited(record: WorkerRecord, exit: Exit): void {
    this.roster.remove(record.id);
    this.#workforce.remove(record.id);
    const reason = exitReason(record, exit);
    this.tally.exits[reason] += 1;
    this.tally.servedByGone += record.state.served;
    this.#events.exited(record, exit, reason);
    if (!this.isStopping && !record.trial && this.#history.isFailedStart(record, this.#parts.clock.now())) this.#startFailed(record, exit);
    this.#parts.reloads?.exited(record.id, exit);
    this.#changed();
    if (this.roster.size === 0) this.#stopping?.gone();
  }

  #startFailed(record: WorkerRecord, exit: Exit): void {
    const { clock, random } = this.#parts;
    const outlook = this.#history.startFailed(record, { now: clock.now(), chance: random() });
    const error = this.#events.startFailed(record, exit, outlook);
    if (outlook.nextMs === undefined) this.#parts.broken(error);
    const { pid, release, readyAt } = record;
    this.#parts.reloads?.startFailed({ pid, release, wasReady: readyAt !== undefined }, exit, outlook.failures);
  }

  #changed(): void {
    this.#requestPlan();
    this.#events.status();
  }
}
