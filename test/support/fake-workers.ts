import type { SendHandle } from 'node:child_process';
import type { Clock } from '../../src/clock.js';
import { PROTOCOL_VERSION } from '../../src/ipc/protocol.js';
import type { ToMaster, ToWorker, WelcomeOrder, WorkerErrorReport, WorkerState, WorkerVitals } from '../../src/ipc/protocol.js';
import type { DrainReason } from '../../src/policy/reasons.js';
import type { Exit, Spawn, SpawnOptions, WorkerEvents, WorkerProcess } from '../../src/master/worker-process.js';

const FIRST_PID = 4001;

/** Its pulse is so slow that a test need not think of it. */
const NEWBORN: WorkerState = {
  clients: 0, served: 0, copiesUsed: 0, accepting: false, permit: 'none', ordersSeen: 0, paused: [], reportMs: 5000, pulseMs: 3_600_000, share: null, draining: false,
};
const VITALS: WorkerVitals = { rss: 50e6, heapUsed: 10e6, loopDelayMs: 1 };

/** A worker's process that does what a test says, and notes the orders it gets. */
export class FakeWorker implements WorkerProcess {
  readonly pid: number;
  readonly options: SpawnOptions;
  readonly orders: ToWorker[] = [];
  readonly handles: SendHandle[] = [];
  /** How often it was sent SIGKILL. */
  kills = 0;
  /** Whether its channel takes messages. */
  isConnected = true;
  readonly #events: WorkerEvents;
  #state = NEWBORN;
  #hasExited = false;

  constructor(pid: number, events: WorkerEvents, options: SpawnOptions) {
    this.pid = pid;
    this.#events = events;
    this.options = options;
  }

  get hasExited(): boolean {
    return this.#hasExited;
  }

  get state(): WorkerState {
    return this.#state;
  }

  // --- What the master does -----------------------------------------------------------------------------------------

