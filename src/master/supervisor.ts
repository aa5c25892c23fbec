import type { Clock, Timer } from '../clock.js';
import type { SendHandle } from 'node:child_process';
import { PROTOCOL_VERSION } from '../ipc/protocol.js';
import type { ListenAddress, ToMaster, WorkerState } from '../ipc/protocol.js';
import { takeCensus } from '../policy/census.js';
import { plan } from '../policy/plan.js';
import type { DrainReason, KillReason } from '../policy/reasons.js';
import type { Action, WorkerConfig } from '../policy/snapshot.js';
import type { GivenOptions } from '../options/given.js';
import type { Thresholds } from '../options/thresholds.js';
import { PoolEvents, type Emit } from './events.js';
import { Lifecycle } from './lifecycle.js';
import { PermitOffice } from './permit-office.js';
import { PoolHistory } from './pool-history.js';
import type { Release } from './release.js';
import type { ReloadWatcher } from './reload.js';
import { Roster } from './roster.js';
import { isBlockedWorker, type WorkerRecord } from './worker-record.js';
import type { Tally } from './status-report.js';
import { UserMessages } from './user-messages.js';
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
  readonly welcome: { readonly backlog: number; readonly endWithMaster: boolean; readonly ticketKeys: string | null };
  /** Holders of permits in a large pool. */
  readonly holders: number;
  /** A number from 0 to 1. */
  readonly random: () => number;
  readonly emit: Emit;
  /** Whether anyone listens to worker:message. */
  readonly isHeard: () => boolean;
  /** A worker may take clients, for the first time. */
  readonly accepting: () => void;
  /** The pool cannot work: nobody can listen, or no worker starts. */
  readonly broken: (error: Error | { readonly listenCode: string }) => void;
  /** The pool stops, and the kernel's queue is served: the socket may be closed. */
  readonly served: () => void;
  /** Hears of everything that a reload waits for. */
  readonly reloads?: ReloadWatcher;
  /** A worker's callback asks for the end of the pool. */
  readonly shutdownAsked: () => void;
}

/** At least this often the master looks, so that it notices when it stood still itself. */
const LISTEN_MS = 500;

/** How long a pool that stops goes on to accept, at most, until the kernel's queue is empty. */
const LAST_CALL_MS = 1000;

/** Owns the workers: tells the roster what happened, asks the plan, and performs what it says. */
export class Supervisor {
  readonly roster: Roster = new Roster();
  readonly #parts: SupervisorParts;
  readonly #history = new PoolHistory();
  readonly #office: PermitOffice;
  readonly #events: PoolEvents;
  readonly #lifecycle: Lifecycle;
  readonly messages: UserMessages;
  #thresholds: Thresholds;
  #release: Release;
  #paused = false;
  #stopping: { graceMs: number; readonly reason: 'shutdown' | 'upgrade'; readonly gone: () => void } | undefined;
  /** Ends the last call; undefined unless the pool stops and still takes those who wait in the kernel's queue. */
  #lastCall: Timer | undefined;
  #isPlanDue = false;
  /** Workers that stood still at the last look. */
  #blocked = 0;
  #timer: Timer | undefined;
  #hasAccepted = false;
  /** What a worker on trial is welcomed with: it has to be heard of more often. */
  #trialConfig: WorkerConfig | undefined;

