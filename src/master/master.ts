import type { EventEmitter } from 'node:events';
import type { Clock } from '../clock.js';
import { asError, PreforkError } from '../errors.js';
import type { ListenAddress } from '../ipc/protocol.js';
import { resolveChange, type ResolvedOptions } from '../options/resolve.js';
import type { PoolObserver } from '../pool-event.js';
import type { ReloadResult, ServerEvents, UpgradeResult } from '../server-events.js';
import type { ServerStatus } from '../status.js';
import { AdminSide, type AdminAccess } from './admin-side.js';
import { watchAcceptQueue, type AcceptQueue } from './accept-queue.js';
import { publishWorkers } from './diagnostics.js';
import { reportFailure } from './failure.js';
import { logTo } from './log.js';
import { LameDuck } from './lame-duck.js';
import { reportLimits } from './limits-report.js';
import { codeListenError } from './listen-error.js';
import type { ListeningSocket } from './listening-socket.js';
import { openSocket } from './open-socket.js';
import { Outbox } from './outbox.js';
import { createPool, type Pool } from './pool.js';
import type { Inheritance } from './predecessor.js';
import { Readiness } from './readiness.js';
import type { Release, ReleaseSource } from './release.js';
import type { ReloadOptions } from './reload-host.js';
import { systemdService, type Service } from './service.js';
import { handleSignals } from './signals.js';
import { newTally, reportStatus } from './status-report.js';
import { writeToStderr } from './stderr.js';
import { Succession } from './succession.js';
import { Roster } from './roster.js';
import type { Supervisor } from './supervisor.js';
import { UnheardErrors } from './unheard.js';
import { UpgradeError } from './upgrade-error.js';
import type { UpgradableServer, UpgradeOptions, Upgrades } from './upgrades.js';
import { waitUntil } from './wait-until.js';
import type { Spawn, SpawnOptions } from './worker-process.js';

/** What a master is made of. */
export interface MasterParts {
  readonly options: ResolvedOptions;
  readonly clock: Clock;
  readonly spawn: Spawn;
  readonly spawnOptions: (captureStderr: boolean, release: Release) => SpawnOptions;
  readonly source: ReleaseSource;
  /** Follows every event and change of the status. */
  readonly observer?: PoolObserver | undefined;
  /** The main script of this process, which need not be that of its workers. */
  readonly program: ReleaseSource;
  readonly upgrades: Upgrades;
  /** The server that this one takes over from. */
  readonly inheritance: Inheritance | undefined;
}

const NO_RELEASE = { release: 1, mixed: false };

/** The master's side of a server: binds, starts the pool, and ends it. */
export class Master {
  readonly #outbox: Outbox;
  readonly #parts: MasterParts;
  readonly #readiness = new Readiness();
  #options: ResolvedOptions;
  #phase: 'binding' | 'running' | 'stopping' | 'stopped' = 'binding';
  #socket: ListeningSocket | undefined;
  #socketName = '';
  #pool: Pool | undefined;
  #queue: AcceptQueue | undefined;
  readonly #configured = new Set<string>();
  readonly #service: Service | undefined;
  readonly #startedAt: number;
  readonly #admin = new AdminSide();
  #isPaused: boolean;
  readonly #succession: Succession | undefined;
  readonly #upgradable: UpgradableServer;
  /** What waits until the predecessor has let go. */
  #openAdminLater: (() => void) | undefined;
  #failure: Error | undefined;
  #stopped: Promise<void> | undefined;
  /** How long clients have, once the pool drains: the shortest that was asked for. */
  #graceMs = Infinity;
  readonly #lameDuck: LameDuck;
  #isDraining = false;
  readonly #removeSignals: (() => void) | undefined;

