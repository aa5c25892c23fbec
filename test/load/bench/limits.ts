// Balance, exact limits, and nothing lost: counts, not speeds.
import { setTimeout } from 'node:timers/promises';
import { median, printTable } from '../figures.js';
import type { Load as AnyLoad, Measured } from './generator.js';
import { Generator, load, withServer } from './server.js';
import type { Settings } from './settings.js';

/** Of machines that users have: `os.availableParallelism` answers it. */
const CORES = [2, 8, 64];

type Load = Omit<AnyLoad, 'port'>;

interface Arrival {
  readonly title: string;
  readonly workers: number;
  readonly options?: object;
  readonly clients: number;
  readonly everyMs: number;
  /** What comes before: as many clients, one every 2 ms, that leave together; or a crowd of short-lived ones for two seconds. */
  readonly after?: Load;
}

const EIGHT = { workers: 8, clients: 400 };
const ARRIVALS: readonly Arrival[] = [
  { title: '400 clients, one every 2 ms', ...EIGHT, everyMs: 2 },
  { title: '400 at once', ...EIGHT, everyMs: 0 },
  { title: '400 at once after as many that left together', ...EIGHT, everyMs: 0, after: { mode: 'spread', clients: 400, everyMs: 2 } },
  { title: '400 at once after a crowd', ...EIGHT, everyMs: 0, after: { mode: 'conn', clients: 64, seconds: 2 } },
  { title: '400 at once after a crowd', workers: 20, clients: 400, everyMs: 0, after: { mode: 'conn', clients: 64, seconds: 2 } },
  { title: '48 at once, MaxSessionPerServer 5', workers: 12, options: { MaxSessionPerServer: 5 }, clients: 48, everyMs: 0 },
];
/** How long after those the others come, as users do who were cut off. */
const LATER_MS = 800;

/** How many clients the busiest worker has, over the mean. */
function imbalance({ answers, done }: Measured, workers: number): number {
  return Math.max(...Object.values(answers)) / (done / workers);
}

async function balance({ workers, options, clients, everyMs, after }: Arrival, cores: number): Promise<number> {
  return withServer('prefork', { workers, cores, answerPid: true, options }, async (port) => {
    const generator = new Generator();
    try {
      if (after !== undefined) {
        await generator.run({ port, ...after });
        await setTimeout(LATER_MS);
      }
      return imbalance(await generator.run({ port, mode: 'spread', clients, everyMs }), workers);
    } finally {
      await generator[Symbol.asyncDispose]();
    }
  });
}

export async function run({ rounds }: Settings, exactCount = 100_000): Promise<unknown> {
  const spread: Record<string, number[]> = {};
  for (let round = 0; round < rounds; round++) {
    for (const cores of CORES) {
      for (const arrival of ARRIVALS) (spread[`${arrival.title}, ${arrival.workers} workers on ${cores} cores`] ??= []).push(await balance(arrival, cores));
    }
  }
  const exact = await withServer('prefork', { workers: 4, options: { MaxSessionPerServer: 1 } },
    (port) => load({ port, mode: 'conn', clients: 64, count: exactCount }));
  const pauses = await withServer('prefork', { workers: 20, pauses: 100 }, async (port, server) => {
    const result = await load({ port, mode: 'conn', clients: 64, seconds: 4 });
    await server.event('paused');
    return result;
  });
  printTable('Limits and balance', ['', 'measured', 'aim'], [
    ...Object.entries(spread).map(([title, values]) => [`${title}: busiest ÷ mean`, median(values), '≤ 1.10']),
    [`served two at once with a limit of 1, over ${exact.done} connections`, exact.twice, '0'],
    ['refused or lost meanwhile', exact.failed + exact.refused, '0'],
    [`refused or lost while 20 workers are paused and resumed 100 times under load (${pauses.done} served)`, pauses.failed + pauses.refused, '0'],
  ]);
  return { spread, exact, pauses };
}
