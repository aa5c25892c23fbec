import type { EventEmitter } from 'node:events';
import { PreforkError } from '../errors.js';
import type { ListenAddress } from '../ipc/protocol.js';
import type { ResolvedOptions } from '../options/resolve.js';
import { outlived } from '../outlived.js';
import type { PoolObserver } from '../pool-event.js';
import type { ReloadResult, ServerEvents, UpgradeResult } from '../server-events.js';
import type { ServerStatus } from '../status.js';
import { AdminSide, metricsOf } from './admin-side.js';
import { ChangeOfMasters, type ChangeOfMastersParts, type MasterPhase } from './change-of-masters.js';
import { reportFailure } from './failure.js';
import { createOutbox } from './hearers.js';
import { reportLimits } from './limits-report.js';
import { codeListenError } from './listen-error.js';
import { obeySignals } from './obey-signals.js';
import { isSystemds, nameOfBound, openSocket, type OpenSocket } from './open-socket.js';
import { OptionsInForce } from './options-in-force.js';
import type { Outbox } from './outbox.js';
import { createPool, type Pool, type PoolParts } from './pool.js';
import type { StopReason } from './pool-stop.js';
import { atProcessExit } from './process-exit.js';
import { Readiness } from './readiness.js';
import type { ReloadOptions } from './reload-host.js';
import { systemdService, type Service } from './service.js';
import { ServerEnd } from './server-end.js';
import { newTally, reportStatus } from './status-report.js';
import { Roster } from './roster.js';
import type { Supervisor } from './supervisor.js';
import { warner } from './unasked.js';
import type { UpgradeOptions } from './upgrades.js';
import { waitUntil } from './wait-until.js';

/** What a master is made of. */
export interface MasterParts extends Pick<PoolParts, 'clock' | 'spawn' | 'spawnOptions' | 'source'>, Pick<ChangeOfMastersParts, 'program' | 'upgrades' | 'inheritance'> {
  readonly options: ResolvedOptions;
  /** Follows every event and change of the status. */
  readonly observer?: PoolObserver | undefined;
}

const NO_RELEASE = { release: 1, mixed: false };

/** The master's side of a server: binds, starts the pool, and ends it. */
export class Master {
  readonly #outbox: Outbox;
  readonly #parts: MasterParts;
  readonly #readiness = new Readiness();
  readonly #options: OptionsInForce;
  #phase: MasterPhase = 'binding';
  #open: OpenSocket | undefined;
  #pool: Pool | undefined;
  readonly #service: Service | undefined;
  readonly #startedAt: number;
  readonly #admin = new AdminSide();
  #isPaused: boolean;
  readonly #change: ChangeOfMasters;
  #failure: Error | undefined;
  readonly #end: ServerEnd;
  readonly #removals: (() => void)[] = [];

