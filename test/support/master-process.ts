import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { ServerEvents, ServerStatus } from 'prefork-tcp-server';
import { isAlive, sendSignal, waitGone } from './processes.js';
import { TcpClient } from './tcp-client.js';
import { Waiters, poll, within } from './wait.js';
import { program } from './with-server.js';

/** How to start a program that is a master. */
export interface MasterSetup {
  /** The file in test/programs. Default std.mjs. */
  readonly program?: string;
  /** Instead of a program: arguments of node, such as `-e`, or a file elsewhere. */
  readonly args?: readonly string[];
  /** Given to the program as JSON; Infinity is kept. */
  readonly options?: Readonly<Record<string, unknown>>;
  /** Node's own arguments. */
  readonly execArgv?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** What it reads from standard input, which then ends. Default: nothing. */
  readonly stdin?: string | Readable;
  /** Makes it the leader of a process group, as a shell does. */
  readonly detached?: boolean;
}

/** How a process ended. */
export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** What a program prints as JSON, one to a line: an event of its server, or what else `event` names. */
export type PrintedEvent = Readonly<Record<string, unknown>> & { readonly event: string };

/** The repository, where children run. */
const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** A program with a server in it, run as a process of its own. */
export class MasterProcess {
  readonly pid: number;
  readonly stdout: string[] = [];
  readonly stderr: string[] = [];
  /** How it ended; undefined while it runs. */
  ending: Ending | undefined;
  /** Those of its workers that lived when its own end was seen. */
  survivors: readonly number[] = [];
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #detached: boolean;
  readonly #mayUpgrade: boolean;
  readonly #waiters = new Waiters();
  readonly #clients: TcpClient[] = [];
  #outputEnded = false;

