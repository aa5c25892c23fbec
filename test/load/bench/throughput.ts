// Connections and lines per second beside what users would write otherwise. All servers run at once, and are loaded one after
// the other for half a second, again and again: a machine that others share may change its speed by half within a minute, and
// what is compared has to meet the same. A worker that has served few clients runs code that the compiler has not got to yet,
// and takes up to three times as long: so the more workers, the longer the warm-up.
import { cpuMs } from '../../support/proc.js';
import { median, printTable, sum } from '../figures.js';
import type { Mode } from './generator.js';
import { Generator, withServer } from './server.js';
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

/** Clients that each worker serves before it counts, unless all of them take longer than these seconds. */
const WARM_UP = { clients: 20_000, seconds: 60 };

/** How long a server is loaded before it is the next one's turn. */
const TURN_SECONDS = 0.5;

interface Running {
  readonly name: Name;
  readonly port: number;
  readonly pids: readonly number[];
}

/** What a server did in one turn. */
interface Turn {
  readonly rate: number;
  /** Processor time of all its processes for each piece of work, in microseconds. */
  readonly cost: number;
}

/** The turns of each server; those of the same place followed each other within seconds. */
type Turns = ReadonlyMap<Name, readonly Turn[]>;

export async function run({ rounds, seconds, clients }: Settings): Promise<unknown> {
  const generator = new Generator();
  try {
    const turns = await withServers(NAMES, [], async (servers) => {
      const measured = {} as Record<Unit, Turns>;
      for (const mode of MODES) measured[mode] = await measure(generator, servers, { mode, clients, passes: Math.ceil(rounds * seconds / TURN_SECONDS) });
      return measured;
    });
    return print(turns, clients);
  } finally {
    await generator[Symbol.asyncDispose]();
  }
}

/** Starts servers beside those that run already, and ends them after the body. */
async function withServers<Result>(names: readonly Name[], running: readonly Running[], body: (servers: readonly Running[]) => Promise<Result>): Promise<Result> {
  const [name, ...others] = names;
  if (name === undefined) return body(running);
  return withServer(...SERVERS[name], (port, { pid, workers }) => withServers(others, [...running, { name, port, pids: [pid, ...workers] }], body));
}

async function measure(
  generator: Generator, running: readonly Running[], { mode, clients, passes }: { readonly mode: Unit; readonly clients: number; readonly passes: number },
): Promise<Turns> {
  // A server with one client per worker cannot hold 64 connections open at once.
  const servers = running.filter(({ name }) => mode === 'conn' || !name.includes('one client'));
  const turns = new Map<Name, Turn[]>(servers.map(({ name }) => [name, []]));
  for (const { port, pids } of servers) {
    await generator.run({ port, mode, clients, ...(mode === 'conn' ? { count: WARM_UP.clients * pids.length, seconds: WARM_UP.seconds } : {}) });
  }
  for (let pass = 0; pass < passes; pass++) {
    for (const { name, port, pids } of pass % 2 === 0 ? servers : servers.toReversed()) {
      const before = sum(pids.map(cpuMs));
      const { rate, done, failed, refused, twice } = await generator.run({ port, mode, clients, seconds: TURN_SECONDS });
      turns.get(name)?.push({ rate, cost: (sum(pids.map(cpuMs)) - before) * 1000 / done });
      if (failed + refused + twice > 0) console.log(`  ${name}, ${mode}: ${failed} failed, ${refused} refused, ${twice} served two at once`);
    }
  }
  return turns;
}

function print(turns: Readonly<Record<Unit, Turns>>, clients: number): unknown {
  const of = (mode: Unit, name: Name, what: keyof Turn): number[] => (turns[mode].get(name) ?? []).map((turn) => turn[what]);
  const passes = turns.conn.get('net.Server, one process')?.length ?? 0;
  printTable(`Throughput, ${clients} clients, medians of ${passes} turns`, ['', ...Object.values(UNITS)],
    NAMES.map((name) => [name, ...MODES.map((mode) => median(of(mode, name, 'rate')))]));
  printTable('Processor time of the server for each, master included, in microseconds', ['', ...Object.values(PIECES)],
    NAMES.map((name) => [name, ...MODES.map((mode) => median(of(mode, name, 'cost')))]));
  // The generator takes a core of its own. Where there are only two, the second says more of the servers than the first.
  const quotient = (mode: Unit, one: Name, other: Name, what: keyof Turn): number => {
    const others = of(mode, other, what);
    return median(of(mode, one, what).map((value, pass) => value / (others[pass] ?? NaN)));
  };
  const ratios = RATIOS.map(([mode, one, other, aim]) => ({
    mode, one, other, ratio: quotient(mode, one, other, 'rate'), byProcessor: quotient(mode, other, one, 'cost'), aim,
  }));
  printTable('Ratios, medians of those of each turn', ['', 'ratio', 'aim', 'by processor time'],
    ratios.map(({ mode, one, other, ratio, byProcessor, aim }) => [`${UNITS[mode]}: ${one} ÷ ${other}`, ratio, `≥ ${aim}`, byProcessor]));
  return { turns: Object.fromEntries(MODES.map((mode) => [mode, Object.fromEntries(turns[mode])])), ratios };
}