  constructor(parts: MasterParts) {
    this.#parts = parts;
    this.#options = new OptionsInForce(parts.options, (options) => { this.#pool?.supervisor.configure(options); });
    this.#startedAt = parts.clock.wallNow();
    this.#outbox = createOutbox(parts.clock, parts.options.process, parts.observer);
    this.#end = new ServerEnd({
      clock: parts.clock,
      times: () => this.#options.current.pool,
      begin: (reason) => this.#beginEnd(reason), alone: () => this.#change.alone,
      delayed: () => { this.#outbox.emit('status'); },
      drain: async (graceMs, reason) => { await this.#pool?.supervisor.stop(graceMs, reason); },
      close: (wasRunning) => this.#close(wasRunning),
    });
    if (parts.options.process.notifies) this.#service = systemdService({ clock: parts.clock, status: () => this.status() });
    if (this.#service !== undefined) this.#outbox.observe(this.#service.heard);
    this.#isPaused = parts.inheritance?.socket.paused ?? false;
    this.#change = new ChangeOfMasters({
      ...parts, outbox: this.#outbox, admin: this.#admin, service: this.#service,
      options: () => this.#options.current,
      phase: () => this.#phase,
      socket: () => this.#open,
      isReloading: () => this.#pool?.releases.reloads.isRunning === true,
      status: () => this.status(),
      isPaused: () => this.#isPaused, pause: (on) => { this.pause(on); },
      ready: () => { this.#readiness.resolve(); },
      accept: () => { this.#pool?.supervisor.pause(this.#isPaused); },
      leave: (reason) => this.#end.leave(reason),
      end: (grace) => this.shutdown(grace),
    });
    const { handlesSignals, upgradeSignal } = parts.options.process;
    if (handlesSignals) {
      this.#removals.push(obeySignals({
        clock: parts.clock, outbox: this.#outbox, server: this, upgradeSignal,
        isRunning: () => this.#phase === 'running',
        hurry: () => this.#end.hurry(),
        killAll: () => { this.#change.kill(); this.#pool?.supervisor.killAll(); },
        upgrade: () => { this.#change.upgradeUnasked(); },
      }));
    }
    // ShutdownChildren: when this process ends without a drain.
    this.#removals.push(atProcessExit(() => { this.#leave(); }));
    void this.#start();
  }

  #leave(): void {
    if (this.#options.current.process.endsWorkers) this.#pool?.supervisor.killAll();
    // Otherwise its file would stay; the workers have copies of their own.
    this.#open?.socket.close();
    this.#admin.close();
  }

