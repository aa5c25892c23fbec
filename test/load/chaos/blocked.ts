// Workers stop making progress, in every way that they can, while new clients come: whoever can still serve has to.
import { availableParallelism } from 'node:os';
import { performance } from 'node:perf_hooks';
import type { ServerStatus } from 'prefork-tcp-server';
import { cpuMs, isStopped } from '../../support/proc.js';
import { sendSignal } from '../../support/processes.js';
import type { TcpClient } from '../../support/tcp-client.js';
import { poll } from '../../support/wait.js';
import { withServer } from '../../support/with-server.js';
import type { Running, ServerSetup } from '../../support/with-server.js';
import { firstBytes } from '../connections.js';
import type { FirstBytes } from '../connections.js';
import { percentile } from '../figures.js';
import type { Row } from '../figures.js';
import { fixed, sleep, withWorkers } from './scenario.js';
import type { Scenario } from './scenario.js';

const WORKERS = 6;
/** At most so many of them are stopped. */
const MOST_STOPPED = 4;
/** Clients of a burst. */
const BURST = 8;
/** Between two new clients. */
const PACE_MS = 10;
const AT_ONCE = 10;
/** A worker that has used as much processor time without a client is in what blocks it. */
const BUSY_MS = 40;

/** One way to stop workers: what to start, and how to stop the workers of some clients for a while. */
interface Way {
  readonly title: string;
  /** The worst first byte of a new client, in milliseconds. */
  readonly bound: number;
  readonly setup?: ServerSetup;
  /** What a new client sends to be answered with the pid. */
  readonly request?: string;
  readonly stop: (victims: readonly Victim[], seconds: number) => void;
}

/** A worker and a client of it. */
interface Victim {
  readonly pid: number;
  readonly client: TcpClient;
}

const order = (way: string) => (victims: readonly Victim[], seconds: number): void => {
  for (const { client } of victims) client.send(`block ${way} ${seconds}\n`);
};

const HTTP_GET = 'GET / HTTP/1.1\r\nHost: chaos\r\nConnection: close\r\n\r\n';

const WAYS: readonly Way[] = [
  { title: 'a callback, before its first await', bound: 100, stop: order('sync') },
  { title: 'a callback, after an await', bound: 100, stop: order('await') },
  { title: 'a timer', bound: 100, stop: order('timer') },
  { title: 'a Promise job', bound: 100, stop: order('job') },
  { title: 'garbage collection, in a timer', bound: 100, stop: order('gc') },
  {
    title: 'node:http in Acceptor, on a kept-alive connection', bound: 100, setup: { program: 'chaos-http.mjs' }, request: HTTP_GET,
    stop(victims, seconds) {
      for (const { client } of victims) client.send(`GET /block/${seconds} HTTP/1.1\r\nHost: chaos\r\n\r\n`);
    },
  },
  { title: 'SIGSTOP, with clients', bound: 100, stop: stopAndContinue },
  // They were idle: that they are silent is no news for a while.
  { title: 'SIGSTOP, idle', bound: 300, stop(victims, seconds) {
    for (const { client } of victims) client.close();
    setTimeout(stopAndContinue, 1000, victims, seconds - 1);
  } },
];

function stopAndContinue(victims: readonly Victim[], seconds: number): void {
  for (const { pid } of victims) sendSignal(pid, 'SIGSTOP');
  setTimeout(() => { for (const { pid } of victims) sendSignal(pid, 'SIGCONT'); }, seconds * 1000);
}

/** A client of every worker, which has sent a request and keeps its connection. */
async function clientOfEach(running: Running, request: string): Promise<Victim[]> {
  const victims = new Map<number, TcpClient>();
  // They stay until every worker has one, so that each next client is for a worker with fewer.
  const others: TcpClient[] = [];
  for (let tries = 0; victims.size < WORKERS && tries < WORKERS * 50; tries++) {
    const client = await running.connect();
    client.send(request);
    const [pid = ''] = await client.expectMatch(request === '' ? /^W\d+\r\n/ : /^[^]*\r\n\r\n\d+$/);
    const number = Number(/\d+\s*$/.exec(pid)?.[0]);
    if (victims.has(number)) others.push(client);
    else victims.set(number, client);
  }
  for (const client of others) client.close();
  return [...victims].map(([pid, client]) => ({ pid, client }));
}

/** Waits until processes are stopped or have used more processor time than anything but their order would take. */
async function standStill(pids: readonly number[]): Promise<void> {
  const before = new Map(pids.map((pid) => [pid, cpuMs(pid)]));
  await poll(() => pids.every((pid) => isStopped(pid) || cpuMs(pid) > (before.get(pid) ?? 0) + BUSY_MS), () => `${pids.join(', ')} to be blocked`);
}

/** New clients, first several at once, then at a steady pace for a while; returns those whose first byte has come by the end or later. */
async function arrivals(port: number, seconds: number, request: string): Promise<readonly FirstBytes[]> {
  const all: Promise<FirstBytes>[] = [];
  const startedAt = performance.now();
  const end = startedAt + seconds * 1000;
  while (performance.now() < end) {
    while ((all.length - AT_ONCE) * PACE_MS <= performance.now() - startedAt) all.push(firstBytes(port, request));
    await sleep(PACE_MS);
  }
  return Promise.all(all);
}

