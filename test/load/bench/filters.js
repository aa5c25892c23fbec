// Lines per second: LineFilter, node:readline and split2 over the same bytes in the same process, one after the other in
// every round. Run with `node test/load/bench/filters.js` after `npm run build`.
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { pathToFileURL } from 'node:url';
// @ts-expect-error: it has no types.
import split2 from 'split2';

const MIB = 1024 * 1024;
const TOTAL = 64 * MIB;
const LINE = `${'x'.repeat(39)}\n`;
const ROUNDS = 3;

/** @typedef {import('../../../src/filters/line.js').LineFilter} Lines */
/** @typedef {{ chunks: string, library: string, 'MiB/s': number, ratio: number, 'peak waiting / chunk'?: number }} Row */

/**
 * Cuts the same 64 MiB of lines into chunks whose sizes a function gives.
 *
 * @param {() => number} sizeOf
 */
function cut(sizeOf) {
  const bytes = Buffer.alloc(TOTAL, LINE);
  const chunks = [];
  for (let at = 0; at < TOTAL;) {
    const size = sizeOf();
    chunks.push(bytes.subarray(at, at + size));
    at += size;
  }
  return chunks;
}

/**
 * Random sizes that are the same in every run (a linear congruential generator).
 *
 * @param {number} most
 */
function randomSizes(most) {
  let state = 1;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return 1 + (state >>> 8) % most;
  };
}

/**
 * Ways to count the lines in chunks.
 *
 * @param {typeof import('../../../src/filters/line.js').LineFilter} LineFilter
 * @returns {Record<string, (chunks: Buffer[]) => number | Promise<number>>}
 */
const libraries = (LineFilter) => ({
  LineFilter: (chunks) => takeAll(new LineFilter({ InputLiteral: '\n' }), chunks),
  'LineFilter, mixed line ends': (chunks) => takeAll(new LineFilter(), chunks),
  async 'node:readline'(chunks) {
    let count = 0;
    const lines = createInterface({ input: Readable.from(chunks, { objectMode: false }), crlfDelay: Infinity });
    lines.on('line', () => { count++; });
    await once(lines, 'close');
    return count;
  },
  async split2(chunks) {
    let count = 0;
    const lines = split2();
    lines.on('data', () => { count++; });
    Readable.from(chunks, { objectMode: false }).pipe(lines);
    await once(lines, 'end');
    return count;
  },
});

/**
 * Counts lines as a session takes them: one by one.
 *
 * @param {Lines} filter
 * @param {Buffer[]} chunks
 */
function takeAll(filter, chunks) {
  let count = 0;
  for (const chunk of chunks) {
    filter.get_one_start([chunk]);
    while (filter.get_one().length > 0) count++;
  }
  return count;
}

/**
 * The most bytes that wait in the filter: right after a read, and between two reads. While it cuts, it also has the current
 * read as text, one byte a character: so its peak is this and once the chunk.
 *
 * @param {Lines} filter
 * @param {Buffer[]} chunks
 */
function peakWaiting(filter, chunks) {
  let peak = 0;
  for (const chunk of chunks.slice(0, 2000)) {
    filter.get_one_start([chunk]);
    peak = Math.max(peak, filter.get_pending()?.[0].length ?? 0);
    while (filter.get_one().length > 0);
    peak = Math.max(peak, filter.get_pending()?.[0].length ?? 0);
  }
  return peak;
}

/** @param {number[]} numbers */
const median = (numbers) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? 0;

/**
 * Measures every library on both kinds of chunks; `ratio` compares with the faster of readline and split2.
 *
 * @returns {Promise<Row[]>}
 */
export async function run() {
  const { LineFilter } = await import(process.env['PREFORK_ENTRY'] ?? 'prefork-tcp-server');
  return [
    ...await compare(LineFilter, { title: '64 KiB', largest: 65_536, chunks: cut(() => 65_536) }),
    ...await compare(LineFilter, { title: '1 byte to 4 KiB', largest: 4096, chunks: cut(randomSizes(4096)) }),
  ];
}

/**
 * @param {typeof import('../../../src/filters/line.js').LineFilter} LineFilter
 * @param {{ title: string, largest: number, chunks: Buffer[] }} input
 */
async function compare(LineFilter, { title, largest, chunks }) {
  const measured = Object.entries(libraries(LineFilter)).map(([library, count]) => ({ library, count, speeds: /** @type {number[]} */ ([]) }));
  for (let round = 0; round < ROUNDS; round++) {
    for (const { library, count, speeds } of measured) {
      const start = performance.now();
      const lines = await count(chunks);
      speeds.push(TOTAL / MIB / ((performance.now() - start) / 1000));
      // The last line is not whole: readline and split2 deliver it at the end of the stream, LineFilter does not.
      if (Math.abs(lines - TOTAL / LINE.length) >= 1) throw new Error(`${library} found ${lines} lines`);
    }
  }
  const best = Math.max(...measured.filter(({ library }) => !library.startsWith('LineFilter')).map(({ speeds }) => median(speeds)));
  return measured.map(({ library, speeds }) => {
    const row = { chunks: title, library, 'MiB/s': Math.round(median(speeds)), ratio: Number((median(speeds) / best).toFixed(2)) };
    if (!library.startsWith('LineFilter')) return row;
    return { ...row, 'peak waiting / chunk': Number((peakWaiting(new LineFilter(), chunks) / largest).toFixed(2)) };
  });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) console.table(await run());
