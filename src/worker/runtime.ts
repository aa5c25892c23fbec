import type { Socket } from 'node:net';
import type { Clock } from '../clock.js';
import { PreforkError, asError } from '../errors.js';
import { PROTOCOL_VERSION } from '../ipc/protocol.js';
import type { ListenAddress, ToWorker, WelcomeOrder } from '../ipc/protocol.js';
import type { DrainReason } from '../policy/reasons.js';
import { PULSE_MS } from '../policy/silence.js';
import type { ClientChange, WorkerConfig } from '../policy/snapshot.js';
import { AcceptLoop } from './accept-loop.js';
import type { Clients } from '../session/clients.js';
import { ConfiguredLimits } from './configured-limits.js';
import { DescriptorWatch } from './descriptor-watch.js';
import type { DescriptorGuard } from './descriptors.js';
import { Ending } from './ending.js';
import { FaultReports, toReport } from './error-report.js';
import { Heartbeat } from './heartbeat.js';
import type { HandleCopy, Listener, ListenerEvents } from './listener.js';
import type { MasterChannel } from './master-channel.js';
import { Reporter } from './reporter.js';
import { UserMessages } from './user-messages.js';
import type { Watchdog } from './watchdog.js';
import { describeState } from './worker-state.js';

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
  /** The keys of TLS tickets that all workers use from now on. */
  readonly ticketKeys?: (keys: string) => void;
  readonly serverStarted: () => unknown;
  readonly serverStopped: () => unknown;
  /** The options that its script gave. */
  readonly given: Readonly<Record<string, string>>;
  /** Ends the process. */
  readonly exit: (code: number) => void;
}

/** A worker seen from inside: it obeys the master's orders, reports, and ends when it has drained. */
export class WorkerRuntime {
  readonly messages: UserMessages;
  readonly #parts: RuntimeParts;
  readonly #clients: Clients;
  readonly #reporter: Reporter;
  readonly #heartbeat: Heartbeat;
  readonly #faults: FaultReports;
  readonly #ending: Ending;
  #loop: AcceptLoop | undefined;
  #files: DescriptorWatch | undefined;
  #address: ListenAddress | undefined;
  #phase: 'waiting' | 'starting' | 'ready' = 'waiting';
  #wasStarted = false;
  readonly #configured = new ConfiguredLimits();
  #endWithMaster = false;
  /** The interval of its heartbeats. */
  #reportMs = 0;
  #graceMs: number | null = null;
  readonly #readiness: (() => void)[] = [];

