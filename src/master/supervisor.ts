import type { SendHandle } from 'node:child_process';
import type { Clock } from '../clock.js';
import type { ListenAddress } from '../ipc/protocol.js';
import { takeCensus } from '../policy/census.js';
import type { DrainReason, KillReason } from '../policy/reasons.js';
import type { Action } from '../policy/snapshot.js';
import type { Thresholds } from '../options/thresholds.js';
import { PoolEvents, type Emit } from './events.js';
import { Lifecycle } from './lifecycle.js';
import { PermitOffice, type PermitOfficeParts } from './permit-office.js';
import { PlanLoop } from './plan-loop.js';
import { PoolHistory } from './pool-history.js';
import { PoolStop, type PoolStopParts, type StopReason } from './pool-stop.js';
import type { Release } from './release.js';
import type { ReloadWatcher } from './reload.js';
import { Roster } from './roster.js';
import { answerSignalled } from './signalled.js';
import type { Tally } from './status-report.js';
import { TrialWorkers } from './trial-workers.js';
import { UserMessages } from './user-messages.js';
import { WorkerFacts } from './worker-facts.js';
import type { Exit, Spawn, SpawnOptions } from './worker-process.js';
import type { WorkerRecord } from './worker-record.js';

/** What the supervisor is made of. */
export interface SupervisorParts extends Pick<PermitOfficeParts, 'openFiles'>, Pick<PoolStopParts, 'isShared' | 'served'> {
  readonly clock: Clock;
  readonly spawn: Spawn;
  readonly spawnOptions: (captureStderr: boolean, release: Release) => SpawnOptions;
  /** What the first workers run. */
  readonly release: Release;
  readonly thresholds: Thresholds;
  readonly address: ListenAddress;
  readonly handle: SendHandle;
  /** Clients that wait in the kernel; undefined where their number is unknown. */
  readonly queued: () => number | undefined;
  /** What a new worker is sent besides its configuration. */
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
  /** The pool cannot work: it cannot listen, or no worker starts. */
  readonly broken: (error: Error | { readonly listenCode: string }) => void;
  /** Is told of everything that a reload waits for. */
  readonly reloads?: ReloadWatcher;
  /** A worker's callback asks for the end of the pool. */
  readonly shutdownAsked: () => void;
  /** Whether the server ends, or will after ShutdownDelay. */
  readonly isEnding: () => boolean;
}

/** Owns the workers: records what happens in the roster, asks the plan, and carries it out. */
export class Supervisor {
  readonly roster: Roster = new Roster();
  readonly #parts: SupervisorParts;
  readonly #history = new PoolHistory();
  readonly #events: PoolEvents;
  readonly #lifecycle: Lifecycle;
  readonly messages: UserMessages;
  #thresholds: Thresholds;
  #release: Release;
  #paused = false;
  readonly #stop: PoolStop;
  readonly #plan: PlanLoop;
  readonly #facts: WorkerFacts;
  readonly #trials: TrialWorkers;

