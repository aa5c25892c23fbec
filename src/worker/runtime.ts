import type { Socket } from 'node:net';
import type { Clock, Timer } from '../clock.js';
import { PreforkError, asError } from '../errors.js';
import { PROTOCOL_VERSION } from '../ipc/protocol.js';
import type { ListenAddress, ToWorker, WelcomeOrder, WorkerState, WorkerVitals } from '../ipc/protocol.js';
import type { DrainReason } from '../policy/reasons.js';
import { PULSE_MS } from '../policy/silence.js';
import type { ClientChange, WorkerConfig } from '../policy/snapshot.js';
import { AcceptLoop } from './accept-loop.js';
import type { Clients } from '../session/clients.js';
import type { DescriptorGuard } from './descriptors.js';
import { FaultReports, toReport } from './error-report.js';
import { Heartbeat } from './heartbeat.js';
import type { HandleCopy, Listener, ListenerEvents } from './listener.js';
import { LastCall } from './last-call.js';
import type { MasterChannel } from './master-channel.js';
import { Reporter } from './reporter.js';
import { UserMessages } from './user-messages.js';
import type { Watchdog } from './watchdog.js';

/** What a worker's runtime is made of. */
export interface RuntimeParts {
  readonly line: MasterChannel;
  readonly clock: Clock;
  readonly createListener: (events: ListenerEvents, backlog: number) => Listener;
  /** @param left - to be called when a client has gone */
  readonly createClients: (left: () => void) => Clients;
  readonly descriptors: DescriptorGuard;
  readonly watchdog: Watchdog | undefined;
  /** `configure()` has changed options of clients. */
  readonly clientsChanged?: (change: ClientChange | undefined) => void;
  /** The keys of TLS tickets that all workers have from now on. */
  readonly ticketKeys?: (keys: string) => void;
  readonly serverStarted: () => unknown;
  readonly serverStopped: () => unknown;
  /** What its script gave as options. */
  readonly given: Readonly<Record<string, string>>;
  /** Ends the process. */
  readonly exit: (code: number) => void;
}

/** A worker as it is from inside: it obeys the master's orders, reports, and ends when it has drained. */
export class WorkerRuntime {
  readonly messages: UserMessages;
  readonly #parts: RuntimeParts;
  readonly #clients: Clients;
  readonly #reporter: Reporter;
  readonly #heartbeat: Heartbeat;
  readonly #faults: FaultReports;
  #loop: AcceptLoop | undefined;
  #address: ListenAddress | undefined;
  #phase: 'waiting' | 'starting' | 'ready' | 'draining' | 'ending' = 'waiting';
  #wasStarted = false;
  #isShortOfFiles = false;
  /** The Concurrency of the configuration. */
  #concurrency: number | null = null;
  #endWithMaster = false;
  /** The interval of its heartbeats. */
  #reportMs = 0;
  #graceMs: number | null = null;
  #lastCall: LastCall | undefined;
  /** When the clients are ended; Infinity = never. */
  #deadline = Infinity;
  #ending: Timer | undefined;
  readonly #readiness: (() => void)[] = [];