  constructor({ program: name = 'std.mjs', args, options = {}, execArgv = [], env = {}, stdin, detached = false }: MasterSetup) {
    const command = args ?? [fileURLToPath(program(name)), toJson({ Address: '127.0.0.1', Port: 0, ...options })];
    this.#child = spawn(process.execPath, [...execArgv, ...command], {
      cwd: ROOT, env: { ...process.env, NODE_NO_WARNINGS: '1', ...env }, detached, stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.#detached = detached;
    this.#mayUpgrade = typeof options['HandleSignals'] === 'object' || name === 'upgradable.mjs';
    this.pid = this.#child.pid ?? 0;
    // It may end with something left to read.
    this.#child.stdin.on('error', () => undefined);
    if (typeof stdin === 'object') stdin.pipe(this.#child.stdin);
    else this.#child.stdin.end(stdin);
    this.#collect(this.#child.stdout, this.stdout);
    this.#collect(this.#child.stderr, this.stderr);
    this.#child.once('exit', (code, signal) => {
      this.survivors = this.workers.filter(isAlive);
      this.ending = { code, signal };
      this.#waiters.notify();
    });
    // After the last process that holds its stdout, workers included, has ended.
    this.#child.once('close', () => { this.#outputEnded = true; this.#waiters.notify(); });
  }

  #collect(stream: NodeJS.ReadableStream | null, lines: string[]): void {
    let rest = '';
    stream?.setEncoding('utf8');
    stream?.on('data', (text: string) => {
      const parts = (rest + text).split('\n');
      rest = parts.pop() ?? '';
      lines.push(...parts);
      this.#waiters.notify();
    });
    stream?.on('end', () => { if (rest !== '') lines.push(rest); });
  }

  /** What the program printed, in order. */
  get printed(): PrintedEvent[] {
    return this.stdout.flatMap((line) => {
      if (!line.startsWith('{"event":')) return [];
      return [JSON.parse(line) as PrintedEvent];
    });
  }

  /** The other lines of stdout. */
  get lines(): string[] {
    return this.stdout.filter((line) => !line.startsWith('{"event":'));
  }

  /** The pids of its workers that have not ended as far as it printed. */
  get workers(): number[] {
    const gone = new Set(this.all('worker:exit').map(({ pid }) => pid));
    return this.all('worker:born').map(({ pid }) => pid).filter((pid) => !gone.has(pid));
  }

  /** The pids of all the workers it ever had. */
  get born(): number[] {
    return this.all('worker:born').map(({ pid }) => pid);
  }

  /** The events of that name that were printed so far. */
  all<Name extends keyof ServerEvents>(name: Name): (PrintedEvent & ServerEvents[Name][0])[];
  all(name: string): PrintedEvent[];
  all(name: string): PrintedEvent[] {
    return this.printed.filter(({ event }) => event === name);
  }

  /** Waits until something it printed, or its end, answers the question. */
  async until<T>(ask: () => T | undefined, describe: () => string, boundMs?: number): Promise<T> {
    return this.#waiters.until(ask, () => `${describe()};\n${this.describe()}`, boundMs);
  }

  /** The pids of it and its successors, as far as they have said so. */
  get masters(): number[] {
    return [...new Set([this.pid, ...this.all('listening').map(({ pid }) => Number(pid))])];
  }

  /** Waits for a printed event, which may have come already. */
  async event<Name extends keyof ServerEvents>(name: Name, matches?: (event: PrintedEvent & ServerEvents[Name][0]) => boolean): Promise<PrintedEvent & ServerEvents[Name][0]>;
  async event(name: string, matches?: (event: PrintedEvent) => boolean): Promise<PrintedEvent>;
  async event(name: string, matches: (event: never) => boolean = () => true): Promise<PrintedEvent> {
    return this.until(
      () => {
        const found = this.all(name).find((event) => matches(event as never));
        if (found === undefined && this.#outputEnded) throw new Error(`It ended without the event ${name}.\n${this.describe()}`);
        return found;
      },
      () => `the event ${name}`,
    );
  }

  /** Waits for a line of stdout or stderr that is no printed event. */
  async line(pattern: RegExp, from: 'stdout' | 'stderr' = 'stdout'): Promise<string> {
    return this.until(
      () => {
        const found = (from === 'stdout' ? this.lines : this.stderr).find((line) => pattern.test(line));
        if (found === undefined && this.#outputEnded) throw new Error(`It ended without ${String(pattern)}.\n${this.describe()}`);
        return found;
      },
      () => `${String(pattern)} on ${from}`,
    );
  }

  /** Waits until its ready() has resolved; returns its port. */
  async up(alias?: string): Promise<number> {
    const event = await this.event('up', (up) => alias === undefined || up['alias'] === alias);
    return (event['address'] as { port: number }).port;
  }

  /** Waits until this many workers are ready. */
  async ready(count: number): Promise<number[]> {
    return this.until(() => {
      const ready = this.all('worker:ready').map(({ pid }) => pid).filter((pid) => this.workers.includes(pid));
      return ready.length >= count ? ready : undefined;
    }, () => `${count} ready workers`);
  }

  /** Waits for a status that satisfies the condition and is printed from now on; needs `std: { printStatus: true }`. */
  async status(condition: (status: ServerStatus) => boolean = () => true): Promise<ServerStatus> {
    const seen = this.all('snapshot').length;
    return this.until(
      () => this.all('snapshot').slice(seen).map((event) => event['status'] as ServerStatus).find(condition),
      () => `a status with ${String(condition)}`,
    );
  }

  /** A fence: resolves when each of these workers was heard of twice from now on; needs `std: { printStatus: true }`. */
  async heartbeats(pids: readonly number[] = this.workers): Promise<void> {
    for (let round = 0; round < 2; round++) {
      const before = await this.status();
      const heard = (status: ServerStatus, pid: number): number => status.workers.find((worker) => worker.pid === pid)?.lastHeartbeatAt ?? Infinity;
      await this.status((status) => pids.every((pid) => heard(status, pid) > heard(before, pid)));
    }
  }

  /** Connects a client; it may wait in the kernel's queue. */
  async connect(port?: number): Promise<TcpClient> {
    const client = await TcpClient.connect(port ?? await this.up());
    this.#clients.push(client);
    return client;
  }

  /** Connects a client and waits for STD's greeting. */
  async join(port?: number): Promise<TcpClient> {
    const client = await this.connect(port);
    await client.greeting();
    return client;
  }

  signal(signal: NodeJS.Signals): void {
    sendSignal(this.pid, signal);
  }

  /** As a terminal does with Ctrl-C: to the master and its workers; needs `detached`. */
  signalGroup(signal: NodeJS.Signals): void {
    sendSignal(-this.pid, signal);
  }

  /** Waits until it has ended. What it printed last may still be on its way, and a successor may only be starting: {@link over}, {@link until}. */
  async exit(boundMs?: number): Promise<Ending> {
    return this.until(() => this.ending, () => `the end of ${this.pid}`, boundMs);
  }

  /** Waits until it and its workers have ended and everything they printed is here. */
  async over(): Promise<Ending> {
    return this.until(() => (this.#outputEnded ? this.ending : undefined), () => `the end of ${this.pid} and its workers ${this.workers.join(', ')}`);
  }

  /** What happened, for the reader of a failed test. */
  describe(): string {
    const output = this.stdout.filter((line) => !line.startsWith('{"event":"snapshot"'));
    const ending = this.ending === undefined ? 'it runs' : `it ended with ${JSON.stringify(this.ending)}`;
    return [`stdout of ${this.pid}:`, ...output, 'stderr:', ...this.stderr, ending].join('\n');
  }

  /** Ends it and every worker it started, whatever their state. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client.close();
    if (this.#mayUpgrade) await this.#endSuccessors();
    const pids = (): number[] => [...(this.ending === undefined ? [this.pid] : []), ...this.workers];
    for (const pid of pids()) sendSignal(pid, 'SIGKILL');
    // What it printed just before its end may name one more worker.
    await within(this.exit(), () => 'its end');
    for (const pid of this.workers) sendSignal(pid, 'SIGKILL');
    if (this.#detached) this.signalGroup('SIGKILL');
    await waitGone(this.born);
  }

  /** A successor that is still to come takes over from a master that has gone: the last of them has ended when nothing has their output open. */
  async #endSuccessors(): Promise<void> {
    await poll(() => {
      for (const pid of [...(this.ending === undefined ? [this.pid] : []), ...this.masters.slice(1), ...this.workers]) sendSignal(pid, 'SIGKILL');
      return this.#outputEnded;
    }, () => `the end of ${this.masters.join(', ')}`);
  }
}

export function toJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => (inner === Infinity ? 'Infinity' : inner));
}

/** Starts a master process, runs the body, and ends the process and its workers. If the body failed, prints what happened. */
export async function withMaster<Result>(setup: MasterSetup, body: (master: MasterProcess) => Promise<Result>): Promise<Result> {
  const master = new MasterProcess(setup);
  try {
    return await body(master);
  } catch (error) {
    console.error(master.describe());
    throw error;
  } finally {
    await master[Symbol.asyncDispose]();
  }
}
