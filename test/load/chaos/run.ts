// `npm run chaos [-- --only NAME] [--seed N] [--share PART]`: every scenario, bounded and seeded, as tables. Exit code 1 if a bound is missed.
import { parseArgs } from 'node:util';
import { holds, printTable } from '../figures.js';
import * as blocked from './blocked.js';
import * as clients from './clients.js';
import * as operated from './operator.js';
import * as reloads from './reloads.js';
import type { Scenario } from './scenario.js';
import * as workers from './workers.js';

const SCENARIOS: Readonly<Record<string, Scenario>> = { ...workers, ...clients, ...blocked, ...reloads, ...operated };

const { values } = parseArgs({
  options: { only: { type: 'string', multiple: true }, seed: { type: 'string', default: '1' }, share: { type: 'string', default: '1' } },
});
const settings = { seed: Number(values.seed), share: Number(values.share) };
let missed = 0;

console.log(`Node ${process.version}, seed ${settings.seed}, share ${settings.share}`);
for (const name of values.only ?? Object.keys(SCENARIOS)) {
  const scenario = SCENARIOS[name];
  if (scenario === undefined) {
    console.error(`There is no scenario ${name}; there are ${Object.keys(SCENARIOS).join(', ')}.`);
    process.exit(1);
  }
  const rows = await scenario(settings);
  missed += rows.filter((row) => !holds(row)).length;
  printTable(name, ['', 'measured', 'must be', ''], rows.map((row) => [...row, holds(row) ? '' : 'missed']));
}
if (missed > 0) console.error(`${missed} bound(s) missed.`);
process.exitCode = missed > 0 ? 1 : 0;
