import type { EventEmitter } from 'node:events';
import { checkCount, checkedEvent, checkOptions, checkWait, inMaster, notInMaster, withOptions, type ShutdownOptions } from './calls.js';
import type { AnyFilter } from './filters/filter.js';
import type { FilterName } from './filters/resolve.js';
import type { LineFilter } from './filters/line.js';
import type { ListenAddress } from './ipc/protocol.js';
import type { Master } from './master/master.js';
import type { ReloadOptions } from './master/reload-host.js';
import type { UpgradeOptions } from './master/upgrades.js';
import { masterMaker } from './master-side.js';
import type { ChangeableOptions, PreforkTcpServerOptions } from './options/options.js';
import * as messages from './own-messages.js';
import { aliasOf, resolveOptions } from './options/resolve.js';
import { takeRole, workerEnvironment } from './role.js';
import type { ReloadResult, ServerEvents, UpgradeResult } from './server-events.js';
import type { ServerStatus } from './status.js';
import { testKit } from './test-kit.js';
import type { WorkerRuntime } from './worker/runtime.js';
import { startWorker } from './worker/start-worker.js';

/**
 * A TCP server whose clients are served by a pool of worker processes, forked before any client comes, which accept on
 * one shared socket. The process that constructs it is the **master**: it binds the socket, runs the pool, and never
 * accepts. The master runs the same script again in each worker; there this constructor makes it the **worker**, with
 * the callbacks given there. Any other PreforkTcpServer in a worker is **inert**: it does nothing.
 *
 * @typeParam Own - the user's own fields in `heap`
 * @typeParam F - the filter of the clients' input, or its name; with Given, its parameters in `[class, parameters]`, the type of `input`
 */
export class PreforkTcpServer<Own extends object = object, F extends AnyFilter | FilterName = LineFilter, const Given = unknown> implements AsyncDisposable {
  /** The server's name: the Alias option. */
  readonly alias: string;
  /** The name of its manager, for `kernel.post`: the MasterAlias option. */
  readonly masterAlias: string;
  /** Whether this process runs the pool. */
  readonly isMaster: boolean;
  /** Whether this process serves clients. */
  readonly isWorker: boolean;
  readonly #master: Master | undefined;
  readonly #worker: WorkerRuntime | undefined;

  /** @throws PreforkError ERR_PREFORK_OPTION with everything that is wrong with the options */
  constructor(options: PreforkTcpServerOptions<Own, F, Given>) {
    const kit = testKit();
    const used = kit === undefined ? options : kit.options(options);
    const taken = takeRole({ alias: aliasOf(used) });
    const resolved = resolveOptions(used, taken.role);
    this.alias = resolved.process.alias;
    this.masterAlias = resolved.process.masterAlias;
    this.isMaster = taken.role === 'master';
    this.isWorker = taken.role === 'worker';
    if (taken.role === 'master') this.#master = masterMaker()(resolved, { ordinal: taken.ordinal, environment: workerEnvironment, observer: kit?.observe(this) });
    if (taken.role === 'worker') this.#worker = startWorker(resolved, taken.mark, taken.reports);
  }

  /**
   * Master: resolves when the socket is bound and the first worker accepts. Worker: after ServerStarted. Inert: at once, so
   * that a script which awaits its servers one by one reaches the one that this process is a worker of.
   *
   * @throws PreforkError ERR_PREFORK_LISTEN if the address cannot be listened on (`cause` is the system's error),
   *   ERR_PREFORK_WORKER_BOOT if no worker starts, ERR_PREFORK_STATE if it was shut down before
   */
  ready(): Promise<void> {
    return this.#master?.ready() ?? this.#worker?.ready() ?? Promise.resolve();
  }

  /** Where it listens, as net.Server's `address()`: an object with the port resolved, the path of a Unix socket, or null before it is bound. */
  address(): ListenAddress | null {
    return this.#master?.address ?? this.#worker?.address ?? null;
  }

  /** A snapshot of the pool. @throws PreforkError ERR_PREFORK_STATE outside the master */
  status(): ServerStatus {
    return this.#inMaster('status').status();
  }

