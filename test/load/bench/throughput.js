// Connections and lines per second beside what users would write otherwise, interleaved: every round runs each server once,
// warmed up by an uncounted second (the first one measures the compiler).
import { load, median, printTable, withServer } from './harness.js';

const PREFORK = (workers, options = {}) => ['prefork', { workers, options }];
const PEER = (kind, workers) => ['hand-written', { kind, workers }];

const SERVERS = {
  'prefork, 2 workers': PREFORK(2),
  'prefork, 20 workers': PREFORK(20),
  'prefork, 2 workers, one client each': PREFORK(2, { MaxSessionPerServer: 1 }),
  'cluster round robin, 2 workers': PEER('round-robin', 2),
  'cluster round robin, 20 workers': PEER('round-robin', 20),
  'cluster shared handle, 2 workers': PEER('shared', 2),
  'net.Server, one process': PEER('single'),
};

const RATIOS = [
  ['conn', 'prefork, 2 workers', 'cluster round robin, 2 workers', 2.1],
  ['conn', 'prefork, 2 workers', 'cluster shared handle, 2 workers', 1.0],
  ['conn', 'prefork, 20 workers', 'prefork, 2 workers', 0.9],
  ['conn', 'prefork, 20 workers', 'cluster round robin, 20 workers', 4],
  ['conn', 'prefork, 2 workers, one client each', 'cluster round robin, 2 workers', 0.7],
  ['echo', 'prefork, 2 workers', 'net.Server, one process', 1.05],
  ['echo', 'prefork, 2 workers', 'cluster round robin, 2 workers', 1.1],
  ['echo', 'prefork, 20 workers', 'cluster round robin, 20 workers', 1.5],
  ['pipe', 'prefork, 2 workers', 'net.Server, one process', 0.9],
];

const UNITS = { conn: 'connect + line + close per s', echo: 'echo lines per s', pipe: 'lines per s, 100 per write' };

/** @returns rows for the JSON file */
export async function run({ rounds, seconds, clients, load: generate = load }) {
  const rates = new Map();
  for (let round = 0; round < rounds; round++) {
    for (const [name, [program, options]] of Object.entries(SERVERS)) {
      // A server with one client per worker cannot hold 64 connections open at once.
      const modes = name.includes('one client') ? ['conn'] : Object.keys(UNITS);
      await withServer(program, options, async (port) => {
        await generate({ port, mode: 'conn', clients, seconds: 1 });
        for (const mode of modes) {
          const { rate, failed, refused, twice } = await generate({ port, mode, clients, seconds });
          const key = `${mode} ${name}`;
          rates.set(key, [...rates.get(key) ?? [], rate]);
          if (failed + refused + twice > 0) console.log(`  ${name}, ${mode}: ${failed} failed, ${refused} refused, ${twice} served two at once`);
        }
      });
    }
  }
  const rateOf = (mode, name) => median(rates.get(`${mode} ${name}`) ?? [NaN]);
  printTable(`Throughput, ${clients} clients, medians of ${rounds}`, ['', ...Object.values(UNITS)],
    Object.keys(SERVERS).map((name) => [name, ...Object.keys(UNITS).map((mode) => rateOf(mode, name))]));
  const ratios = RATIOS.map(([mode, one, other, aim]) => ({ mode, one, other, ratio: rateOf(mode, one) / rateOf(mode, other), aim }));
  printTable('Ratios', ['', 'ratio', 'aim'], ratios.map(({ mode, one, other, ratio, aim }) => [`${UNITS[mode]}: ${one} ÷ ${other}`, ratio, `≥ ${aim}`]));
  return { rates: Object.fromEntries(rates), ratios };
}
