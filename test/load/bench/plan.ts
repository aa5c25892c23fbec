// How long a plan takes: the master makes one after every report that changes something, so it must not be felt.
import { plan } from '../../../src/policy/plan.js';
import type { WorkerSnapshot } from '../../../src/policy/snapshot.js';
import { CONFIG, NOW, pool, worker } from '../../support/pool-snapshots.js';
import { median, printTable } from '../figures.js';

const WORKERS = 1000;
const PLANS = 500;

const LARGE = {
  ...CONFIG, maxWorkers: WORKERS, startWorkers: WORKERS, minWorkers: 100, minSpare: 100, maxSpare: 200, maxIdleMs: 30_000, maxLifeMs: 3_600_000,
};

const POOLS: Readonly<Record<string, (id: number) => Partial<WorkerSnapshot>>> = {
  'busy': () => ({ clients: 3 }),
  'half idle': (id) => (id % 2 === 0 ? { idleSince: NOW - id } : { clients: 3 }),
  'idle, unused and old': (id) => ({ idleSince: NOW - 40_000 - id, lifeMs: 1000 }),
  'silent': () => ({ clients: 3, heardAt: 0 }),
};

export function run(): unknown {
  const results = Object.entries(POOLS).map(([title, given]) => {
    const members = Array.from({ length: WORKERS }, (_, index) => worker(index + 1, {
      bornAt: NOW - (index * 7919) % 100_000, heardAt: NOW - (index * 31) % 5000, lifeMs: 3_600_000, ...given(index + 1),
    }));
    const snapshot = pool(members, { surplusSince: NOW - 20_000 });
    const micros = Array.from({ length: PLANS }, () => {
      const before = performance.now();
      plan(snapshot, LARGE, NOW);
      return (performance.now() - before) * 1000;
    });
    return { title, micros: median(micros) };
  });
  printTable(`A plan for ${WORKERS} workers`, ['', 'µs', 'aim'], results.map(({ title, micros }) => [title, micros, 'well under 1000']));
  return results;
}
