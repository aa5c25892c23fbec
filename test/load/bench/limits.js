// Balance, exact limits, and nothing lost: counts, not speeds.
import { load, median, printTable, withServer } from './harness.js';

const CONNECTIONS = 400;
const WORKERS = 8;

/** How many of the connections the busiest worker has, over the mean. */
function imbalance({ answers, done }) {
  return Math.max(...Object.values(answers)) / (done / WORKERS);
}

export async function run({ rounds, exactCount = 100_000 }) {
  const spread = { 'all at once': [], 'one every 2 ms': [] };
  for (let round = 0; round < rounds; round++) {
    for (const [name, everyMs] of [['all at once', 0], ['one every 2 ms', 2]]) {
      await withServer('prefork', { workers: WORKERS, answerPid: true }, async (port) => {
        spread[name].push(imbalance(await load({ port, mode: 'spread', clients: CONNECTIONS, everyMs })));
      });
    }
  }
  const exact = await withServer('prefork', { workers: 4, options: { MaxSessionPerServer: 1 } },
    (port) => load({ port, mode: 'conn', clients: 64, count: exactCount }));
  const pauses = await withServer('prefork', { workers: 20, pauses: 100 }, async (port, { next }) => {
    const finished = next('CPU');
    const result = await load({ port, mode: 'conn', clients: 64, seconds: 4 });
    await finished;
    return result;
  });
  const rows = [
    [`${CONNECTIONS} connections over ${WORKERS} workers, all at once: busiest ÷ mean`, median(spread['all at once']), '≤ 1.10'],
    [`${CONNECTIONS} connections over ${WORKERS} workers, one every 2 ms: busiest ÷ mean`, median(spread['one every 2 ms']), '≤ 1.10'],
    [`served two at once with a limit of 1, over ${exact.done} connections`, exact.twice, '0'],
    ['refused or lost meanwhile', exact.failed + exact.refused, '0'],
    [`refused or lost while 20 workers are paused and resumed 100 times under load (${pauses.done} served)`, pauses.failed + pauses.refused, '0'],
  ];
  printTable('Limits and balance', ['', 'measured', 'aim'], rows);
  return { spread, exact, pauses };
}
