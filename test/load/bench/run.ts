// Runs the benches and prints their tables: `npm run bench -- [--only NAME] [--rounds N] [--seconds S] [--clients N] [--json FILE]`.
import { writeFileSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { run as admin } from './admin.js';
import { run as burst } from './burst.js';
import { run as filters } from './filters.js';
import { run as idle } from './idle.js';
import { run as limits } from './limits.js';
import { run as plan } from './plan.js';
import { run as proxy } from './proxy.js';
import { run as resp } from './resp.js';
import { run as rest } from './rest.js';
import type { Settings } from './settings.js';
import { run as throughput } from './throughput.js';
import { run as tls } from './tls.js';
import { run as worker } from './worker.js';

// Node reads these certificates at each start, which takes longer than all the rest of it: that would hide what a start costs.
delete process.env['NODE_EXTRA_CA_CERTS'];

/** Each prints its tables and returns what goes into the JSON file, or a promise of it. */
const SUITES: Readonly<Record<string, (settings: Settings) => unknown>> = { throughput, limits, burst, worker, idle, rest, filters, resp, plan, admin, tls, proxy };

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true }, rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '2' }, clients: { type: 'string', default: '64' }, json: { type: 'string' },
  },
});
const settings: Settings = { rounds: Number(values.rounds), seconds: Number(values.seconds), clients: Number(values.clients) };
const wanted = Object.entries(SUITES).filter(([name]) => values.only?.includes(name) ?? true);
const unknown = (values.only ?? []).filter((name) => !(name in SUITES));
if (unknown.length > 0) {
  console.error(`There is no bench ${unknown.join(', ')}; there are ${Object.keys(SUITES).join(', ')}.`);
  process.exit(1);
}

const machine = { cpu: cpus()[0]?.model ?? 'unknown', cores: availableParallelism(), memoryGiB: Math.round(totalmem() / 2 ** 30), node: process.version, ...settings };
console.log(`${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, Node ${machine.node}; servers and generator share the machine, so compare within a run.`);

const results: Record<string, unknown> = { machine };
for (const [name, suite] of wanted) results[name] = await suite(settings);
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(results, undefined, 2)}\n`);
