// A burst on a small pool: 50 clients at once, each holds a worker for a second, and the pool starts with 5 workers.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { median, printTable } from '../figures.js';
import { load, withServer } from './server.js';
import type { Settings } from './settings.js';

const CLIENTS = 50;
const STARTED = 5;

/** How long the machine takes for the bare processes that the burst needs, started all at once. */
async function bareForks(count: number): Promise<number> {
  const startedAt = performance.now();
  const program = new URL('../servers/bare.mjs', import.meta.url);
  const children = Array.from({ length: count }, () => fork(program, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], execArgv: [] }));
  await Promise.all(children.map((child) => once(child, 'message')));
  const seconds = (performance.now() - startedAt) / 1000;
  await Promise.all(children.map((child) => {
    child.kill();
    return once(child, 'exit');
  }));
  return seconds;
}

export async function run({ rounds }: Settings): Promise<unknown> {
  const forks: number[] = [];
  const bursts: number[] = [];
  for (let round = 0; round < rounds; round++) {
    forks.push(await bareForks(CLIENTS - STARTED));
    const options = { StartServer: STARTED, MinServer: STARTED, MaxServer: CLIENTS, MinSpareServer: STARTED, MaxSessionPerServer: 1 };
    bursts.push(await withServer('prefork', { workers: CLIENTS, holdMs: 1000, options }, async (port) => (
      (await load({ port, mode: 'hold', clients: CLIENTS })).seconds
    )));
  }
  const ratio = median(bursts) / (median(forks) + 1);
  printTable(`Burst: ${CLIENTS} clients hold a worker for 1 s each, from ${STARTED} workers`, ['', 'seconds', 'aim'], [
    [`${CLIENTS - STARTED} bare forks`, median(forks), ''],
    ['all clients served', median(bursts), ''],
    ['served ÷ (forks + 1 s)', ratio, '< 1.3'],
  ]);
  return { forks, bursts, ratio };
}
