import { performance } from 'node:perf_hooks';
import { PreforkTcpServer } from 'prefork-tcp-server';
import type { PauseReason, PreforkTcpServerOptions, ServerEvents, ServerStatus, WorkerStatus } from 'prefork-tcp-server';
import { isAlive, sendSignal } from './processes.js';
import { TcpClient } from './tcp-client.js';
import { PATIENCE_MS, Waiters, within } from './wait.js';

/** Names of the server's events. */
export type EventName = keyof ServerEvents;

/** One event of the server, and when it came, in milliseconds of `performance.now()`. */
export interface NotedEvent<Name extends EventName = EventName> {
  readonly name: Name;
  readonly at: number;
  readonly detail: ServerEvents[Name][0];
}

/** What a server under test is made of. */
export type ServerSetup = Partial<PreforkTcpServerOptions> & {
  /** The file in test/programs that the workers run. Default std.mjs. */
  readonly program?: string;
  /** Options that only the workers' constructor gets, as JSON; `std` among them changes the handler set STD. */
  readonly worker?: Readonly<Record<string, unknown>>;
};

/** Exactly one worker. */
export const ONE: { MaxServer: number } = { MaxServer: 1 };
/** Exactly two workers. */
export const TWO: { MaxServer: number } = { MaxServer: 2 };
/** Heartbeats as short as tests want them. */
export const QUICK: { MasterHeartBeatTime: number; ServerHeartBeatTime: number; MaxServerExpireTime: number } = {
  MasterHeartBeatTime: 0.2, ServerHeartBeatTime: 0.1, MaxServerExpireTime: 10,
};

/** The URL of a file in test/programs. */
export const program = (name: string): URL => new URL(`../programs/${name}`, import.meta.url);

/** A running server, its clients and its events. */
export class Running {
  readonly server: PreforkTcpServer;
  readonly events: NotedEvent[] = [];
  readonly #clients: TcpClient[] = [];
  readonly #waiters = new Waiters();