  /**
   * The pool in Prometheus' text format, version 0.0.4, with the Alias as the label `server`: made from `status()`, for a
   * program that has an HTTP server of its own. The option Admin serves it as /metrics.
   *
   * @throws PreforkError ERR_PREFORK_STATE outside the master
   */
  metrics(): string {
    return this.#inMaster('metrics').metrics();
  }

  /** Stops accepting in every worker. Clients can still connect: they wait in the kernel's queue. */
  pause(): void {
    this.#inMaster('pause').pause(true);
  }

  /** Accepts again, starting with the clients that waited. Workers that are paused for a reason of their own stay paused. */
  resume(): void {
    this.#inMaster('resume').pause(false);
  }

  /** Forks more workers, within MaxServer. @returns how many */
  born(count = 1): number {
    checkCount('born', count);
    return this.#inMaster('born').pool('born').born(count);
  }

  /** Drains a worker; it is replaced if the pool needs it. @returns false if there is none with this pid, or it is draining already */
  term(pid: number): boolean {
    return this.#inMaster('term').pool('term').term(pid);
  }

  /** Ends a worker at once, with its clients. @returns false if there is none with this pid */
  kill(pid: number): boolean {
    return this.#inMaster('kill').pool('kill').kill(pid);
  }

  /**
   * Changes options of the running pool, those that ChangeableOptions names; those not given stay as they are.
   *
   * @throws PreforkError ERR_PREFORK_OPTION with everything that is wrong; then nothing is changed
   */
  configure(change: ChangeableOptions): void {
    this.#inMaster('configure').configure(change);
  }