  constructor(parts: RuntimeParts) {
    this.#parts = parts;
    this.#faults = new FaultReports(parts.clock, (error) => { parts.line.send({ type: 'failed', error }); });
    this.#clients = parts.createClients(() => { this.#left(); });
    const { clock, line } = parts;
    this.#ending = new Ending({
      clock, clients: this.#clients, faults: this.#faults, serverStopped: parts.serverStopped, exit: parts.exit,
      loop: () => this.#loop,
      wasStarted: () => this.#wasStarted,
      askMaster: () => { line.send({ type: 'signalled' }); },
      begun: (reason, graceMs) => { line.send({ type: 'draining', reason, graceMs }); },
    });
    this.messages = new UserMessages({
      clock, send: (fact) => line.send(fact), also: (message) => { line.pass(message); }, failed: (error) => { this.failed(error, 'message'); },
    });
    this.#heartbeat = new Heartbeat(parts.clock, (vitals) => {
      this.#files?.measure();
      // Node does not tell when a socket has been sent to another process.
      this.#clients.giveBack();
      line.send({ type: 'heartbeat', state: this.#reporter.current(), vitals });
    }, (error) => { this.failed(error, 'heartbeat'); });
    this.#reporter = new Reporter({
      clock: parts.clock,
      state: () => describeState(this.#loop, { reportMs: this.#reportMs, pulseMs: this.#reporter.pulseMs }),
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

  get address(): ListenAddress | undefined { return this.#address; }
  /** Whether it has, or has had, a client. */
  get hasServed(): boolean { return (this.#loop?.served ?? 0) > 0; }

  /** Resolves after ServerStarted. */
  async ready(): Promise<void> { if (!this.#wasStarted) await new Promise<void>((resolve) => this.#readiness.push(resolve)); }

  /** Reports a fault to the master. */
  failed(error: Error, where: string): void { this.#faults.add(error, where); }

  /** One more reason not to accept, or one less: 'pause' and 'resume' of a callback. */
  pause(on: boolean): void { this.#loop?.ask('asked', on); }

  setConcurrency(clients: number): void { this.#loop?.setLimits({ concurrency: clients === -1 ? null : clients }); }

  /** A connection of an Acceptor no longer counts; undefined = all that have left this process. */
  giveBack(socket: unknown): void { this.#clients.giveBack(socket); }

  /** Drains the whole pool. */
  shutdownAll(): void { this.#parts.line.send({ type: 'shutdown-all' }); }

  /** It got SIGTERM. */
  signalled(): void {
    if (this.#phase !== 'waiting') this.#ending.signalled(this.#graceMs);
  }

  /** Drains this worker, because its own program asks for it. Without a grace, a drain that has begun goes on as it is. */
  shutdown(graceMs?: number): void {
    if (graceMs !== undefined || !this.#ending.hasBegun) this.#drain('asked', graceMs ?? this.#graceMs);
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
      case 'stay': return this.#ending.answered();
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
    this.#loop = new AcceptLoop({
      clock: this.#parts.clock,
      listener: this.#parts.createListener({
        connection: (socket) => { this.#connection(socket); },
        error: (error) => { this.#listenFailed(error); },
        lost: (error) => { this.failed(error, 'accept'); },
      }, order.backlog),
      limits: { maxClients: null, concurrency: null, maxServed: null, descriptors: null, share: order.share },
      changed: (urgency) => { if (this.#phase === 'ready' || this.#ending.hasBegun) this.#reporter.changed(urgency); },
    });
    if (order.ticketKeys !== null) this.#parts.ticketKeys?.(order.ticketKeys);
    this.#configure(order.config);
    this.#loop.ask('paused', order.paused);
    this.#files = new DescriptorWatch({ clock: this.#parts.clock, guard: this.#parts.descriptors, loop: this.#loop, failed: (error) => { this.failed(error, 'accept'); } });
    this.#files.measure();
    try {
      await this.#parts.serverStarted();
    } catch (error) {
      this.#parts.line.send({ type: 'boot-failed', error: toReport(asError(error), 'ServerStarted') });
      this.#parts.exit(1); return;
    }
    this.#wasStarted = true;
    this.messages.started();
    if (this.#ending.hasBegun) return this.#ending.endIfEmpty();
    this.#phase = 'ready';
    this.#parts.line.send({ type: 'ready', options: this.#parts.given });
    this.#reporter.pulse(PULSE_MS);
    for (const resolve of this.#readiness.splice(0)) resolve();
  }

  #configure(config: WorkerConfig): void {
    this.#graceMs = config.graceMs;
    this.#reportMs = config.heartbeatMs;
    this.#parts.clientsChanged?.(config.client);
    this.#loop?.setLimits(this.#configured.change(config));
    this.#heartbeat.start(config.heartbeatMs);
    this.#parts.watchdog?.configure(config);
    this.#endIfWornOut();
  }

  #connection(socket: Socket): void {
    const loop = this.#loop;
    if (loop === undefined || !this.#clients.admit(socket)) return;
    loop.opened(); // before anything else: it may close the listener, so that not a single client more is taken
    this.#files?.accepted();
    this.#clients.take(socket);
    this.#endIfWornOut();
  }

  #left(): void {
    this.#files?.leaving();
    this.#loop?.closed();
    if (this.#ending.hasBegun) void this.#ending.endIfEmpty();
  }

  #endIfWornOut(): void {
    // A drain that has begun keeps its time, whatever is configured meanwhile.
    if (this.#loop?.isWornOut === true && !this.#ending.hasBegun) this.#drain('lifetimes', this.#graceMs);
  }

  #listenFailed(error: NodeJS.ErrnoException): void {
    // Before the loop reports: a report that a copy was used means that a worker listens.
    this.#parts.line.send({ type: 'listen-failed', code: error.code ?? 'EIO', message: error.message });
    this.#loop?.failed();
  }

  #drain(reason: DrainReason, graceMs: number | null, lastCallMs?: number): void {
    if (this.#phase !== 'waiting') this.#ending.begin(reason, graceMs, lastCallMs);
  }

  /** The master has gone. Clients are still served for as long as in a drain. */
  #orphaned(): void {
    this.messages.closed();
    if (this.#endWithMaster || this.#phase === 'waiting') return this.#parts.exit(1);
    this.#drain('shutdown', this.#graceMs, 0);
    // Nothing else would end this process if it hangs in ServerStarted or ServerStopped.
    if (this.#graceMs !== null) this.#parts.clock.after(this.#graceMs + 1000, () => { this.#parts.exit(1); }, { idle: true });
  }

  #refuse(why: string): void {
    if (this.#phase !== 'waiting') return;
    this.#parts.line.send({ type: 'boot-failed', error: toReport(new PreforkError('ERR_PREFORK_STATE', `This worker does not start: ${why}.`), 'start') });
    this.#parts.exit(1);
  }
}
