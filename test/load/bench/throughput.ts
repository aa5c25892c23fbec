// Connections and lines per second beside what users would write otherwise, interleaved: every round runs each server once,
// warmed up before it counts. A worker that has served few clients runs code that the compiler has not got to yet, and takes
// up to three times as long: so the more workers, the longer the warm-up.
import { cpuMs } from '../../support/proc.js';
import { median, printTable, sum } from '../figures.js';
import type { Mode } from './generator.js';
import { load, withServer } from './server.js';
import type { Program } from './server.js';
import type { Settings } from './settings.js';

type Server = readonly [program: Program, settings: object];

const prefork = (workers: number, options = {}): Server => ['prefork', { workers, options }];
const peer = (kind: string, workers?: number): Server => ['hand-written', { kind, workers }];

const SERVERS = {
  'prefork, 2 workers': prefork(2),
  'prefork, 20 workers': prefork(20),
  'prefork, 2 workers, one client each': prefork(2, { MaxSessionPerServer: 1 }),
  'prefork, 20 workers, one client each': prefork(20, { MaxSessionPerServer: 1 }),
  'cluster round robin, 2 workers': peer('round-robin', 2),
  'cluster round robin, 20 workers': peer('round-robin', 20),
  'cluster shared handle, 2 workers': peer('shared', 2),
  'net.Server, one process': peer('single'),
} satisfies Readonly<Record<string, Server>>;

type Name = keyof typeof SERVERS;
const NAMES = Object.keys(SERVERS) as Name[];

const UNITS = { conn: 'connect + line + close per s', echo: 'echo lines per s', pipe: 'lines per s, 100 per write' } satisfies Partial<Record<Mode, string>>;
type Unit = keyof typeof UNITS;
const PIECES: Readonly<Record<Unit, string>> = { conn: 'connection', echo: 'echo line', pipe: 'pipelined line' };
const MODES = Object.keys(UNITS) as Unit[];

const RATIOS: readonly [mode: Unit, one: Name, other: Name, aim: number][] = [
  ['conn', 'prefork, 2 workers', 'cluster round robin, 2 workers', 2.1],
  ['conn', 'prefork, 2 workers', 'cluster shared handle, 2 workers', 1.0],
  ['conn', 'prefork, 20 workers', 'prefork, 2 workers', 0.95],
  ['conn', 'prefork, 20 workers', 'cluster round robin, 20 workers', 4],
  ['conn', 'prefork, 2 workers, one client each', 'cluster round robin, 2 workers', 0.7],
  ['conn', 'prefork, 20 workers, one client each', 'prefork, 2 workers, one client each', 0.8],
  ['echo', 'prefork, 2 workers', 'net.Server, one process', 1.05],
  ['echo', 'prefork, 2 workers', 'cluster round robin, 2 workers', 1.1],
  ['echo', 'prefork, 20 workers', 'cluster round robin, 20 workers', 1.5],
  ['pipe', 'prefork, 2 workers', 'net.Server, one process', 0.9],
];

/** Clients that each worker serves before it counts. */
const WARM_UP = 2000;

export async function run({ rounds, seconds, clients }: Settings): Promise<unknown> {
  const rates = new Map<string, number[]>();
  const costs = new Map<string, number[]>();
  const note = (map: Map<string, number[]>, key: string, value: number): unknown => map.set(key, [...map.get(key) ?? [], value]);
  for (let round = 0; round < rounds; round++) {
    for (const name of NAMES) {
      const [program, settings] = SERVERS[name];
      // A server with one client per worker cannot hold 64 connections open at once.
      const modes = name.includes('one client') ? ['conn'] as const : MODES;
      await withServer(program, settings, async (port, { pid, workers }) => {
        const pids = [pid, ...workers];
        await load({ port, mode: 'conn', clients, count: WARM_UP * Math.max(workers.length, 1) });
        for (const mode of modes) {
          const before = sum(pids.map(cpuMs));
          const { rate, done, failed, refused, twice } = await load({ port, mode, clients, seconds });
          note(rates, `${mode} ${name}`, rate);
          note(costs, `${mode} ${name}`, (sum(pids.map(cpuMs)) - before) * 1000 / done);
          if (failed + refused + twice > 0) console.log(`  ${name}, ${mode}: ${failed} failed, ${refused} refused, ${twice} served two at once`);
        }
      });
    }
  }
  const rateOf = (mode: Unit, name: Name): number => median(rates.get(`${mode} ${name}`) ?? []);
  const costOf = (mode: Unit, name: Name): number => median(costs.get(`${mode} ${name}`) ?? []);
  printTable(`Throughput, ${clients} clients, medians of ${rounds}`, ['', ...Object.values(UNITS)],
    NAMES.map((name) => [name, ...MODES.map((mode) => rateOf(mode, name))]));
  printTable('Processor time of the server for each, master included, in microseconds', ['', ...Object.values(PIECES)],
    NAMES.map((name) => [name, ...MODES.map((mode) => costOf(mode, name))]));
  // The generator takes a core of its own. Where there are only two, the second says more of the servers than the first.
  const ratios = RATIOS.map(([mode, one, other, aim]) => ({
    mode, one, other, ratio: rateOf(mode, one) / rateOf(mode, other), byProcessor: costOf(mode, other) / costOf(mode, one), aim,
  }));
  printTable('Ratios', ['', 'ratio', 'aim', 'by processor time'],
    ratios.map(({ mode, one, other, ratio, byProcessor, aim }) => [`${UNITS[mode]}: ${one} ÷ ${other}`, ratio, `≥ ${aim}`, byProcessor]));
  return { rates: Object.fromEntries(rates), costs: Object.fromEntries(costs), ratios };
}