  constructor(setup: ServerSetup) {
    const { program: script = 'std.mjs', worker = {}, ...options } = setup;
    const forWorkers = {
      ...(options.Alias !== undefined && { Alias: options.Alias }),
      ...(options.MasterAlias !== undefined && { MasterAlias: options.MasterAlias }),
      ...worker,
    };
    this.server = new PreforkTcpServer({
      Address: '127.0.0.1', Port: 0, Script: program(script), ScriptArgs: [JSON.stringify(forWorkers)], ExecArgv: [],
      HandleSignals: false, ClientInput: () => undefined, ...options,
    });
    const names = ['listening', 'worker:born', 'worker:ready', 'worker:drain', 'worker:exit', 'worker:error', 'error'] as const;
    for (const name of names) {
      this.server.on(name, (detail) => {
        this.events.push({ name, at: performance.now(), detail });
        this.#waiters.notify();
      });
    }
    this.server.on('status', () => { this.#waiters.notify(); });
  }

  get port(): number {
    const address = this.server.address();
    if (address === null || typeof address === 'string') throw new Error('The server is not bound.');
    return address.port;
  }

  /** The pids of the workers that neither start nor drain. */
  get ready(): number[] {
    return this.server.status().workers.filter(({ phase }) => phase === 'ready').map(({ pid }) => pid);
  }

  /** Every pid there ever was. */
  get born(): number[] {
    return this.eventsOf('worker:born').map(({ detail }) => detail.pid);
  }

  eventsOf<Name extends EventName>(name: Name): NotedEvent<Name>[] {
    return this.events.filter((event): event is NotedEvent<Name> => event.name === name);
  }

  /** Waits for an event, which may have come already. */
  async event<Name extends EventName>(name: Name, matches: (detail: ServerEvents[Name][0]) => boolean = () => true): Promise<NotedEvent<Name>> {
    return this.#waiters.until(
      () => this.eventsOf(name).find(({ detail }) => matches(detail)),
      () => `the event ${name}; status ${this.#status()}`,
    );
  }

  /** Waits for a worker's exit. */
  async exit(pid: number): Promise<NotedEvent<'worker:exit'>> {
    return this.event('worker:exit', (detail) => detail.pid === pid);
  }

  /** Waits until the status satisfies a condition. */
  async until(condition: (status: ServerStatus) => boolean): Promise<ServerStatus> {
    const signal = AbortSignal.timeout(PATIENCE_MS);
    try {
      return await this.server.waitUntil(condition, { signal });
    } catch (error) {
      if (!signal.aborted) throw error;
      throw new Error(`Waited ${PATIENCE_MS} ms for a status with ${String(condition)}; it is ${this.#status()}`, { cause: error });
    }
  }

  /**
   * Waits until every worker has said that it does not accept for this reason. (That none accepts is not enough: one that has
   * just started does not accept yet.)
   */
  async allPaused(reason: PauseReason): Promise<ServerStatus> {
    return this.until(({ workers }) => workers.every(({ paused }) => paused.includes(reason)));
  }

  /** Waits until exactly this many workers are there and all of them are ready. */
  async settled(count: number): Promise<ServerStatus> {
    return this.until(({ totals, workers }) => totals.ready === count && workers.length === count);
  }

  /** What the server knows of a worker. */
  worker(pid: number): WorkerStatus {
    const worker = this.server.status().workers.find((one) => one.pid === pid);
    if (worker === undefined) throw new Error(`There is no worker ${pid}; status ${this.#status()}`);
    return worker;
  }

  /**
   * A fence: resolves when these workers (default: the ready ones) have been heard of twice. The second report was sent
   * after this call, so whatever a worker would have done about an earlier event it has done.
   */
  async heartbeats(pids: readonly number[] = this.ready): Promise<void> {
    for (let round = 0; round < 2; round++) {
      const before = new Map(this.server.status().workers.map(({ pid, lastHeartbeatAt }) => [pid, lastHeartbeatAt]));
      await this.until(({ workers }) => workers.every(
        ({ pid, lastHeartbeatAt }) => !pids.includes(pid) || lastHeartbeatAt > (before.get(pid) ?? 0),
      ));
    }
  }

  /** Connects a client; it may wait in the kernel's queue. */
  async connect(): Promise<TcpClient> {
    const client = await TcpClient.connect(this.port);
    this.#clients.push(client);
    return client;
  }

  /** Connects a client and waits for STD's greeting. */
  async join(): Promise<TcpClient> {
    const client = await this.connect();
    await client.greeting();
    return client;
  }

  closeClients(): void {
    for (const client of this.#clients) client.close();
  }

  /** What happened, for the reader of a failed test. */
  describe(): string {
    const first = this.events[0]?.at ?? 0;
    const lines = this.events.map(({ name, at, detail }) => `${((at - first) / 1000).toFixed(3)} ${name} ${asText(detail)}`);
    return [...lines, `status ${this.#status()}`].join('\n');
  }

  #status(): string {
    return JSON.stringify(this.server.status());
  }
}

function asText(detail: unknown): string {
  if (detail instanceof Error) return String(detail);
  return JSON.stringify(detail, (_key, value: unknown) => (value instanceof Error ? String(value) : value));
}

/**
 * Starts a server in this process, runs the body, closes the clients, shuts the server down twice and makes sure that
 * none of its workers is left. If the body failed, prints what happened.
 */
export async function withServer<Result>(setup: ServerSetup, body: (running: Running) => Promise<Result>): Promise<Result> {
  const running = new Running(setup);
  let failed = true;
  try {
    await within(running.server.ready(), () => `ready();\n${running.describe()}`);
    const result = await body(running);
    failed = false;
    return result;
  } finally {
    if (failed) console.error(running.describe());
    running.closeClients();
    await end(running, failed ? 0 : 5);
  }
}

async function end(running: Running, grace: number): Promise<void> {
  const { server } = running;
  try {
    await within(Promise.all([server.shutdown({ grace }), server.shutdown({ grace })]), () => `shutdown();\n${running.describe()}`);
    await within(server.shutdown(), () => 'another shutdown()');
    const left = running.born.filter(isAlive);
    if (left.length > 0) throw new Error(`After shutdown() these workers are left: ${left.join(', ')}\n${running.describe()}`);
  } finally {
    const exited = new Set(running.eventsOf('worker:exit').map(({ detail }) => detail.pid));
    for (const pid of running.born.filter((one) => !exited.has(one))) sendSignal(pid, 'SIGKILL');
  }
}

/** For how many milliseconds each worker had not been heard of when its drain began. */
export function silencesAtDrain(running: Running): ReadonlyMap<number, number> {
  const silences = new Map<number, number>();
  running.server.on('worker:drain', ({ pid }) => { silences.set(pid, Date.now() - running.worker(pid).lastHeartbeatAt); });
  return silences;
}

/** Two clients of two different workers; the server is to have two, and MaxSessionPerServer 1. */
export async function clientOfEach(running: { join(): Promise<TcpClient> }): Promise<[TcpClient, TcpClient]> {
  const pair: [TcpClient, TcpClient] = [await running.join(), await running.join()];
  if (pair[0].pid === pair[1].pid) throw new Error(`Both clients are served by ${pair[0].pid}.`);
  return pair;
}
