// Balance, exact limits, and nothing lost: counts, not speeds.
import { median, printTable } from '../figures.js';
import type { Measured } from './generator.js';
import { load, withServer } from './server.js';
import type { Settings } from './settings.js';

const CONNECTIONS = 400;
const WORKERS = 8;

/** How many of the connections the busiest worker has, over the mean. */
function imbalance({ answers, done }: Measured): number {
  return Math.max(...Object.values(answers)) / (done / WORKERS);
}

const ARRIVALS = [['all at once', 0], ['one every 2 ms', 2]] as const;

export async function run({ rounds }: Settings, exactCount = 100_000): Promise<unknown> {
  const spread = { 'all at once': [] as number[], 'one every 2 ms': [] as number[] };
  for (let round = 0; round < rounds; round++) {
    for (const [name, everyMs] of ARRIVALS) {
      await withServer('prefork', { workers: WORKERS, answerPid: true }, async (port) => {
        spread[name].push(imbalance(await load({ port, mode: 'spread', clients: CONNECTIONS, everyMs })));
      });
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
    ...ARRIVALS.map(([name]) => [`${CONNECTIONS} connections over ${WORKERS} workers, ${name}: busiest ÷ mean`, median(spread[name]), '≤ 1.10']),
    [`served two at once with a limit of 1, over ${exact.done} connections`, exact.twice, '0'],
    ['refused or lost meanwhile', exact.failed + exact.refused, '0'],
    [`refused or lost while 20 workers are paused and resumed 100 times under load (${pauses.done} served)`, pauses.failed + pauses.refused, '0'],
  ]);
  return { spread, exact, pauses };
}
