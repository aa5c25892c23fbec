// What a pool costs that has nothing to do: its workers report, so that each that is blocked is noticed. Waking a process that has
// slept is dear, and how dear depends on the machine: so beside a cluster whose workers do no more than send a message a second.
import { cpuMs } from '../../support/proc.js';
import { sleep } from '../chaos/scenario.js';
import { median, printTable, sum } from '../figures.js';
import { withServer } from './server.js';
import type { Program } from './server.js';
import type { Settings } from './settings.js';

const WORKERS = 20;
/** What is left of the start, such as garbage and code that is compiled late, is over by then. */
const SETTLE_MS = 20_000;
const WATCHED_MS = 20_000;

const KINDS = {
  'prefork': ['prefork', { workers: WORKERS }],
  'cluster, a message a second from each worker': ['hand-written', { kind: 'round-robin', workers: WORKERS, messageMs: 1000 }],
} satisfies Readonly<Record<string, readonly [Program, object]>>;

type Kind = keyof typeof KINDS;

/** Percent of a core that master and workers take together. */
async function percentOfCore(kind: Kind): Promise<number> {
  const [program, settings] = KINDS[kind];
  return withServer(program, settings, async (_port, { pid, workers }) => {
    const pids = [pid, ...workers];
    await sleep(SETTLE_MS);
    const before = sum(pids.map(cpuMs));
    await sleep(WATCHED_MS);
    return (sum(pids.map(cpuMs)) - before) / WATCHED_MS * 100;
  });
}

export async function run({ rounds }: Settings): Promise<unknown> {
  const percents: Readonly<Record<Kind, number[]>> = { 'prefork': [], 'cluster, a message a second from each worker': [] };
  for (let round = 0; round < rounds; round++) {
    for (const kind of Object.keys(KINDS) as Kind[]) percents[kind].push(await percentOfCore(kind));
  }
  printTable(`${WORKERS} workers and their master at rest: medians of ${rounds}`, ['', '% of a core', 'aim'], (Object.keys(KINDS) as Kind[]).map((kind) => (
    [kind, median(percents[kind]), kind === 'prefork' ? '< 1' : '']
  )));
  return percents;
}
