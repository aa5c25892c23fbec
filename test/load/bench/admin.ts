// What the admin side costs: the master's snapshots of a large pool, those who watch it, and a worker's start.
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { fileURLToPath } from 'node:url';
import { boardOf } from '../../../src/admin/page-data.js';
import { renderMetrics } from '../../../src/admin/metrics.js';
import { watchAcceptQueue } from '../../../src/master/accept-queue.js';
import { reportLimits } from '../../../src/master/limits-report.js';
import { reportStatus } from '../../../src/master/status-report.js';
import { resolveThresholds } from '../../../src/options/thresholds.js';
import { Pool } from '../../master/supervisor-fixture.js';
import { EventViewer } from '../../support/admin-client.js';
import { MasterProcess } from '../../support/master-process.js';
import { cpuMs } from '../../support/proc.js';
import { poll } from '../../support/wait.js';
import { openMany } from '../connections.js';
import { median, printTable } from '../figures.js';
import { withServer } from './server.js';
import type { Settings } from './settings.js';

const WORKERS = 1000;
const TIMES = 100;
const VIEWERS = 100;
const SOCKETS = 20_000;

/** The processor time that a call takes, in milliseconds: other work on the machine does not count. */
function msOf(call: () => unknown): number {
  for (let time = 0; time < TIMES; time++) call();
  const before = process.cpuUsage();
  for (let time = 0; time < TIMES; time++) call();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000 / TIMES;
}

/** What `status()`, and all that is made from one, takes in a pool of a thousand workers. */
function snapshots(): Readonly<Record<string, number>> {
  const given = { MaxServer: WORKERS, StartServer: WORKERS, MinServer: WORKERS };
  const { supervisor, clock } = new Pool(given).boot();
  if (supervisor.roster.all().length !== WORKERS) throw new Error(`The pool has ${supervisor.roster.all().length} workers.`);
  const limits = reportLimits({ ...resolveThresholds(given), backlog: 511 });
  const take = (): ReturnType<typeof reportStatus> => reportStatus({
    alias: 'bench', startedAt: 0, address: undefined, paused: false, stopping: false, limits, release: { release: 1, mixed: false }, queued: 0,
    roster: supervisor.roster, tally: supervisor.tally, clock,
  });
  const status = take();
  const board = boardOf(status, { now: 0, hangs: [] });
  return {
    'status()': msOf(take),
    'metrics(), its status included': msOf(() => renderMetrics(take(), { version: '0', node: '0' })),
    'JSON of a status': msOf(() => JSON.stringify(status)),
    'what the page gets, its status not included': msOf(() => JSON.stringify(boardOf(status, { now: 0, hangs: [] }))),
    'KiB of that': JSON.stringify(board).length / 1024,
  };
}

/** Percent of a core that a master takes for its viewers, while its pool changes all the time. */
async function viewersCost(workers: number, seconds: number): Promise<number> {
  const script = fileURLToPath(new URL('../servers/watched.ts', import.meta.url));
  const server = new MasterProcess({ args: [script, String(workers)], execArgv: ['--import', 'tsx'] });
  try {
    const [, url = ''] = /watch (\S+)/.exec(await server.line(/^watch /)) ?? [];
    const alone = await percentOf(server.pid, seconds);
    const viewers = Array.from({ length: VIEWERS }, () => new EventViewer(url));
    await poll(() => viewers.every((viewer) => viewer.last('board') !== undefined), () => 'a board for each viewer');
    const watched = await percentOf(server.pid, seconds);
    for (const viewer of viewers) viewer.close();
    return watched - alone;
  } finally {
    await server[Symbol.asyncDispose]();
  }
}

async function percentOf(pid: number, seconds: number): Promise<number> {
  const [cpu, at] = [cpuMs(pid), performance.now()];
  await poll(() => performance.now() - at >= seconds * 1000, () => 'the end of the measurement', seconds * 2000 + 1000);
  return 100 * (cpuMs(pid) - cpu) / (performance.now() - at);
}

/** Milliseconds that reading the length of the accept queue takes beside so many sockets. */
async function queueMs(): Promise<{ readonly sockets: number; readonly ms: number; readonly wholeMs: number }> {
  const own: Server = createServer();
  await new Promise<void>((resolve) => { own.listen(0, '127.0.0.1', resolve); });
  const queue = watchAcceptQueue({ handle: (own as unknown as { readonly _handle: unknown })._handle, backlog: 511 });
  try {
    return await withServer('prefork', { workers: 1, greet: true, options: { ServerHeartBeatTime: 10 } }, async (port) => {
      const clients = await openMany(port, SOCKETS / 2);
      if (queue.queued() === undefined) throw new Error('The kernel does not say how long the queue is.');
      const rows = readFileSync('/proc/net/tcp', 'latin1').split('\n').length;
      const result = { sockets: rows, ms: msOf(() => queue.queued()), wholeMs: msOf(() => readFileSync('/proc/net/tcp')) };
      for (const client of clients) client.destroy();
      return result;
    });
  } finally {
    own.close();
  }
}

/** Processor time of the median worker when all are ready. */
async function startMs(options: object): Promise<number> {
  return withServer('prefork', { workers: 10, options }, (_port, { workers }) => Promise.resolve(median(workers.map(cpuMs))));
}

export async function run({ rounds, seconds }: Settings): Promise<unknown> {
  const made = snapshots();
  const queue = await queueMs();
  const viewers: Readonly<Record<number, number[]>> = { 10: [], 200: [] };
  const starts: Readonly<Record<'without' | 'with', number[]>> = { without: [], with: [] };
  for (let round = 0; round < rounds; round++) {
    for (const workers of [10, 200]) viewers[workers]?.push(await viewersCost(workers, seconds));
    starts.without.push(await startMs({}));
    starts.with.push(await startMs({ Admin: { Port: 0 } }));
  }
  printTable(`A snapshot of ${WORKERS} workers, ms of processor: means of ${TIMES}`, ['', 'ms', 'aim'], Object.entries(made).map(([what, value]) => [what, value, '']));
  printTable(`The length of the accept queue beside ${queue.sockets} sockets`, ['', 'ms', 'aim'], [['reading it', queue.ms, '≤ 1'], ['reading the whole table', queue.wholeMs, '']]);
  printTable(`${VIEWERS} viewers of the page, whose pool changes all the time: medians of ${rounds}`, ['', '% of a core', 'aim'], Object.entries(viewers).map(([workers, each]) => [`${workers} workers`, median(each), '< 5']));
  printTable(`Processor time of a worker when all are ready, ms: medians of ${rounds}`, ['', 'ms', 'aim'], [
    ['without Admin', median(starts.without), ''], ['with Admin', median(starts.with), 'the same'],
  ]);
  return { made, queue, viewers, starts };
}
