import { expect, isNumber, positive, type Check } from '../checks.js';
import { systemClock } from '../clock.js';
import type { ChangeableOptions } from '../options/options.js';
import type { ReloadResult, ServerEvents, WorkerExitEvent } from '../server-events.js';
import type { ServerStatus } from '../status.js';
import type { Doors } from './doors.js';
import type { Happenings, TestedEvent } from './happenings.js';
import type { Ending, Program } from './program.js';
import { Reach } from './reach.js';
import { TestClient } from './test-client.js';
import { checkGiven, testingError } from './testing-error.js';
import type { Waiters } from './waiters.js';

const SECONDS: Check = expect((value) => isNumber(value) && value > 0, 'a number of seconds above 0');
const TEXT: Check = expect((value) => typeof value === 'string', 'a text');

/** What a pool under test is made of. */
export interface TestPoolParts {
  readonly program: Program;
  readonly doors: Doors;
  readonly happenings: Happenings;
  readonly waiters: Waiters;
  readonly patienceMs: number;
}

/**
 * A pool under test: the user's program in a process of its own, with its workers. Every wait is bounded by Patience, and then
 * rejects with ERR_PREFORK_TESTING and what there was instead. Dispose of it (`await using`, or `await pool[Symbol.asyncDispose]()`
 * in the runner's teardown); one that is forgotten ends with the test's process, even if that is killed.
 */
export class TestPool implements AsyncDisposable {
  /** The master's process. */
  readonly pid: number;
  readonly #parts: TestPoolParts;
  readonly #reach: Reach;

  /** Pools are made by {@link startPool}. */
  constructor(parts: TestPoolParts) {
    this.#parts = parts;
    this.#reach = new Reach(parts);
    this.pid = parts.program.pid;
  }

  /** Where it listens: an address and port, or the path of a Unix socket. */
  get address(): NonNullable<ServerStatus['address']> {
    const { address } = this.#parts.happenings;
    if (address === undefined) throw testingError('The pool does not listen yet.');
    return address;
  }

  /** The port that it listens on. @throws PreforkError ERR_PREFORK_TESTING for a Unix socket: see `address` */
  get port(): number {
    const { address } = this;
    if (typeof address === 'string') throw testingError(`The pool listens on the Unix socket ${address}, which has no port.`);
    return address.port;
  }

  /** The events of the server so far, oldest first, as the master's own listeners get them. */
  get events(): readonly TestedEvent[] {
    return this.#parts.happenings.events;
  }

  /** The pids of the workers that are ready and do not drain, as the master last said. */
  get workers(): readonly number[] {
    return this.#parts.happenings.ready;
  }

  /** What the program and its workers have written to standard output, the last 1 MiB. */
  get stdout(): string {
    return this.#parts.program.output.stdout;
  }

  /** What the program and its workers have written to standard error, the last 1 MiB. */
  get stderr(): string {
    return this.#parts.program.output.stderr;
  }

