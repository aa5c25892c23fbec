// What the benches share: servers and generators as processes of their own, medians, and tables.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const pathOf = (name) => fileURLToPath(new URL(name, import.meta.url));

/** Starts a server, gives its port to the body, and ends it whatever happens. */
export async function withServer(program, options, body) {
  const child = spawn(process.execPath, [pathOf(`./servers/${program}.js`), JSON.stringify(options)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const lines = createInterface({ input: child.stdout });
  const waiting = [];
  lines.on('line', (line) => {
    const index = waiting.findIndex(({ word }) => line.startsWith(`${word} `));
    if (index !== -1) waiting.splice(index, 1)[0].resolve(line.slice(line.indexOf(' ') + 1));
  });
  const next = (word) => new Promise((resolve, reject) => {
    waiting.push({ word, resolve });
    void exited.then(() => { reject(new Error(`The server ${program} ended before it said ${word}.`)); });
  });
  const port = Number(await next('PORT'));
  try {
    return await body(port, { child, next });
  } finally {
    child.kill('SIGTERM');
    await exited;
  }
}

/** Runs one load and returns what the generator measured. */
export async function load(options) {
  const child = spawn(process.execPath, [pathOf('./generator.js'), JSON.stringify(options)], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk) => { text += chunk; });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`The generator ended with ${code}.`);
  return JSON.parse(text);
}

export const median = (values) => [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)];

/** Prints rows of cells below each other, numbers to the right. */
export function printTable(title, head, rows) {
  const cells = [head, ...rows].map((row) => row.map((cell) => (typeof cell === 'number' ? format(cell) : String(cell))));
  const widths = head.map((_, column) => Math.max(...cells.map((row) => row[column].length)));
  console.log(`\n${title}`);
  for (const row of cells) console.log(`  ${row.map((cell, column) => (column === 0 ? cell.padEnd(widths[column]) : cell.padStart(widths[column]))).join('  ')}`);
}

const format = (value) => (Math.abs(value) >= 100 ? value.toFixed(0) : Math.abs(value) >= 10 ? value.toFixed(1) : value.toFixed(2));
