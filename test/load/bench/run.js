// Runs the benches and prints their tables: `npm run bench -- [--only NAME] [--rounds N] [--seconds S] [--json FILE]`.
import { writeFileSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { printTable } from './harness.js';

const SUITES = ['throughput', 'limits', 'burst', 'filters', 'plan'];

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true }, rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '2' }, clients: { type: 'string', default: '64' }, json: { type: 'string' },
  },
});
const unknown = (values.only ?? []).filter((name) => !SUITES.includes(name));
if (unknown.length > 0) {
  console.error(`There is no bench ${unknown.join(', ')}; there are ${SUITES.join(', ')}.`);
  process.exit(1);
}
const settings = { rounds: Number(values.rounds), seconds: Number(values.seconds), clients: Number(values.clients) };
const machine = { cpu: cpus()[0]?.model, cores: availableParallelism(), memoryGiB: Math.round(totalmem() / 2 ** 30), node: process.version, ...settings };
console.log(`${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, Node ${machine.node}; servers and generator share the machine, so compare within a run.`);

const results = { machine };
for (const name of values.only ?? SUITES) {
  const suite = await import(`./${name}.js`);
  const rows = results[name] = await suite.run(settings);
  // Suites that can also be run alone return rows, and leave the printing to the caller.
  if (Array.isArray(rows)) printTable(name, Object.keys(rows[0]), rows.map((row) => Object.keys(rows[0]).map((column) => row[column] ?? '')));
}
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(results, undefined, 2)}\n`);
