// How long a plan takes: the master makes one after every report that changes something, so it must not be felt.
// node test/load/bench/plan.js
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const WORKERS = 1000;
const ROUNDS = 500;
const NOW = 1_000_000;

const CONFIG = {
  maxWorkers: WORKERS, startWorkers: WORKERS, minWorkers: 100, minSpare: 100, maxSpare: 200, heartbeatMs: 10_000, expireMs: 50_000,
  graceMs: 50_000, maxIdleMs: 30_000, maxLifeMs: 3_600_000, maxRss: 0, maxPoolClients: 0, maxStarting: 4, bootMs: 50_000,
};

/** @param {number} id @param {object} given */
const worker = (id, given) => ({
  id, phase: 'ready', bornAt: NOW - (id * 7919) % 100_000, heardAt: NOW - (id * 31) % 5000, idleSince: undefined, clients: 3, served: 30,
  drainDeadline: undefined, killed: false, lifeMs: 3_600_000, rss: 0, ...given,
});

/** @param {(id: number) => object} given */
const pool = (given) => ({
  workers: Array.from({ length: WORKERS }, (_, index) => worker(index + 1, given(index + 1))),
  stopping: false, plannedAt: NOW - 100, shrunkAt: -Infinity, surplusSince: NOW - 20_000, retryAt: undefined,
});

const POOLS = {
  'busy': pool(() => ({})),
  'half idle': pool((id) => (id % 2 === 0 ? { clients: 0, idleSince: NOW - id } : {})),
  'idle, unused and old': pool((id) => ({ clients: 0, idleSince: NOW - 40_000 - id, lifeMs: 1000 })),
  'silent': pool(() => ({ heardAt: 0 })),
};

/** The policy is not exported by the package, so it is bundled as it is. */
async function loadPlan() {
  const entry = fileURLToPath(new URL('../../../src/policy/plan.ts', import.meta.url));
  const { outputFiles } = await build({ entryPoints: [entry], bundle: true, write: false, format: 'esm', target: 'node20', logLevel: 'error' });
  const [file] = outputFiles;
  if (file === undefined) throw new Error(`Nothing was bundled from ${entry}.`);
  return import(`data:text/javascript;base64,${Buffer.from(file.contents).toString('base64')}`);
}

/** @param {readonly number[]} values */
const median = (values) => values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? NaN;

/** @returns {Promise<{ name: string, value: number, unit: string, aim: string }[]>} */
export async function run() {
  const { plan } = await loadPlan();
  return Object.entries(POOLS).map(([title, snapshot]) => {
    const micros = Array.from({ length: ROUNDS }, () => {
      const before = performance.now();
      plan(snapshot, CONFIG, NOW);
      return (performance.now() - before) * 1000;
    });
    return { name: `plan for ${WORKERS} workers, ${title}`, value: Math.round(median(micros)), unit: 'µs', aim: 'well under 1000' };
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const { name, value, unit, aim } of await run()) console.log(`${name.padEnd(48)}${String(value).padStart(6)} ${unit}   (aim: ${aim})`);
}