  /** Resolves with the first event of that name that matches, whether past or still to come. */
  async event<Name extends keyof ServerEvents>(name: Name, matches: (detail: ServerEvents[Name][0]) => boolean = () => true): Promise<ServerEvents[Name][0]> {
    const { happenings, waiters } = this.#parts;
    return waiters.until(() => {
      const found = happenings.all(name).find(matches);
      if (found === undefined && this.#hasEnded()) throw testingError(`The master has ended without the event ${name}. ${this.#describe()}`);
      return found;
    }, () => `the event ${name}; ${this.#describe()}`);
  }

  /** Resolves when at least that many workers are ready, with their pids. */
  async ready(count: number): Promise<readonly number[]> {
    return this.#parts.waiters.until(() => (this.workers.length >= count ? this.workers : undefined), () => `${count} ready workers; ${this.#describe()}`);
  }

  /** Resolves with the event `worker:exit` of a worker, whether past or still to come. */
  async exit(pid: number): Promise<WorkerExitEvent> {
    return this.event('worker:exit', (event) => event.pid === pid);
  }

  /** Resolves when a process of the pool is gone, even if there is no master to say so. */
  async gone(pid: number): Promise<void> {
    await this.#parts.waiters.until(() => this.#reach.isGone(pid) || undefined, () => `the end of process ${pid}`);
  }

  /** Resolves with the exit code, or the signal, that the master has ended with. */
  async ended(): Promise<Ending> {
    return this.#parts.waiters.until(() => this.#parts.program.ending, () => `the end of the master; ${this.#describe()}`);
  }

  /** What `server.status()` says in the master. */
  async status(): Promise<ServerStatus> {
    return await this.#reach.call('status') as ServerStatus;
  }

  /** Resolves with the first status that satisfies the predicate: now, or after any change. */
  async waitUntil(predicate: (status: ServerStatus) => boolean): Promise<ServerStatus> {
    const { happenings, waiters, patienceMs } = this.#parts;
    const end = systemClock.now() + patienceMs;
    for (;;) {
      const { changes } = happenings;
      const status = await this.status();
      if (predicate(status)) return status;
      const changed = waiters.until(() => (happenings.changes > changes ? true : undefined), () => 'a change', Math.max(0, end - systemClock.now()));
      await changed.catch((cause: unknown) => {
        throw testingError(`Waited ${patienceMs / 1000} s for a status with ${String(predicate)}; it is ${JSON.stringify(status)}.`, cause);
      });
    }
  }

  /** Calls `server.configure()` in the master. */
  async configure(change: ChangeableOptions): Promise<void> {
    await this.#reach.call('configure', change);
  }

  /** Calls `server.reload()` in the master, and resolves or rejects as it does, within a minute. */
  async reload(): Promise<ReloadResult> {
    return await this.#reach.call('reload', undefined, 60_000) as ReloadResult;
  }

  /** Calls `server.pause()` in the master. */
  async pause(): Promise<void> {
    await this.#reach.call('pause');
  }

  /** Calls `server.resume()` in the master. */
  async resume(): Promise<void> {
    await this.#reach.call('resume');
  }

  /** Calls `server.shutdown()` in the master; resolves when the last worker is gone. `grace` in seconds. */
  async shutdown(options: { readonly grace?: number | undefined } = {}): Promise<void> {
    await this.#reach.call('shutdown', options, options.grace === undefined ? undefined : options.grace * 1000 + this.#parts.patienceMs);
  }

  /** Connects a client that talks in lines. */
  async connect(): Promise<TestClient> {
    return TestClient.connect(this.address, this.#parts.patienceMs);
  }

  /**
   * Connects, sends a line, and resolves with the line that answers it.
   *
   * @param options - `greeting`: how many lines the server sends before it is asked, default 0
   */
  async ask(line: string, { greeting = 0 }: { readonly greeting?: number | undefined } = {}): Promise<string> {
    checkGiven('ask', 'line', line, TEXT);
    const client = await this.connect();
    try {
      for (let left = greeting; left > 0; left--) await client.line();
      client.send(`${line}\n`);
      return await client.line();
    } finally {
      client.close();
    }
  }

  /** Blocks the event loop of a worker for some seconds. Resolves when that begins. */
  async block(pid: number, seconds: number): Promise<void> {
    checkGiven('block', 'seconds', seconds, SECONDS);
    await this.#reach.fault(pid, { do: 'block', seconds }, 'a blocked event loop');
  }

  /**
   * Ends a worker at once, with its clients: by `process.exit(how)`, or by a signal. Resolves with its `worker:exit`.
   *
   * @param how - an exit code, default 1, or a signal such as 'SIGSEGV'
   */
  async crash(pid: number, how: number | NodeJS.Signals = 1): Promise<WorkerExitEvent> {
    if (typeof how === 'string') this.#reach.signal(pid, how);
    else await this.#reach.fault(pid, { do: 'exit', code: how }, 'its exit');
    return this.exit(pid);
  }

  /** Throws an error in a worker where nothing catches it. Resolves when that is about to happen. */
  async throwIn(pid: number, message = 'thrown by a test'): Promise<void> {
    checkGiven('throwIn', 'message', message, TEXT);
    await this.#reach.fault(pid, { do: 'throw', message }, 'an error');
  }

  /** Cuts the IPC channel between a worker and the master: the worker drains, and cannot say so. Resolves when that is about to happen. */
  async cut(pid: number): Promise<void> {
    await this.#reach.fault(pid, { do: 'cut' }, 'the cut of its channel');
  }

  /** Makes the memory of a worker grow, permanently. Resolves when it has. */
  async grow(pid: number, bytes: number): Promise<void> {
    checkGiven('grow', 'bytes', bytes, positive);
    await this.#reach.fault(pid, { do: 'grow', bytes }, 'more memory');
  }

  /** Stops a process of the pool (SIGSTOP), a worker or the master: it stands still, and does not end. */
  freeze(pid: number): void {
    this.#reach.signal(pid, 'SIGSTOP');
  }

  /** Lets a frozen process continue (SIGCONT). */
  thaw(pid: number): void {
    this.#reach.signal(pid, 'SIGCONT');
  }

  /** Sends a signal to the master, such as 'SIGTERM' for a drain. */
  signal(signal: NodeJS.Signals): void {
    this.#reach.signal(this.pid, signal);
  }

  /** Kills the master (SIGKILL); its workers drain by themselves. Resolves when it is gone. */
  async killMaster(): Promise<void> {
    this.#reach.signal(this.pid, 'SIGKILL');
    await this.gone(this.pid);
  }

  /** Ends the master and its workers at once, without a drain, and resolves when they are gone. Harmless twice. */
  async [Symbol.asyncDispose](): Promise<void> {
    const { program, doors, waiters } = this.#parts;
    program.end();
    try {
      await waiters.until(() => (program.ending !== undefined && doors.running.length === 0) || undefined, () => `the end of the pool's processes: ${doors.running.join(', ')}`);
    } finally {
      doors.close();
    }
  }

  #hasEnded(): boolean {
    return this.#parts.program.ending !== undefined;
  }

  #describe(): string {
    const names = this.events.map(({ name, detail }) => (typeof detail === 'object' && detail !== null && 'pid' in detail ? `${name} ${String(detail.pid)}` : name));
    return `there were ${names.slice(-20).join(', ')}`;
  }
}
