// What a pool costs that has nothing to do: its workers report, so that each that is blocked is noticed.
import { cpuMs } from '../../support/proc.js';
import { sleep } from '../chaos/scenario.js';
import { openMany } from '../connections.js';
import { median, printTable, sum } from '../figures.js';
import { withServer } from './server.js';
import type { Settings } from './settings.js';

const WORKERS = 20;
/** What is left of the start, such as garbage and code that is compiled late, is over by then. */
const SETTLE_MS = 5000;
const WATCHED_MS = 20_000;

/** Clients that are connected and say nothing. */
const CLIENTS = [0, WORKERS] as const;

/** Percent of a core that master and workers take together. */
async function percentOfCore(clients: number): Promise<number> {
  return withServer('prefork', { workers: WORKERS, greet: true }, async (port, { pid, workers }) => {
    const pids = [pid, ...workers];
    const sockets = await openMany(port, clients);
    await sleep(SETTLE_MS);
    const before = sum(pids.map(cpuMs));
    await sleep(WATCHED_MS);
    const used = sum(pids.map(cpuMs)) - before;
    for (const socket of sockets) socket.destroy();
    return used / WATCHED_MS * 100;
  });
}

export async function run({ rounds }: Settings): Promise<unknown> {
  const results = [];
  for (const clients of CLIENTS) {
    const percents = [];
    for (let round = 0; round < rounds; round++) percents.push(await percentOfCore(clients));
    results.push({ clients, percents });
  }
  printTable(`${WORKERS} workers and their master at rest: medians of ${rounds}`, ['', '% of a core', 'aim'], results.map(({ clients, percents }) => (
    [clients === 0 ? 'without clients' : `${clients} clients that say nothing`, median(percents), clients === 0 ? '< 1' : '']
  )));
  return results;
}