  send(order: ToWorker, handle?: SendHandle): boolean {
    if (this.#hasExited) throw new Error(`Worker ${this.pid} was sent '${order.type}' after its exit was seen.`);
    if (!this.isConnected) return false;
    this.orders.push(order);
    if (handle !== undefined) this.handles.push(handle);
    // As every healthy worker does at once. Whether it accepts then is for the test to say.
    const ordersSeen = this.#state.ordersSeen + 1;
    if (order.type === 'permit') this.report({ ordersSeen, permit: 'held' });
    else if (order.type === 'withdraw') this.report({ ordersSeen, permit: 'none' });
    else if (order.type === 'probe') this.report({ ordersSeen });
    return true;
  }

  kill(): void {
    if (this.#hasExited) throw new Error(`Worker ${this.pid} was killed after its exit was seen.`);
    this.kills += 1;
  }

  /** The orders of one kind. */
  of<Type extends ToWorker['type']>(type: Type): (ToWorker & { type: Type })[] {
    return this.orders.filter((order): order is ToWorker & { type: Type } => order.type === type);
  }

  get welcome(): WelcomeOrder | undefined {
    return this.of('welcome')[0];
  }

  // --- What a worker does -------------------------------------------------------------------------------------------

  say(fact: ToMaster): void {
    this.#events.fact(fact);
  }

  hello(version: number = PROTOCOL_VERSION): void {
    this.say({ type: 'hello', version });
  }

  /** Says hello, and is ready at once. */
  boot(): void {
    this.hello();
    this.say({ type: 'ready', options: {} });
  }

  /** Reports that something has changed. */
  report(change: Partial<WorkerState> = {}): void {
    this.#state = { ...this.#state, ...change };
    this.say({ type: 'state', state: this.#state });
  }

  /** Obeys every order about permits and limits, and says so. */
  obey(change: Partial<WorkerState> = {}): void {
    const order = this.orders.findLast(({ type }) => type === 'permit' || type === 'withdraw');
    const holds = order?.type === 'permit';
    const share = this.orders.findLast((one) => one.type === 'share')?.clients ?? this.welcome?.share ?? null;
    const copiesUsed = Math.max(this.#state.copiesUsed, holds ? 1 : 0);
    this.report({ permit: holds ? 'held' : 'none', accepting: holds, copiesUsed, share, ...change });
  }

  heartbeat(change: Partial<WorkerState> = {}, vitals: Partial<WorkerVitals> = {}): void {
    this.#state = { ...this.#state, ...change };
    this.say({ type: 'heartbeat', state: this.#state, vitals: { ...VITALS, ...vitals } });
  }

  draining(reason: DrainReason, graceMs?: number | null): void {
    this.say({ type: 'draining', reason, graceMs });
  }

  failed(error: WorkerErrorReport): void {
    this.say({ type: 'failed', error });
  }

  absent(): void {
    this.#events.absent();
  }

  garbled(): void {
    this.#events.garbled();
  }

  message(message: unknown): void {
    this.#events.message(message);
  }

  /** Its process ends; by itself and without a fault, unless something else is given. */
  exit(how: Partial<Exit> = {}): void {
    if (this.#hasExited) return;
    this.#hasExited = true;
    this.isConnected = false;
    const wasEndedBySignal = how.signal != null || how.error !== undefined;
    this.#events.exit({ code: wasEndedBySignal ? null : 0, signal: null, stderr: undefined, error: undefined, ...how });
  }
}

/** Starts workers that do nothing by themselves, or, with `cooperate`, what is expected of them. */
export class FakeWorkers {
  readonly #workers: FakeWorker[] = [];
  readonly #clock: Clock;
  #isCooperative = false;
  #nextFailure: Error | undefined;
  #isRefusing = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  readonly spawn: Spawn = (events, options) => {
    const failure = this.#nextFailure;
    this.#nextFailure = undefined;
    const worker = new (this.#isCooperative ? CooperativeWorker : FakeWorker)(failure === undefined ? FIRST_PID + this.#workers.length : 0, events, options);
    this.#workers.push(worker);
    if (this.#isRefusing) this.#clock.soon(() => { worker.exit({ code: 1 }); });
    else if (failure !== undefined) this.#clock.soon(() => { worker.exit({ error: failure }); });
    else if (worker instanceof CooperativeWorker) worker.live(this.#clock);
    return worker;
  };

  /** From now on workers answer by themselves: they become ready, take their orders, drain and die. */
  cooperate(): void {
    this.#isCooperative = true;
  }

  /** The next process cannot be started. */
  failNext(error: Error): void {
    this.#nextFailure = error;
  }

  /** From now on no process can be started. */
  refuseFromNowOn(): void {
    this.#isRefusing = true;
  }

  /** The worker with this id, counted from 1. */
  get(id: number): FakeWorker {
    const worker = this.#workers[id - 1];
    if (worker === undefined) throw new Error(`There have been ${this.#workers.length} workers, not ${id}.`);
    return worker;
  }

  /** Every worker there ever was, in the order of birth. */
  all(): readonly FakeWorker[] {
    return this.#workers;
  }

  /** Those whose process has not ended. */
  living(): readonly FakeWorker[] {
    return this.#workers.filter(({ hasExited }) => !hasExited);
  }
}

/** A worker that answers every order in the next turn. */
class CooperativeWorker extends FakeWorker {
  #clock: Clock | undefined;

  live(clock: Clock): void {
    this.#clock = clock;
    this.#answer(() => { this.hello(); });
  }

  override send(order: ToWorker, handle?: SendHandle): boolean {
    const isSent = super.send(order, handle);
    if (isSent) this.#answer(() => { this.#react(order); });
    return isSent;
  }

  override kill(): void {
    super.kill();
    this.#answer(() => { this.exit({ signal: 'SIGKILL' }); });
  }

  #react(order: ToWorker): void {
    switch (order.type) {
      case 'welcome':
        this.say({ type: 'ready', options: {} });
        return this.#beat(order.config.heartbeatMs);
      case 'permit':
      case 'withdraw':
      case 'share': return this.obey();
      case 'pause': return this.report({ paused: ['paused'], accepting: false });
      case 'resume': return this.obey({ paused: [] });
      case 'drain': return this.exit();
      case 'stay':
      case 'probe':
      case 'message':
      case 'answer':
      case 'copy':
      case 'configure':
      case 'heartbeat':
      case 'ticket-keys':
    }
  }

  #beat(everyMs: number): void {
    this.#clock?.after(everyMs, () => {
      if (this.hasExited) return;
      this.heartbeat();
      this.#beat(everyMs);
    });
  }

  #answer(answer: () => void): void {
    this.#clock?.soon(() => { if (!this.hasExited) answer(); });
  }
}