  constructor(parts: MasterParts) {
    this.#parts = parts;
    this.#options = parts.options;
    this.#startedAt = parts.clock.wallNow();
    this.#lameDuck = new LameDuck(parts.clock);
    this.#outbox = new Outbox(parts.clock, new UnheardErrors(parts.clock, writeToStderr));
    const { alias, logger, notifies } = parts.options.process;
    this.#outbox.observe(publishWorkers(alias));
    if (parts.observer !== undefined) this.#outbox.observe(parts.observer, { status: true });
    if (logger !== undefined) this.#outbox.setLog(logTo(logger, alias));
    if (notifies) this.#service = systemdService({ clock: parts.clock, status: () => this.status() });
    if (this.#service !== undefined) this.#outbox.observe(this.#service.heard);
    this.#isPaused = parts.inheritance?.socket.paused ?? false;
    this.#succession = this.#succeed(parts.inheritance);
    this.#upgradable = this.#describe();
    parts.upgrades.add(this.#upgradable);
    const { handlesSignals, upgradeSignal } = parts.options.process;
    if (handlesSignals) {
      this.#removeSignals = handleSignals({
        clock: parts.clock, drain: () => this.shutdown(), hurry: () => this.#lameDuck.end(), killAll: () => this.#pool?.supervisor.killAll(), reload: () => { this.#reloadUnasked(); },
        upgrade: upgradeSignal === undefined ? undefined : { signal: upgradeSignal, begin: () => { this.#upgradeUnasked(); } },
      });
    }
    // ShutdownChildren: when this process ends without a drain.
    process.once('exit', this.#onExit);
    void this.#start();
  }

  readonly #onExit = (): void => {
    if (this.#options.process.endsWorkers) this.#pool?.supervisor.killAll();
    // Its file would stay; the workers have copies of their own.
    this.#socket?.close();
    this.#admin.close();
  };

  ready(): Promise<void> {
    return this.#readiness.wait();
  }

  get address(): ListenAddress | undefined {
    return this.#socket?.address;
  }

  get events(): EventEmitter<ServerEvents> {
    return this.#outbox.events;
  }

  /** What made the server end by itself. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** The pool, from its start to its very end. @throws PreforkError ERR_PREFORK_STATE before, and if there never was one */
  pool(call: string): Supervisor {
    if (this.#pool !== undefined) return this.#pool.supervisor;
    throw new PreforkError('ERR_PREFORK_STATE', `${call}() needs a running pool: await ready() before it, and call it before shutdown().`, { cause: this.#failure });
  }

  waitUntil(predicate: (status: ServerStatus) => boolean, signal: AbortSignal | undefined): Promise<ServerStatus> {
    return this.#readiness.during(() => waitUntil(this, predicate, signal));
  }

  get isStopped(): boolean {
    return this.#phase === 'stopped';
  }

  status(): ServerStatus {
    const { clock } = this.#parts;
    const supervisor = this.#pool?.supervisor;
    const { listen, process: { alias } } = this.#options;
    return reportStatus({
      alias, clock, startedAt: this.#startedAt, limits: reportLimits({ ...this.#options, backlog: this.#queue?.limit ?? listen.backlog }), queued: this.#queue?.queued(),
      address: this.address, paused: this.#isPaused || this.#isHeld, stopping: this.#phase === 'stopping' || this.#phase === 'stopped',
      admin: this.#admin.where,
      release: supervisor === undefined ? NO_RELEASE : this.#pool?.releases.status(supervisor.release) ?? NO_RELEASE,
      roster: supervisor?.roster ?? new Roster(), tally: supervisor?.tally ?? newTally(),
    });
  }

  pause(on: boolean): void {
    this.#isPaused = on;
    this.#pool?.supervisor.pause(on || this.#isHeld);
  }

  configure(change: unknown): void {
    this.#setOptions(resolveChange(this.#options, change));
    for (const name of Object.keys(change as object)) this.#configured.add(name);
  }

  #setOptions(options: ResolvedOptions): void {
    this.#options = options;
    this.#pool?.supervisor.configure(options);
  }

  async reload(options: ReloadOptions): Promise<ReloadResult> {
    if (this.#pool === undefined || this.#phase !== 'running') {
      throw new PreforkError('ERR_PREFORK_STATE', 'reload() needs a running pool: await ready() before it, and call it before shutdown().', { cause: this.#failure });
    }
    if (this.#parts.upgrades.isRunning) throw new PreforkError('ERR_PREFORK_STATE', 'reload() was called during an upgrade: wait for its end.');
    return this.#pool.releases.reloads.request(options);
  }

  /** A signal asks for it: what comes of it is said by events. */
  #reloadUnasked(): void {
    if (this.#phase !== 'running') return;
    this.reload({}).catch((error: unknown) => {
      if (this.events.listenerCount('reload:failed') === 0) process.emitWarning(asError(error));
    });
  }

  async upgrade(options: UpgradeOptions): Promise<UpgradeResult> {
    try {
      const result = await this.#parts.upgrades.request(options);
      this.#outbox.emit('upgrade:done', result);
      return result;
    } catch (error) {
      if (error instanceof UpgradeError) this.#outbox.emit('upgrade:failed', { error });
      throw error;
    }
  }

  /** A signal asks for it. Of several servers of a program each hears of it, and one does it for all. */
  #upgradeUnasked(): void {
    if (this.#phase !== 'running' || this.#parts.upgrades.isRunning) return;
    this.upgrade({}).catch((error: unknown) => {
      if (!this.#outbox.isHeard('upgrade:failed')) process.emitWarning(asError(error));
    });
  }

  /** @param grace - seconds; undefined = GraceExpireTime, and with 0 there is no ShutdownDelay either. Asked for later, it ends that. */
  shutdown(grace?: number): Promise<void> {
    if (this.#phase !== 'stopped') this.#parts.upgrades.abandon();
    const { graceMs, shutdownDelayMs } = this.#options.pool;
    if (this.#stopped === undefined) {
      this.#graceMs = grace === undefined ? graceMs : grace * 1000;
      this.#stopped = this.#stop(grace === 0 ? 0 : shutdownDelayMs);
    } else if (grace !== undefined) {
      this.#graceMs = Math.min(this.#graceMs, grace * 1000);
      if (this.#isDraining) void this.#pool?.supervisor.stop(this.#graceMs);
      else this.#lameDuck.end();
    }
    return this.#stopped;
  }

  // --- Taking over, and handing over ----------------------------------------------------------------------------------

  /** Whether clients are left to a predecessor. */
  get #isHeld(): boolean {
    return this.#succession?.isHeld ?? false;
  }

  #succeed(inheritance: Inheritance | undefined): Succession | undefined {
    if (inheritance === undefined) return undefined;
    const { target } = this.#options.listen;
    const succession = new Succession({
      inheritance,
      mode: target.kind === 'unix' ? target.mode : undefined,
      status: () => this.status(),
      isPaused: () => this.#isPaused,
      ready: () => { this.#readiness.resolve(); },
      accept: () => { this.#pool?.supervisor.pause(this.#isPaused); },
      over: () => {
        if (this.#socket?.isInherited === true) this.#socket.file = inheritance.socket.file ?? undefined;
        this.#openAdminLater?.();
        if (this.#phase === 'running') this.#service?.ready();
      },
      end: () => this.shutdown(),
    });
    this.#outbox.observe(succession.heard);
    return succession;
  }

  #describe(): UpgradableServer {
    const { alias, handlesSignals } = this.#options.process;
    return {
      alias,
      program: this.#parts.program,
      notifies: this.#service !== undefined,
      endsProcess: handlesSignals,
      settleMs: () => this.#options.pool.settleMs,
      objection: () => {
        if (this.#phase !== 'running' || this.#isHeld) return this.#phase === 'binding' || this.#isHeld ? 'does not run yet: await ready() before it.' : 'shuts down.';
        return this.#pool?.releases.reloads.isRunning === true ? 'reloads: wait for its end.' : undefined;
      },
      describe: () => {
        const { fd = -1, address = '', file = null } = this.#socket ?? {};
        return { fd, target: this.#socketName, address, file, paused: this.#isPaused };
      },
      handOver: async (pid) => {
        await this.#service?.handOver(pid);
        this.#admin.close();
        if (this.#socket !== undefined) this.#socket.file = undefined;
      },
      leave: () => {
        this.#graceMs = Math.min(this.#graceMs, this.#options.pool.graceMs);
        return this.#stopped ??= this.#stop(0, 'upgrade');
      },
    };
  }

  async #start(): Promise<void> {
    // Callers may add their listeners in the turn of the construction.
    await Promise.resolve();
    try {
      const { listen } = this.#options;
      await this.#openAdmin();
      const { socket, where, name } = await openSocket(listen, this.#parts.inheritance);
      // shutdown() was called meanwhile.
      if (this.#stopped !== undefined) {
        socket.close();
        return;
      }
      this.#socket = socket;
      this.#socketName = name;
      this.#queue = watchAcceptQueue({ handle: socket.handle, backlog: listen.backlog });
      this.#phase = 'running';
      this.#startPool(socket, where);
      this.#outbox.emit('listening', socket.address);
      const { started } = listen;
      if (started !== undefined) this.#outbox.run(() => { started({ args: listen.args }); });
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  async #openAdmin(): Promise<void> {
    const { admin } = this.#options.process;
    if (admin === undefined) return;
    const access: AdminAccess = {
      status: () => this.status(),
      observe: (observer) => { this.#outbox.observe(observer, { status: true }); },
      actions: {
        reload: () => this.reload({}),
        pause: (on) => { this.pause(on); },
        shutdown: () => { void this.shutdown(); },
        term: (pid) => this.pool('term').term(pid),
        kill: (pid) => this.pool('kill').kill(pid),
      },
    };
    if (this.#succession === undefined) await this.#admin.open(admin, access);
    else this.#openAdminLater = await this.#admin.openBeside(admin, access);
  }

  #startPool(socket: ListeningSocket, where: string): void {
    const { clock, source, spawn, spawnOptions } = this.#parts;
    this.#pool = createPool({
      clock, source, spawn, spawnOptions, socket,
      outbox: this.#outbox,
      configured: this.#configured,
      options: () => this.#options,
      setOptions: (options) => { this.#setOptions(options); },
      accepting: () => {
        this.#readiness.resolve();
        if (this.#succession !== undefined) this.#succession.accepted();
        else if (this.#phase === 'running') this.#service?.ready();
      },
      broken: (error) => {
        if (error instanceof Error) return this.#fail(error);
        const { listenCode: code } = error;
        const at = typeof socket.address === 'string' ? socket.address : where.replace(/:0$/, `:${socket.address.port}`);
        this.#fail(codeListenError({ operation: 'listen', code, errno: 0, where: at }));
      },
      shutdownAsked: () => { void this.shutdown(); },
    });
    if (this.#isPaused || this.#isHeld) this.#pool.supervisor.pause(true);
    this.#pool.supervisor.start();
  }

  /** Says once that the server cannot work, and leaves nothing behind. */
  #fail(error: Error): void {
    if (this.#phase === 'stopping' || this.#phase === 'stopped') return;
    this.#failure = error;
    this.#succession?.failed(error);
    const { isAwaited } = this.#readiness;
    this.#readiness.reject(error);
    void this.shutdown(0);
    reportFailure(error, { outbox: this.#outbox, failed: this.#options.listen.failed, isAwaited });
  }

  async #stop(delayMs: number, reason: 'shutdown' | 'upgrade' = 'shutdown'): Promise<void> {
    const wasRunning = this.#phase === 'running';
    this.#phase = 'stopping';
    if (wasRunning && reason === 'shutdown') this.#service?.stopping();
    if (wasRunning && delayMs > 0) {
      this.#outbox.emit('status');
      await this.#lameDuck.wait(delayMs);
    }
    this.#isDraining = true;
    // Those who wait in the kernel's queue are taken first.
    await this.#pool?.supervisor.stop(this.#graceMs, reason);
    this.#pool?.ticketKeys?.stop();
    this.#socket?.close();
    this.#phase = 'stopped';
    this.#parts.upgrades.remove(this.#upgradable);
    await this.#service?.close();
    this.#removeSignals?.();
    process.off('exit', this.#onExit);
    this.#readiness.reject(new PreforkError('ERR_PREFORK_STATE', 'The server was shut down before it was ready.'));
    const { stopped } = this.#options.listen;
    if (wasRunning && stopped !== undefined) this.#outbox.run(() => { stopped(); });
    this.#outbox.emit('status');
    this.#admin.close();
  }
}