  /**
   * Moves the pool to a new release of its script. Symbolic links are resolved anew, and one worker is started on trial: it has
   * to become ready, live for the settle time and pass the check before it takes a client. Then it joins the pool, and the others
   * are replaced, a quarter of MaxServer at a time, each drained once its successor is ready. Until then, and if the release
   * fails, the old one serves. Sessions are not cut: a worker that drains lets its clients finish, within GraceExpireTime.
   *
   * Resolves when the last worker of the old release has begun to drain. A call during a reload causes one more after it.
   * A failure that the program does not handle becomes a process warning, unless `reload:failed` has a listener.
   *
   * @throws PreforkError ERR_PREFORK_RELOAD with `reason` ('boot', 'crashed', 'hung', 'check', 'options' or 'version'), `pid`,
   *   `exit` and `stderr` of the worker that failed; ERR_PREFORK_STATE without a running pool, or when it ends meanwhile
   */
  async reload(options: ReloadOptions = {}): Promise<ReloadResult> {
    return inMaster(this.#sides, 'reload', async (master) => withOptions('reload', options, (checked) => master.reload(checked)));
  }

  /**
   * Starts the whole program anew, and lets the new process take over: for a new version of this library or of Node, or for
   * options that a reload cannot change. It gets the bound sockets of every server of the program (their `ready()` has to have
   * resolved), by Alias, and the same standard streams, folder and environment. Its pools come up without taking a client, and
   * have to live for ReloadSettleTime; then they accept, and only when they do, this process lets its clients finish, within
   * GraceExpireTime, and ends with code 0 (unless HandleSignals is false: then ending it is up to you). Until then, and if the successor
   * fails or is late, the old pools go on serving. A socket whose address has changed in the options is bound anew. Admin changes over, too.
   *
   * Resolves when the successor accepts. Supervisors that do not know MAINPID (npm, runit, foreman, PM2) see an exit.
   *
   * @throws PreforkError ERR_PREFORK_UPGRADE with `reason` ('boot', 'crashed', 'timeout' or 'version'), `pid`, `exit` and `stderr`
   *   of the successor; ERR_PREFORK_STATE without a running pool, as process 1 or as a child with which process 1 may end
   *   (and the container with it), during a reload or another upgrade, or when the server is shut down meanwhile
   */
  async upgrade(options: UpgradeOptions = {}): Promise<UpgradeResult> {
    return inMaster(this.#sides, 'upgrade', async (master) => withOptions('upgrade', options, (checked) => master.upgrade(checked)));
  }

  /**
   * Sends a message of your own: in the master to a worker, where it arrives as the event `message`; in a worker to the master,
   * where it arrives as `worker:message`. This works during a drain, too. JSON carries it, so it may contain whatever a client has sent.
   *
   * @returns false if there is no such worker, the master has gone, or the receiver does not read: then 16 MiB wait, and more is lost, with a
   *   `worker:error`
   * @throws PreforkError ERR_PREFORK_MESSAGE if JSON cannot carry it; ERR_PREFORK_STATE before the pool runs
   */
  send(pid: number, message: unknown): boolean;
  send(message: unknown): boolean;
  send(...given: readonly [message: unknown] | readonly [pid: number, message: unknown]): boolean {
    return messages.send(this.#sides, given);
  }

  /**
   * Sends a message of your own to every worker, this one too, where it arrives as the event `message`; all workers see all
   * messages in the same order.
   *
   * @returns in the master: how many it was sent to; in a worker: 1, or 0 if the master has gone or reads nothing
   * @throws PreforkError ERR_PREFORK_MESSAGE if JSON cannot carry it; ERR_PREFORK_STATE before the pool runs
   */
  broadcast(message: unknown): number {
    return messages.broadcast(this.#sides, message);
  }

  /**
   * Worker: sends a message to the master, and resolves with what a listener of `worker:message` gives to the event's `answer`.
   * A failure that the program does not handle becomes a `worker:error`, and ends only a worker that has had no client yet; if
   * nothing awaits the promise, it is ignored. So ask for what a worker needs to serve in ServerStarted, not in the script.
   *
   * @param options - `timeout`: seconds to wait, default 30; 0 = for as long as the master lives
   * @throws PreforkError ERR_PREFORK_MESSAGE if JSON cannot carry the message, or there is no answer: no listener, none in time,
   *   the master has gone; ERR_PREFORK_STATE outside a worker (in the master, an unhandled one is a warning)
   */
  ask(message: unknown, options: { readonly timeout?: number | undefined } = {}): Promise<unknown> {
    return messages.ask(this.#sides, message, options);
  }

  /**
   * Master: waits for ShutdownDelay, refuses new clients, lets every worker finish with its clients, and resolves when the last worker is gone.
   * Worker: drains this one. May be called in any state and more than once; a later grace can only be shorter, and in the master ends the delay.
   */
  async shutdown(options: ShutdownOptions = {}): Promise<void> {
    const { grace } = checkOptions('shutdown', options);
    this.#worker?.shutdown(grace === undefined ? undefined : grace * 1000);
    await this.#master?.shutdown(grace);
  }

  /**
   * Resolves with the first status that satisfies the predicate: now, or after any change.
   *
   * @throws the signal's reason when it is aborted; what ended the server; ERR_PREFORK_STATE when it has shut down, or for what is not a predicate or a signal
   */
  async waitUntil(predicate: (status: ServerStatus) => boolean, options: { readonly signal?: AbortSignal | undefined } = {}): Promise<ServerStatus> {
    return inMaster(this.#sides, 'waitUntil', (master) => master.waitUntil(predicate, checkWait(predicate, options)));
  }

  /** Listens to an event: in the master any but `message`, in a worker `message` only. @throws PreforkError ERR_PREFORK_STATE for what is not an event, or not a function */
  on<Name extends keyof ServerEvents>(name: Name, listener: (...args: ServerEvents[Name]) => void): this {
    this.#events?.on(checkedEvent('on', name, listener), listener);
    return this;
  }

  /** Listens to the next event of that name. @throws as `on()` */
  once<Name extends keyof ServerEvents>(name: Name, listener: (...args: ServerEvents[Name]) => void): this {
    this.#events?.once(checkedEvent('once', name, listener), listener);
    return this;
  }

  /** Removes a listener. @throws as `on()` */
  off<Name extends keyof ServerEvents>(name: Name, listener: (...args: ServerEvents[Name]) => void): this {
    this.#events?.off(checkedEvent('off', name, listener), listener);
    return this;
  }

  /** The same as `shutdown()`, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown();
  }

  // A listener's type depends on a generic name, which EventEmitter's own types cannot follow.
  get #events(): EventEmitter | undefined {
    return this.#master?.events ?? this.#worker?.messages.events;
  }

  get #sides(): messages.MessageSides {
    return { worker: this.#worker, isMaster: this.isMaster, master: (call) => this.#inMaster(call) };
  }

  #inMaster(call: string): Master {
    if (this.#master !== undefined) return this.#master;
    throw notInMaster(call, this.isWorker);
  }
}