  constructor(parts: SupervisorParts) {
    this.#parts = parts;
    this.#thresholds = parts.thresholds;
    this.#release = parts.release;
    const { clock, handle, random, spawn, spawnOptions } = parts;
    const { roster } = this;
    const events = new PoolEvents(parts.emit);
    const thresholds = (): Thresholds => this.#thresholds;
    const queued = (): number | undefined => (this.#paused ? 0 : parts.queued());
    const lifecycle = new Lifecycle({ firsts: parts.thresholds.pool.startWorkers, clock, random, spawn, spawnOptions, roster, events, history: this.#history, listen: (id) => this.#facts.listen(id) });
    this.#events = events;
    this.#lifecycle = lifecycle;
    this.messages = new UserMessages(roster, parts.emit, parts.isHeard);
    this.#trials = new TrialWorkers({ roster, lifecycle, thresholds });
    this.#stop = new PoolStop({ clock, roster, lifecycle, isPaused: () => this.#paused, isShared: parts.isShared, queued, served: parts.served });
    this.#plan = new PlanLoop({
      clock, roster, events, thresholds, history: this.#history, stop: this.#stop, holders: parts.holders,
      office: new PermitOffice({ roster, handle, openFiles: parts.openFiles, send: (id, order, copy) => roster.get(id)?.process.send(order, copy) ?? false }),
      servedByGone: () => this.tally.servedByGone, queued,
      perform: (action, now) => { this.#perform(action, now); },
      done: () => { parts.reloads?.progress(); },
    });
    this.#facts = new WorkerFacts({
      clock, roster, events, history: this.#history, messages: this.messages,
      reloads: parts.reloads, accepting: parts.accepting, shutdownAsked: parts.shutdownAsked,
      exited: (record, exit) => { this.#exited(record, exit); },
      welcome: (record) => ({
        type: 'welcome', ...parts.welcome, address: parts.address, config: this.#trials.configFor(record), paused: this.#paused, share: record.shareOrdered,
      }),
      kill: (record, reason) => { this.#kill(record, reason); },
      drainsItself: (record, reason, graceMs = this.#graceMs) => { if (this.#lifecycle.drainsItself(record, reason, graceMs ?? Infinity)) this.#drains(record, reason); },
      signalled: ({ id }) => { answerSignalled(id, { clock, roster, isEnding: parts.isEnding, drain: (record) => this.#drain(record, 'asked', false) }); },
      lastCallEnded: (isQueueEmpty) => { this.#stop.lastCallEnded(isQueueEmpty); },
      loaded: () => { this.born(lifecycle.firstStarts(this.#thresholds.pool)); },
      cannotListen: (listenCode) => { parts.broken({ listenCode }); },
      changed: () => { this.#changed(); },
    });
  }

  get isStopping(): boolean { return this.#stop.hasBegun; }
  get tally(): Tally { return this.#lifecycle.tally; }

  /** The release that the pool is to run. */
  get release(): Release { return this.#release; }

  /** Forks the first workers. */
  start(): void {
    this.born(this.#lifecycle.firstStarts(this.#thresholds.pool));
    this.#plan.request();
  }

  /** Changes thresholds and limits of the running pool. */
  configure(thresholds: Thresholds): void {
    this.#thresholds = thresholds;
    this.roster.tell({ type: 'configure', config: thresholds.worker });
    this.#lifecycle.redraw(thresholds);
    this.#plan.request();
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
    const { maxWorkers } = this.#thresholds.pool;
    const room = Math.max(Math.min(count, maxWorkers - living.length, 2 * maxWorkers - this.roster.size), 0);
    this.#fork(room);
    return room;
  }

  /** Drains a worker. @returns false if there is none with this pid, or it is draining already */
  term(pid: number): boolean {
    const record = this.roster.withPid(pid);
    return record !== undefined && this.#drain(record, 'asked');
  }

  /** Ends a worker at once. @returns false if there is none with this pid */
  kill(pid: number): boolean {
    const record = this.roster.withPid(pid);
    if (record !== undefined) this.#kill(record, 'asked');
    return record !== undefined;
  }

  /** Starts one worker of another release outside the pool, with heartbeats no further apart than this. @returns its id */
  startTrial(release: Release, heartbeatMs: number): number {
    const id = this.#trials.start(release, heartbeatMs);
    this.#changed();
    return id;
  }

  /** From now on the pool consists of this release; the plan makes others give way. One that is still starting serves no clients and may hang: it is killed at once. */
  promote(release: Release): void {
    this.#release = release;
    this.roster.release = release.number;
    this.#history.renewed();
    this.#trials.join();
    for (const record of this.roster.all()) if (record.phase === 'starting' && record.release !== release.number) this.#drain(record, 'reload');
    this.#changed();
  }

  /** Ends a worker on trial. */
  killTrial(id: number): void {
    const record = this.roster.get(id);
    if (record !== undefined) this.#kill(record, 'trial');
  }

  /** Drains every worker; resolves when the last one is gone. A later call can only shorten the grace. */
  async stop(graceMs: number, reason: StopReason = 'shutdown'): Promise<void> {
    this.#stop.hurry(graceMs);
    if (this.isStopping) { this.#plan.request(); return; }
    this.#parts.reloads?.stop();
    await this.#stop.begin(graceMs, reason, () => { this.#plan.run(); this.#events.status(); });
    this.#plan.cancel();
  }

  /** Ends every worker at once. */
  killAll(): void { for (const { process } of this.roster.all()) process.kill(); }

  #perform(action: Action, now: number): void {
    const record = action.kind === 'fork' ? undefined : this.roster.get(action.workerId);
    switch (action.kind) {
      case 'fork': return this.#fork(action.count);
      case 'drain':
        if (record !== undefined && this.#drain(record, action.reason) && action.reason === 'surplus') this.#history.shrunk(now);
        return;
      case 'kill':
        if (record !== undefined) this.#kill(record, action.reason);
    }
  }

  #fork(count: number): void {
    for (let left = count; left > 0; left--) this.#lifecycle.start(this.#release, this.#thresholds);
    if (count > 0) this.#changed();
  }

  /** @param isOurs - the master itself wants it */
  #drain(record: WorkerRecord, asked: DrainReason, isOurs = true): boolean {
    const reason = asked === 'shutdown' ? this.#stop.reason : asked;
    const hasBegun = this.#lifecycle.drain(record, reason, { isOurs, graceMs: this.#graceMs, lastCallMs: asked === 'shutdown' ? this.#stop.lastCallMs : 0 });
    if (hasBegun) this.#drains(record, reason);
    return hasBegun;
  }

  get #graceMs(): number { return this.#stop.graceMs ?? this.#thresholds.pool.graceMs; }

  #kill(record: WorkerRecord, reason: KillReason): void {
    this.#lifecycle.kill(record, reason);
    if (record.trial && reason !== 'trial') this.#parts.reloads?.givenUp(record.id, reason);
    this.#changed();
  }

  #exited(record: WorkerRecord, exit: Exit): void {
    const failure = this.#lifecycle.exited(record, exit, { stopping: this.isStopping });
    this.#parts.reloads?.exited(record.id, exit);
    if (failure !== undefined) {
      if (failure.isFinal) this.#parts.broken(failure.error);
      this.#parts.reloads?.startFailed({ pid: record.pid, release: record.release, wasReady: record.readyAt !== undefined }, exit, failure.failures);
    }
    this.#changed();
    this.#stop.exited();
  }

  #drains(record: WorkerRecord, reason: DrainReason): void {
    if (record.trial) this.#parts.reloads?.givenUp(record.id, reason);
    this.#changed();
  }

  #changed(): void {
    this.#plan.request();
    this.#events.status();
  }
}