/** The workers that may accept are stopped in each way. */
export const holders: Scenario = async ({ share }) => {
  const rows: Row[] = [];
  for (const way of WAYS) rows.push(...await stopHolders(way, Math.max(1.5, 4 * share)));
  return rows;
};

const holdersOf = ({ workers }: ServerStatus): readonly number[] => workers.filter(({ permit }) => permit).map(({ pid }) => pid);

async function stopHolders({ title, bound, setup = {}, request = '', stop }: Way, seconds: number): Promise<readonly Row[]> {
  return withWorkers(WORKERS, { ServerHeartBeatTime: 0.5, ...setup }, async (running) => {
    const each = await clientOfEach(running, request === '' ? '' : request.replace('Connection: close\r\n', ''));
    await running.heartbeats();
    const holding = holdersOf(running.server.status());
    // Where every worker may accept, most of them: somebody has to be left who can serve.
    const victims = each.filter(({ pid }) => holding.includes(pid)).slice(0, MOST_STOPPED);
    stop(victims, seconds);
    // Only then: a client that comes before may move the permits.
    await standStill(victims.map(({ pid }) => pid));
    const all = await arrivals(running.port, seconds * 0.8, request);
    const times = all.map(({ ms }) => ms);
    const stopped = new Set(victims.map(({ pid }) => pid));
    return [
      [`${title}: workers stopped of ${WORKERS}`, victims.length, ''],
      ['  new clients: ms to the first byte, p50', percentile(times, 0.5), ''],
      ['    p99', percentile(times, 0.99), `<= ${bound}`],
      ['    worst', Math.max(...times), `<= ${bound}`],
      ['  new clients, and how many a stopped worker served in the end', `${all.length}, ${all.filter(({ pid }) => stopped.has(pid ?? 0)).length}`, ''],
    ];
  });
}

/** Most workers are blocked by a callback, holders or not. */
export const blocked: Scenario = async ({ share }) => withWorkers(WORKERS, {}, async (running) => {
  const victims = (await clientOfEach(running, '')).slice(0, 4);
  const seconds = Math.max(1.5, 3 * share);
  order('sync')(victims, seconds);
  const times = (await arrivals(running.port, seconds * 0.8, '')).map(({ ms }) => ms);
  return [
    [`workers blocked of ${WORKERS}`, victims.length, 4],
    ['new clients served meanwhile', times.filter(Number.isFinite).length, times.length],
    ['ms to the first byte, p50', percentile(times, 0.5), ''],
    ['  p99', percentile(times, 0.99), '<= 100'],
    ['workers killed for it', running.server.status().totals.exits['killed:grace'], 0],
  ];
});

/** Eight workers, 20 clients a second, of which a tenth has its worker blocked for 1.5 s after an await. */
export const mixture: Scenario = async ({ share }) => withWorkers(8, {}, async (running) => {
  const count = Math.ceil(200 * share);
  const others: Promise<FirstBytes>[] = [];
  for (let index = 0; index < count; index++) {
    if (index % 10 === 0) (await running.connect()).send('block await 1.5\n');
    else others.push(firstBytes(running.port));
    await sleep(50);
  }
  const times = (await Promise.all(others)).map(({ ms }) => ms);
  return [
    ['clients, a tenth of which blocks for 1.5 s', count, ''],
    ['ms to the first byte of the others, p50', percentile(times, 0.5), ''],
    ['  p90', percentile(times, 0.9), '<= 100'],
    ['  worst', Math.max(...times), ''],
  ];
});

/** As many clients as workers may be, which block, on a small pool: served in the time of one and the start of the workers. */
export const burst: Scenario = async ({ share }) => {
  const block = Math.max(1, 3 * share);
  const bound = `<= ${block + 1.5}`;
  return [
    ...await burstOf('wait', block, bound),
    // Those that compute take the cores from the workers that start.
    ...await burstOf('sync', block, availableParallelism() > BURST ? bound : ''),
  ];
};

async function burstOf(way: 'wait' | 'sync', block: number, bound: string): Promise<readonly Row[]> {
  return withServer({ ...fixed(BURST), StartServer: 1, MinServer: 1, MinSpareServer: 1, MaxSessionPerServer: 1 }, async (running) => {
    await running.settled(1);
    const startedAt = performance.now();
    const seconds = await Promise.all(Array.from({ length: BURST }, async () => {
      const client = await running.connect();
      client.send(`block ${way} ${block}\nquit\n`);
      await client.expectMatch(/bye\r\n/);
      return (performance.now() - startedAt) / 1000;
    }));
    return [
      [`clients that ${way === 'wait' ? 'wait' : 'compute'} for ${block} s each, one to a worker, from 1 worker to ${BURST}`, BURST, ''],
      ['seconds until all were served', Math.max(...seconds), bound],
    ];
  });
}
