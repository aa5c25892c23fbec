// `npm run chaos [-- --only NAME] [--seed N]`: every scenario in full, bounded and seeded, as tables. Exit code 1 if a bound is missed.
import { parseArgs } from 'node:util';
import { holds } from './bounds.js';
import * as scenarios from './scenarios.js';
import { printTable } from '../bench/harness.js';

const { values } = parseArgs({ options: { only: { type: 'string', multiple: true }, seed: { type: 'string', default: '1' } } });
const seed = Number(values.seed);
let missed = 0;

console.log(`Node ${process.version}, seed ${seed}`);
for (const name of values.only ?? Object.keys(scenarios)) {
  const scenario = scenarios[name];
  if (scenario === undefined) {
    console.error(`There is no scenario ${name}; there are ${Object.keys(scenarios).join(', ')}.`);
    process.exit(1);
  }
  const rows = await scenario({ seed });
  missed += rows.filter(([, measured, bound]) => !holds(measured, bound)).length;
  printTable(name, ['', 'measured', 'must be'], rows);
}
if (missed > 0) console.error(`${missed} bound(s) missed.`);
process.exitCode = missed > 0 ? 1 : 0;