  ready(): Promise<void> { return this.#readiness.wait(); }

  get address(): ListenAddress | undefined { return this.#open?.socket.address; }

  get events(): EventEmitter<ServerEvents> { return this.#outbox.events; }

  get isStopped(): boolean { return this.#phase === 'stopped'; }

  /** What made the server end without being asked to. */
  get failure(): Error | undefined { return this.#failure; }

  /** Adds an internal observer of every event and every change of the status. */
  observe(observer: PoolObserver): void { this.#outbox.observe(observer, { status: true }); }

  /** The pool, from its start to its very end. @throws PreforkError ERR_PREFORK_STATE before its start, and if there never was one */
  pool(call: string): Supervisor {
    if (this.#pool !== undefined) return this.#pool.supervisor;
    throw new PreforkError('ERR_PREFORK_STATE', `${call}() needs a running pool: await ready() before it, and call it before shutdown().`, { cause: this.#failure });
  }

  waitUntil(predicate: (status: ServerStatus) => boolean, signal: AbortSignal | undefined): Promise<ServerStatus> {
    return this.#readiness.during(() => waitUntil(this, predicate, signal));
  }

  status(): ServerStatus {
    const supervisor = this.#pool?.supervisor;
    const { listen, process: { alias } } = this.#options.current;
    return reportStatus({
      alias, clock: this.#parts.clock, startedAt: this.#startedAt, limits: reportLimits({ ...this.#options.current, backlog: this.#pool?.queue.limit ?? listen.backlog }), queued: this.#pool?.queue.queued(),
      address: this.address, paused: this.#isPaused || this.#change.isHeld, stopping: this.#phase === 'stopping' || this.#phase === 'stopped',
      admin: this.#admin.where,
      release: supervisor === undefined ? NO_RELEASE : this.#pool?.releases.status(supervisor.release) ?? NO_RELEASE,
      roster: supervisor?.roster ?? new Roster(), tally: supervisor?.tally ?? newTally(),
    });
  }

  metrics(): string { return metricsOf(this.status()); }
  pause(on: boolean): void {
    this.#isPaused = on;
    this.#pool?.supervisor.pause(on || this.#change.isHeld);
    this.#change.paused(on);
  }

  configure(change: unknown): void { this.#options.configure(change); }

  reload(options: ReloadOptions): Promise<ReloadResult> { return outlived(this.#reload(options), warner(this.#outbox)); }
  async #reload(options: ReloadOptions): Promise<ReloadResult> {
    if (this.#pool === undefined || this.#phase !== 'running') {
      throw new PreforkError('ERR_PREFORK_STATE', 'reload() needs a running pool: await ready() before it, and call it before shutdown().', { cause: this.#failure });
    }
    if (this.#change.isRunning) throw new PreforkError('ERR_PREFORK_STATE', 'reload() was called during an upgrade: wait for its end.');
    return this.#pool.releases.reloads.request(options);
  }

  upgrade(options: UpgradeOptions): Promise<UpgradeResult> { return this.#change.upgrade(options); }

  /** @param grace - seconds; see ServerEnd */
  shutdown(grace?: number): Promise<void> {
    if (this.#phase !== 'stopped') this.#change.abandon();
    return this.#end.ask(grace);
  }

  async #start(): Promise<void> {
    // Callers can still add their listeners in the turn in which they construct the server.
    await Promise.resolve();
    try {
      const { listen } = this.#options.current;
      await this.#admin.start(this.#options.current.process.admin, this, { isSuccessor: this.#change.isSuccessor });
      const open = await openSocket(listen, this.#parts.inheritance);
      // shutdown() was called meanwhile.
      if (this.#end.hasBegun) {
        open.socket.close();
        return;
      }
      this.#open = open;
      this.#phase = 'running';
      this.#startPool(open);
      this.#outbox.emit('listening', open.socket.address);
      const { started } = listen;
      if (started !== undefined) this.#outbox.run(() => { started({ args: listen.args }); });
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  #startPool(open: OpenSocket): void {
    const { clock, source, spawn, spawnOptions } = this.#parts;
    this.#pool = createPool({
      clock, source, spawn, spawnOptions, socket: open.socket,
      outbox: this.#outbox,
      configured: this.#options.configured,
      options: () => this.#options.current,
      setOptions: (options) => { this.#options.set(options); },
      accepting: () => {
        this.#readiness.resolve();
        this.#change.accepted();
      },
      broken: (error) => {
        if (error instanceof Error) return this.#fail(error);
        this.#fail(codeListenError({ operation: 'listen', code: error.listenCode, errno: 0, where: nameOfBound(open) }));
      },
      shutdownAsked: () => { void this.shutdown(); }, isShared: () => isSystemds(open) || this.#change.isShared, isEnding: () => this.#end.hasBegun,
    });
    if (this.#isPaused || this.#change.isHeld) this.#pool.supervisor.pause(true);
    this.#pool.supervisor.start();
  }

  /** Reports, once, that the server cannot work, and leaves nothing behind. */
  #fail(error: Error): void {
    if (this.#phase === 'stopped' || (this.#phase === 'stopping' && !this.#end.isDelayed)) return;
    this.#failure = error;
    this.#change.failed(error);
    const { isAwaited } = this.#readiness;
    this.#readiness.reject(error);
    void this.shutdown(0);
    reportFailure(error, { outbox: this.#outbox, failed: this.#options.current.listen.failed, isAwaited });
  }

  /** @returns whether the server was running */
  #beginEnd(reason: StopReason): boolean {
    const wasRunning = this.#phase === 'running';
    this.#phase = 'stopping';
    if (wasRunning && reason === 'shutdown') this.#change.stopping();
    return wasRunning;
  }

  async #close(wasRunning: boolean): Promise<void> {
    this.#pool?.ticketKeys?.stop();
    this.#open?.socket.close();
    this.#phase = 'stopped';
    await this.#change.ended();
    await this.#service?.close();
    for (const remove of this.#removals) remove();
    this.#readiness.reject(new PreforkError('ERR_PREFORK_STATE', 'The server was shut down before it was ready.'));
    const { stopped } = this.#options.current.listen;
    if (wasRunning && stopped !== undefined) this.#outbox.run(() => { stopped(); });
    this.#outbox.emit('status');
    this.#admin.close();
  }
}