  constructor(parts: RuntimeParts) {
    this.#parts = parts;
    this.#faults = new FaultReports(parts.clock, (error) => { parts.line.send({ type: 'failed', error }); });
    this.#clients = parts.createClients(() => { this.#left(); });
    const { clock, line } = parts;
    this.messages = new UserMessages({ clock, send: (fact) => line.send(fact), also: (message) => { line.pass(message); } });
    this.#heartbeat = new Heartbeat(parts.clock, (vitals) => { this.#beat(vitals); });
    this.#reporter = new Reporter({
      clock: parts.clock,
      state: () => this.#state(),
      send: (state) => { parts.line.send({ type: 'state', state }); },
      pulse: () => { parts.line.send({ type: 'pulse' }); },
    });
  }

  start(): void {
    const { line } = this.#parts;
    line.onOrder((order, copy) => { this.#obey(order, copy); });
    line.onStranger(() => { this.#refuse('it was greeted with a wrong token: its parent process is not its master'); });
    line.onClosed(() => { this.#orphaned(); });
    line.send({ type: 'hello', version: PROTOCOL_VERSION });
  }

  get address(): ListenAddress | undefined {
    return this.#address;
  }

  /** Resolves after ServerStarted. */
  async ready(): Promise<void> {
    if (!this.#wasStarted) await new Promise<void>((resolve) => this.#readiness.push(resolve));
  }

  /** Reports a fault to the master. */
  failed(error: Error, where: string): void {
    this.#faults.add(error, where);
  }

  /** One more reason not to accept, or one less: 'pause' and 'resume' of a callback. */
  pause(on: boolean): void {
    this.#loop?.ask('asked', on);
  }

  setConcurrency(clients: number): void {
    this.#loop?.setLimits({ concurrency: clients === -1 ? null : clients });
  }

  /** A connection of an Acceptor counts no longer; undefined = the first that has left this process. */
  giveBack(socket: unknown): void {
    this.#clients.giveBack(socket);
  }

  /** Drains the whole pool. */
  shutdownAll(): void {
    this.#parts.line.send({ type: 'shutdown-all' });
  }

  /** Drains this worker, because one of its own callbacks or a signal asks for it. */
  shutdown(graceMs: number | null = this.#graceMs): void {
    this.#drain('asked', graceMs);
  }

  #obey(order: ToWorker, copy: HandleCopy | undefined): void {
    switch (order.type) {
      case 'welcome': return void this.#welcome(order);
      case 'copy':
        if (copy !== undefined) this.#loop?.addCopy(copy);
        return;
      case 'configure': return this.#configure(order.config);
      case 'permit':
        this.#reporter.pulse(order.pulseMs);
        return this.#loop?.grant(order.ceiling);
      case 'withdraw':
        this.#reporter.pulse(PULSE_MS);
        return this.#loop?.withdraw();
      case 'probe': return this.#loop?.probe();
      case 'ticket-keys': return this.#parts.ticketKeys?.(order.keys);
      case 'share': return this.#loop?.setLimits({ share: order.clients });
      case 'pause': return this.#loop?.ask('paused', true);
      case 'resume': return this.#loop?.ask('paused', false);
      case 'drain': return this.#drain(order.reason, order.graceMs, order.lastCallMs);
      case 'message':
      case 'answer': return this.messages.heard(order);
      case 'heartbeat': return; // it is answered by our own; its purpose is to fail when we are gone
    }
  }

  async #welcome(order: WelcomeOrder): Promise<void> {
    if (this.#phase !== 'waiting') return;
    this.#phase = 'starting';
    this.#address = order.address;
    this.#endWithMaster = order.endWithMaster;
    const { config } = order;
    this.#loop = new AcceptLoop({
      clock: this.#parts.clock,
      listener: this.#parts.createListener({
        connection: (socket) => { this.#connection(socket); },
        error: (error) => { this.#listenFailed(error); },
        lost: (error) => { this.failed(error, 'accept'); },
      }, order.backlog),
      limits: { ...limitsOf(config), share: order.share, descriptors: null },
      changed: (urgency) => { if (this.#phase !== 'starting') this.#reporter.changed(urgency); },
    });
    if (order.ticketKeys !== null) this.#parts.ticketKeys?.(order.ticketKeys);
    this.#configure(config);
    this.#loop.ask('paused', order.paused);
    this.#watchDescriptors();
    try {
      await this.#parts.serverStarted();
    } catch (error) {
      this.#parts.line.send({ type: 'boot-failed', error: toReport(asError(error), 'ServerStarted') });
      this.#parts.exit(1); return;
    }
    this.#wasStarted = true;
    this.messages.started();
    if (this.#isDraining) return this.#endIfEmpty();
    this.#phase = 'ready';
    this.#parts.line.send({ type: 'ready', options: this.#parts.given });
    this.#reporter.pulse(PULSE_MS);
    for (const resolve of this.#readiness.splice(0)) resolve();
  }

  #configure(config: WorkerConfig): void {
    this.#graceMs = config.graceMs;
    this.#reportMs = config.heartbeatMs;
    this.#parts.clientsChanged?.(config.client);
    // What set_concurrency has changed since stays, unless the option itself changes.
    const { concurrency, ...others } = limitsOf(config);
    this.#loop?.setLimits(concurrency === this.#concurrency ? others : { concurrency, ...others });
    this.#concurrency = concurrency;
    this.#heartbeat.start(config.heartbeatMs);
    this.#parts.watchdog?.configure(config);
    this.#endIfWornOut();
  }

  #connection(socket: Socket): void {
    const loop = this.#loop;
    if (loop === undefined || !this.#clients.admit(socket)) return;
    // Before anything else: it may close the listener, so that not one client more is taken.
    loop.opened();
    if (this.#parts.descriptors.isDue() || loop.isShortOfFiles) this.#watchDescriptors();
    this.#clients.take(socket);
    this.#endIfWornOut();
  }

  #left(): void {
    this.#loop?.closed();
    if (this.#isDraining) void this.#endIfEmpty();
  }

  #endIfWornOut(): void {
    if (this.#loop?.isWornOut === true) this.#drain('lifetimes', this.#graceMs);
  }

  #watchDescriptors(): void {
    const loop = this.#loop;
    if (loop === undefined) return;
    loop.setLimits({ descriptors: this.#parts.descriptors.measure(loop.clients) });
    const wasShort = this.#isShortOfFiles;
    this.#isShortOfFiles = loop.isShortOfFiles;
    if (wasShort || !this.#isShortOfFiles) return;
    this.failed(new PreforkError(
      'ERR_PREFORK_DESCRIPTORS',
      `A worker with ${loop.clients} clients is close to its limit of ${this.#parts.descriptors.limit} open files and stops accepting until some are closed; raise the limit (ulimit -n) or lower MaxSessionPerServer.`,
    ), 'accept');
  }

  #listenFailed(error: NodeJS.ErrnoException): void {
    // Before the loop reports: a report that a copy was used means that somebody listens.
    this.#parts.line.send({ type: 'listen-failed', code: error.code ?? 'EIO', message: error.message });
    this.#loop?.failed();
  }

  // --- The end ------------------------------------------------------------------------------------------------------

  get #isDraining(): boolean {
    return this.#phase === 'draining' || this.#phase === 'ending';
  }

  #drain(reason: DrainReason, graceMs: number | null, lastCallMs = 0): void {
    if (this.#phase === 'waiting') return;
    this.#setDeadline(graceMs ?? Infinity);
    if (this.#isDraining) {
      if (lastCallMs === 0) this.#lastCall?.end();
      return;
    }
    this.#phase = 'draining';
    this.#parts.line.send({ type: 'draining', reason });
    this.#clients.drain(graceMs === null ? Infinity : graceMs / 1000);
    const { clock } = this.#parts;
    const loop = this.#loop;
    if (lastCallMs > 0 && loop !== undefined) this.#lastCall = new LastCall({ clock, loop, ms: lastCallMs, over: () => { void this.#endIfEmpty(); } });
    else loop?.stop();
    void this.#endIfEmpty();
  }

  /** Ends the clients by then, unless an earlier time is set. */
  #setDeadline(graceMs: number): void {
    const { clock } = this.#parts;
    const deadline = clock.now() + graceMs;
    if (deadline >= this.#deadline) return;
    this.#deadline = deadline;
    this.#ending?.cancel();
    this.#ending = clock.after(graceMs, () => {
      this.#lastCall?.end();
      this.#clients.abort();
    });
  }

  async #endIfEmpty(): Promise<void> {
    if (this.#phase !== 'draining' || this.#loop?.draining === false || (this.#loop?.clients ?? 0) > 0) return;
    this.#phase = 'ending';
    await this.#clients.closed();
    if (this.#wasStarted) {
      try {
        await this.#parts.serverStopped();
      } catch (error) {
        this.failed(asError(error), 'ServerStopped');
      }
    }
    this.#faults.flush();
    this.#parts.exit(0);
  }

  /** The master has gone. Clients are served on for as long as they would be in a drain. */
  #orphaned(): void {
    this.messages.closed();
    if (this.#endWithMaster || this.#phase === 'waiting') return this.#parts.exit(1);
    this.#drain('shutdown', this.#graceMs);
    // Nothing else would end it if it hangs in ServerStarted or ServerStopped.
    if (this.#graceMs !== null) this.#parts.clock.after(this.#graceMs + 1000, () => { this.#parts.exit(1); }, { idle: true });
  }

  #refuse(why: string): void {
    if (this.#phase !== 'waiting') return;
    this.#parts.line.send({ type: 'boot-failed', error: toReport(new PreforkError('ERR_PREFORK_STATE', `This worker does not start: ${why}.`), 'start') });
    this.#parts.exit(1);
  }

  // --- Reports ------------------------------------------------------------------------------------------------------

  #beat(vitals: WorkerVitals): void {
    this.#watchDescriptors();
    this.#parts.line.send({ type: 'heartbeat', state: this.#reporter.current(), vitals });
  }

  #state(): WorkerState {
    const loop = this.#loop;
    return {
      clients: loop?.clients ?? 0,
      served: loop?.served ?? 0,
      copiesUsed: loop?.copiesUsed ?? 0,
      accepting: loop?.accepting ?? false,
      permit: loop?.permit ?? 'none',
      ordersSeen: loop?.ordersSeen ?? 0,
      paused: loop?.paused ?? [],
      reportMs: this.#reportMs,
      pulseMs: this.#reporter.pulseMs,
      share: loop?.limits.share ?? null,
      draining: loop?.draining ?? false,
    };
  }
}

function limitsOf({ maxClients, concurrency, maxServed }: WorkerConfig): Pick<WorkerConfig, 'maxClients' | 'concurrency' | 'maxServed'> {
  return { maxClients, concurrency, maxServed };
}
