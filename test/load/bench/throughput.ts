// Connections and lines per second beside what users would write otherwise. The two servers that are compared run side by side, and
// are loaded in turns of seconds, again and again: a machine that others share may change its speed by half
// within a minute, and both have to meet the same. Only these two: dozens of idle processes more cost both of them caches. A
// worker that has served few clients runs code that the compiler has not got to yet, and takes up to three times as long: so the
// more workers, the longer the warm-up. After a pause a pool has to notice anew that a crowd has come: that is a part of each turn.
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
type Unit = Extract<Mode, 'conn' | 'echo' | 'pipe'>;

const UNITS: Readonly<Record<Unit, string>> = { conn: 'connect + line + close', echo: 'echo lines', pipe: 'lines, 100 per write' };

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
const WARM_UP = { clients: 20_000, seconds: 150 };

/** What a server did in one turn. */
interface Turn {
  readonly rate: number;
  /** Processor time of all its processes for each piece of work, in microseconds. */
  readonly cost: number;
}

interface Loaded {
  readonly generator: Generator;
  readonly mode: Unit;
  readonly clients: number;
  /** Of a turn. */
  readonly seconds: number;
  readonly passes: number;
}

export async function run({ rounds, seconds, clients }: Settings): Promise<unknown> {
  const generator = new Generator();
  try {
    const results = [];
    for (const [mode, one, other, aim] of RATIOS) {
      const turns = await compare([one, other], { generator, mode, clients, seconds, passes: rounds * 2 });
      results.push({ mode, one, other, aim, turns });
    }
    print(results, clients);
    return results;
  } finally {
    await generator[Symbol.asyncDispose]();
  }
}

/** The turns of two servers; those of the same place followed each other. */
async function compare([one, other]: readonly [Name, Name], loaded: Loaded): Promise<readonly [Turn[], Turn[]]> {
  return withServer(...SERVERS[one], (port, server) => withServer(...SERVERS[other], async (otherPort, otherServer) => {
    const servers = [[port, server], [otherPort, otherServer]] as const;
    const turns: readonly [Turn[], Turn[]] = [[], []];
    for (const [at, { workers }] of servers) await warmUp(at, workers.length, loaded);
    for (let pass = 0; pass < loaded.passes; pass++) {
      for (const index of pass % 2 === 0 ? [0, 1] as const : [1, 0] as const) {
        const [at, { pid, workers }] = servers[index];
        turns[index].push(await turn(at, [pid, ...workers], loaded));
      }
    }
    return turns;
  }));
}

async function warmUp(port: number, workers: number, { generator, mode, clients }: Loaded): Promise<void> {
  await generator.run({ port, mode: 'conn', clients, count: WARM_UP.clients * Math.max(workers, 1), seconds: WARM_UP.seconds });
  if (mode !== 'conn') await generator.run({ port, mode, clients });
}

async function turn(port: number, pids: readonly number[], { generator, mode, clients, seconds }: Loaded): Promise<Turn> {
  let before = NaN;
  const { rate, done, failed, refused, twice } = await generator.run({ port, mode, clients, seconds }, () => { before = sum(pids.map(cpuMs)); });
  if (failed + refused + twice > 0) console.log(`  ${mode}: ${failed} failed, ${refused} refused, ${twice} served two at once`);
  return { rate, cost: (sum(pids.map(cpuMs)) - before) * 1000 / done };
}

function print(results: readonly { readonly mode: Unit; readonly one: Name; readonly other: Name; readonly aim: number; readonly turns: readonly [Turn[], Turn[]] }[], clients: number): void {
  const passes = results[0]?.turns[0].length ?? 0;
  // The generator takes a core of its own. Where there are only two, processor time says more of the servers than the rate does.
  printTable(`Throughput, ${clients} clients, medians of ${passes} turns each`, ['', 'a second', 'the other', 'ratio', 'aim', 'µs of processor', 'the other', 'ratio'],
    results.map(({ mode, one, other, aim, turns: [ours, theirs] }) => [
      `${UNITS[mode]}: ${one} ÷ ${other}`,
      median(ours.map(({ rate }) => rate)), median(theirs.map(({ rate }) => rate)),
      median(ours.map(({ rate }, pass) => rate / (theirs[pass]?.rate ?? NaN))), `≥ ${aim}`,
      median(ours.map(({ cost }) => cost)), median(theirs.map(({ cost }) => cost)),
      median(ours.map(({ cost }, pass) => (theirs[pass]?.cost ?? NaN) / cost)),
    ]));
}