  constructor(parts: SupervisorParts) {
    this.#parts = parts;
    this.#thresholds = parts.thresholds;
    const { clock, handle, random, spawn, spawnOptions } = parts;
    const { roster } = this;
    this.#release = parts.release;
    this.#events = new PoolEvents(parts.emit);
    this.#lifecycle = new Lifecycle({
      clock, random, spawn, spawnOptions, roster, history: this.#history, events: this.#events, listen: (id) => this.#listen(id),
    });
    this.messages = new UserMessages(roster, parts.emit, parts.isHeard);
    this.#office = new PermitOffice({ roster, handle, send: (id, order, copy) => roster.get(id)?.process.send(order, copy) ?? false });
  }

  get isStopping(): boolean {
    return this.#stopping !== undefined;
  }

  get tally(): Tally {
    return this.#lifecycle.tally;
  }

  /** Forks the first workers. */
  start(): void {
    this.#fork(this.#thresholds.pool.startWorkers);
    this.#requestPlan();
  }

  /** Changes thresholds and limits of the running pool. */
  configure(thresholds: Thresholds): void {
    this.#thresholds = thresholds;
    this.roster.tell({ type: 'configure', config: thresholds.worker });
    this.#lifecycle.redraw(thresholds);
    this.#requestPlan();
  }

  pause(on: boolean): void {
    this.#paused = on;
    this.roster.tell({ type: on ? 'pause' : 'resume' });
    this.#changed();
  }

  /** Forks workers beyond what the plan asks for, up to MaxServer. @returns how many */
  born(count: number): number {
    if (this.isStopping) return 0;
    const { living } = takeCensus({ workers: this.roster.workers(this.#parts.clock.now()) });
    const room = Math.min(count, this.#thresholds.pool.maxWorkers - living.length, 2 * this.#thresholds.pool.maxWorkers - this.roster.size);
    this.#fork(Math.max(room, 0));
    return Math.max(room, 0);
  }

  /** Drains a worker. @returns false if there is none with this pid, or it drains already */
  term(pid: number): boolean {
    const record = this.roster.withPid(pid);
    return record === undefined ? false : this.#drain(record, 'asked');
  }

  /** Ends a worker at once. @returns false if there is none with this pid */
  kill(pid: number): boolean {
    const record = this.roster.withPid(pid);
    if (record === undefined) return false;
    this.#kill(record, 'asked');
    return true;
  }

  /** The release that the pool is to run. */
  get release(): Release {
    return this.#release;
  }

  /** Starts one worker of another release outside the pool, with heartbeats this far apart at the most. @returns its id */
  startTrial(release: Release, heartbeatMs: number): number {
    const { worker } = this.#thresholds;
    this.#trialConfig = { ...worker, heartbeatMs: Math.min(worker.heartbeatMs, heartbeatMs) };
    const { id } = this.#lifecycle.start(release, this.#thresholds, { trial: true });
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
      record.process.send({ type: 'configure', config: this.#thresholds.worker });
    }
    this.#changed();
  }

  /** Ends a worker on trial. */
  killTrial(id: number): void {
    const record = this.roster.get(id);
    if (record !== undefined) this.#kill(record, 'trial');
  }

  /** Drains every worker; resolves when the last one is gone. A later call can only shorten the grace. */
  async stop(graceMs: number, reason: 'shutdown' | 'upgrade' = 'shutdown'): Promise<void> {
    for (const record of this.roster.all()) this.#lifecycle.hurry(record, graceMs);
    if (this.#stopping !== undefined) {
      this.#stopping.graceMs = Math.min(this.#stopping.graceMs, graceMs);
      this.#requestPlan();
      return;
    }
    this.#parts.reloads?.stop();
    await new Promise<void>((gone) => {
      this.#stopping = { graceMs, reason, gone };
      if (this.#lastCallMs > 0) this.#lastCall = this.#parts.clock.after(this.#lastCallMs, () => { this.#endLastCall(); });
      this.#timer?.cancel();
      this.#plan();
      this.#endLastCallIfServed();
      if (this.roster.size === 0) gone();
    });
    this.#timer?.cancel();
  }

  /** How long those who wait in the kernel's queue are still taken. A paused pool takes no one, and after an upgrade others do. */
  get #lastCallMs(): number {
    return this.#paused || this.#stopping?.reason === 'upgrade' ? 0 : Math.min(this.#stopping?.graceMs ?? 0, LAST_CALL_MS);
  }

  #endLastCallIfServed(): void {
    if (this.#stopping !== undefined && !this.roster.all().some(({ isLastCall }) => isLastCall)) this.#endLastCall();
  }

  #endLastCall(): void {
    this.#lastCall?.cancel();
    this.#lastCall = undefined;
    // First here: then a worker that still accepts is the last to close its copy.
    this.#parts.served();
    for (const record of this.roster.all()) this.#lifecycle.endLastCall(record);
  }

  /** Ends every worker at once. */
  killAll(): void {
    for (const { process } of this.roster.all()) process.kill();
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
    this.#noteBlocked(now);
    let lookAt = nextAt;
    if (!this.isStopping || this.#lastCall !== undefined) {
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

  /** That a worker stands still is not announced by anyone: the status changes as time passes. */
  #noteBlocked(now: number): void {
    const blocked = this.roster.all().filter((record) => isBlockedWorker(record, now)).length;
    if (blocked !== this.#blocked) this.#events.status();
    this.#blocked = blocked;
  }

  /** The master's own heartbeat, once per MasterHeartBeatTime and worker. Its purpose is to find broken channels. */
  #beat(now: number): void {
    for (const record of this.roster.all()) {
      if (record.heartbeatUnanswered || now - record.heardAt < this.#thresholds.pool.heartbeatMs) continue;
      record.heartbeatUnanswered = true;
      record.process.send({ type: 'heartbeat' });
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
    for (let left = count; left > 0; left--) this.#lifecycle.start(this.#release, this.#thresholds);
    if (count > 0) this.#changed();
  }

  #drain(record: WorkerRecord, asked: DrainReason): boolean {
    const reason = asked === 'shutdown' ? this.#stopping?.reason ?? asked : asked;
    const hasBegun = this.#lifecycle.drain(record, reason, { graceMs: this.#graceMs, lastCallMs: reason === 'shutdown' ? this.#lastCallMs : 0 });
    if (hasBegun) this.#drains(record);
    return hasBegun;
  }

  get #graceMs(): number {
    return this.#stopping?.graceMs ?? this.#thresholds.pool.graceMs;
  }

  #kill(record: WorkerRecord, reason: KillReason): void {
    this.#lifecycle.kill(record, reason);
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
      message: (message) => { known((record) => { this.messages.heardRaw(record, message); }); },
      hung: (report) => { known((record) => { this.#events.hung(record, report); }); },
    };
  }

  #heard(record: WorkerRecord, fact: ToMaster): void {
    const now = this.#parts.clock.now();
    const wasBlocked = isBlockedWorker(record, now);
    this.roster.heard(record, now);
    if (record.trial) this.#parts.reloads?.heard(record.id);
    switch (fact.type) {
      case 'hello': return this.#welcome(record, fact.version);
      case 'ready': return this.#ready(record, fact.options, now);
      case 'pulse':
        if (wasBlocked) this.#changed();
        return;
      case 'heartbeat':
        record.vitals = fact.vitals;
        return this.#reported(record, fact.state, now);
      case 'state': return this.#reported(record, fact.state, now);
      case 'draining':
        if (this.#lifecycle.drainsItself(record, fact.reason, this.#graceMs)) this.#drains(record);
        return;
      case 'boot-failed':
        this.#parts.reloads?.bootFailed(record.id, fact.error);
        return this.#events.failed(record, fact.error);
      case 'failed': return this.#events.failed(record, fact.error);
      case 'listen-failed':
        this.#events.failed(record, { name: 'Error', message: fact.message, code: fact.code, where: 'listen' });
        if (!this.#hasAccepted) this.#parts.broken({ listenCode: fact.code });
        return;
      case 'shutdown-all': return this.#parts.shutdownAsked();
      case 'message':
      case 'broadcast': return this.messages.heard(record, fact);
    }
  }

  #welcome(record: WorkerRecord, version: number): void {
    // Once: what a client says may look like another greeting.
    if (record.isWelcome) return;
    record.isWelcome = true;
    if (version !== PROTOCOL_VERSION) {
      this.#events.foreignVersion(record, version);
      this.#parts.reloads?.foreignVersion(record.id);
      return this.#kill(record, 'boot');
    }
    const { welcome, address } = this.#parts;
    record.process.send({
      type: 'welcome', ...welcome, address, config: (record.trial ? this.#trialConfig : undefined) ?? this.#thresholds.worker, paused: this.#paused, share: record.shareOrdered,
    });
  }

  #ready(record: WorkerRecord, options: GivenOptions, now: number): void {
    if (!this.roster.ready(record, now)) return;
    if (!record.trial) this.#history.workerReady(record);
    this.#events.ready(record, now);
    this.#parts.reloads?.ready(record, options);
    this.#changed();
  }

  #reported(record: WorkerRecord, state: WorkerState, now: number): void {
    this.roster.report(record, state, now);
    if (!record.trial) this.#history.heard(record, now);
    // One that found the queue empty speaks for all.
    if (record.isLastCall && state.draining) {
      record.isLastCall = false;
      this.#endLastCall();
    }
    if (!this.#hasAccepted && record.phase === 'ready' && state.copiesUsed > 0) {
      this.#hasAccepted = true;
      this.#parts.accepting();
    }
    this.#changed();
  }

  #exited(record: WorkerRecord, exit: Exit): void {
    const failure = this.#lifecycle.exited(record, exit, { stopping: this.isStopping });
    this.#parts.reloads?.exited(record.id, exit);
    if (failure !== undefined) {
      const { pid, release, readyAt } = record;
      if (failure.isFinal) this.#parts.broken(failure.error);
      this.#parts.reloads?.startFailed({ pid, release, wasReady: readyAt !== undefined }, exit, failure.failures);
    }
    this.#changed();
    if (this.#lastCall !== undefined) this.#endLastCallIfServed();
    if (this.roster.size === 0) this.#stopping?.gone();
  }

  #drains(record: WorkerRecord): void {
    if (record.trial) this.#parts.reloads?.ended(record.id);
    this.#changed();
  }

  #changed(): void {
    this.#requestPlan();
    this.#events.status();
  }
}
