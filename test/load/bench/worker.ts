// What a worker costs beside a node:cluster worker whose server has the same line protocol by hand: memory, and processor
// time from its fork until it is ready; where Node has a cache of compiled code, also with that.
import { mkdtempSync, rmSync } from 'node:fs';
import module from 'node:module';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { cpuMs, memoryOf } from '../../support/proc.js';
import { MIB, median, printTable } from '../figures.js';
import { atRest } from './at-rest.js';
import { withServer } from './server.js';
import type { Program } from './server.js';
import type { Settings } from './settings.js';

const WORKERS = 10;

const KINDS = {
  'prefork': ['prefork', { workers: WORKERS }],
  'cluster': ['hand-written', { kind: 'round-robin', workers: WORKERS }],
} satisfies Readonly<Record<string, readonly [Program, object]>>;

type Kind = keyof typeof KINDS;

interface Cost {
  readonly cpu: number;
  readonly resident: number;
  readonly proportional: number;
  readonly own: number;
}

type Measure = keyof Cost;

const MEASURES: readonly [measure: Measure, title: string, aim: number | undefined][] = [
  ['resident', 'MiB resident (RSS)', 1.07],
  ['proportional', 'MiB in proportion (PSS)', undefined],
  ['own', 'MiB of its own', undefined],
  ['cpu', 'ms of processor until ready', 1.15],
];

/** The environment in which servers start, and how it is called. */
interface Surroundings {
  readonly title: string;
  readonly env: Readonly<Record<string, string>>;
}

/** The median worker of a server. */
async function costOf(kind: Kind, { env }: Surroundings): Promise<Cost> {
  const [program, settings] = KINDS[kind];
  return withServer(program, settings, async (_port, server) => {
    const pids = server.workers;
    if (pids.length !== WORKERS) throw new Error(`${kind} has ${pids.length} workers.`);
    await atRest(pids);
    const cpu = median(pids.map(cpuMs));
    const memory = pids.map(memoryOf);
    const of = (measure: Exclude<Measure, 'cpu'>): number => median(memory.map((one) => one[measure] / MIB));
    return { cpu, resident: of('resident'), proportional: of('proportional'), own: of('own') };
  }, { env });
}

async function compare(rounds: number, surroundings: Surroundings): Promise<unknown> {
  const costs: Readonly<Record<Kind, Cost[]>> = { prefork: [], cluster: [] };
  for (let round = 0; round < rounds; round++) {
    for (const kind of Object.keys(KINDS) as Kind[]) costs[kind].push(await costOf(kind, surroundings));
  }
  const medianOf = (kind: Kind, measure: Measure): number => median(costs[kind].map((cost) => cost[measure]));
  printTable(`A worker ÷ a cluster worker${surroundings.title}: ${WORKERS} of each on ${availableParallelism()} cores, medians of ${rounds}`, ['', 'worker', 'cluster worker', 'ratio', 'aim'],
    MEASURES.map(([measure, title, aim]) => {
      const [ours, theirs] = [medianOf('prefork', measure), medianOf('cluster', measure)];
      return [title, ours, theirs, ours / theirs, aim === undefined ? '' : `≤ ${aim}`];
    }));
  return costs;
}

/** Lets each server run once and end by itself: that is when Node writes its cache. */
async function fillCache({ env }: Surroundings): Promise<void> {
  for (const [program, settings] of Object.values(KINDS)) {
    await withServer(program, settings, async (_port, server) => {
      server.signal('SIGTERM');
      await server.over();
    }, { env });
  }
}

export async function run({ rounds }: Settings): Promise<unknown> {
  const plain = await compare(rounds, { title: '', env: {} });
  if (!('enableCompileCache' in module)) return { plain };
  const directory = mkdtempSync(join(tmpdir(), 'prefork-bench-'));
  try {
    const surroundings = { title: ', both with NODE_COMPILE_CACHE', env: { NODE_COMPILE_CACHE: directory } };
    await fillCache(surroundings);
    return { plain, cached: await compare(rounds, surroundings) };
  } finally {
    rmSync(directory, { recursive: true });
  }
}
