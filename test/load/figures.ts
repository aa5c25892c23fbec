/** A cell of a table. */
export type Cell = string | number | boolean;

/** What was measured, and what it must be: the value itself, '<= number', or anything (''). */
export type Row = readonly [what: string, measured: Cell, bound: Cell];

/** Whether a measured value is what it must be. */
export function holds([, measured, bound]: Row): boolean {
  if (bound === '') return true;
  const [, most] = /^<= ([\d.]+)$/.exec(String(bound)) ?? [];
  return most === undefined ? measured === bound : Number(measured) <= Number(most);
}

/** The value below which this share of the values is; NaN without values. */
export function percentile(values: readonly number[], share: number): number {
  return values.toSorted((one, other) => one - other)[Math.floor((values.length - 1) * share)] ?? NaN;
}

export const median = (values: readonly number[]): number => percentile(values, 0.5);

export const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** Prints rows of cells below each other, numbers to the right. */
export function printTable(title: string, head: readonly string[], rows: readonly (readonly Cell[])[]): void {
  const cells = [head, ...rows].map((row) => row.map((cell) => (typeof cell === 'number' ? rounded(cell) : String(cell))));
  const widths = head.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  console.log(`\n${title}`);
  for (const row of cells) {
    console.log(`  ${row.map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join('  ')}`);
  }
}

/** With as many digits as are of interest. */
function rounded(value: number): string {
  if (Number.isInteger(value)) return String(value);
  return value.toFixed(Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2);
}

export const MIB = 1024 * 1024;
