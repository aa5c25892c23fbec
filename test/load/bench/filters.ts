// Lines per second: LineFilter, node:readline and split2 over the same bytes in the same process, one after the other in
// every round.
import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { LineFilter } from 'prefork-tcp-server';
// @ts-expect-error: it has no types.
import untypedSplit from 'split2';
import { Seeded } from '../../support/seeded.js';
import { MIB, median, printTable } from '../figures.js';
import type { Settings } from './settings.js';

const split2 = untypedSplit as () => NodeJS.ReadWriteStream;
const TOTAL = 64 * MIB;
const LINE = `${'x'.repeat(39)}\n`;

/** Cuts the same 64 MiB of lines into chunks whose sizes a function gives. */
function cut(sizeOf: () => number): Buffer[] {
  const bytes = Buffer.alloc(TOTAL, LINE);
  const chunks: Buffer[] = [];
  for (let at = 0; at < TOTAL;) {
    const size = sizeOf();
    chunks.push(bytes.subarray(at, at + size));
    at += size;
  }
  return chunks;
}

/** Ways to count the lines in chunks. */
const LIBRARIES: Readonly<Record<string, (chunks: readonly Buffer[]) => number | Promise<number>>> = {
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
};

/** Counts lines as a session takes them: one by one. */
function takeAll(filter: LineFilter, chunks: readonly Buffer[]): number {
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
 */
function peakWaiting(filter: LineFilter, chunks: readonly Buffer[]): number {
  let peak = 0;
  const look = (): void => { peak = Math.max(peak, filter.get_pending()?.[0]?.length ?? 0); };
  for (const chunk of chunks.slice(0, 2000)) {
    filter.get_one_start([chunk]);
    look();
    while (filter.get_one().length > 0);
    look();
  }
  return peak;
}

interface Row {
  readonly chunks: string;
  readonly library: string;
  readonly speed: number;
  /** To the faster of readline and split2. */
  readonly ratio: number;
  /** The most bytes that waited in the filter, as a multiple of the largest chunk; LineFilter only. */
  readonly peak?: number;
}

export async function run({ rounds }: Settings): Promise<unknown> {
  const random = new Seeded(1);
  const rows = [
    ...await compare({ chunks: cut(() => 65_536), title: '64 KiB', largest: 65_536, rounds }),
    ...await compare({ chunks: cut(() => random.int(1, 4096)), title: '1 byte to 4 KiB', largest: 4096, rounds }),
  ];
  printTable('Filters: lines of 40 bytes', ['', 'chunks', 'MiB/s', 'ratio', 'peak waiting ÷ chunk'],
    rows.map(({ library, chunks, speed, ratio, peak = '' }) => [library, chunks, Math.round(speed), ratio, peak]));
  return rows;
}

async function compare({ title, largest, chunks, rounds }: { title: string; largest: number; chunks: readonly Buffer[]; rounds: number }): Promise<Row[]> {
  const measured = Object.entries(LIBRARIES).map(([library, count]) => ({ library, count, speeds: [] as number[] }));
  for (let round = 0; round < rounds; round++) {
    for (const { library, count, speeds } of measured) {
      const start = performance.now();
      const lines = await count(chunks);
      speeds.push(TOTAL / MIB / ((performance.now() - start) / 1000));
      // The last line is not whole: readline and split2 deliver it at the end of the stream, LineFilter does not.
      if (Math.abs(lines - TOTAL / LINE.length) >= 1) throw new Error(`${library} found ${lines} lines`);
    }
  }
  const best = Math.max(...measured.filter(({ library }) => !library.startsWith('LineFilter')).map(({ speeds }) => median(speeds)));
  return measured.map(({ library, speeds }): Row => {
    const row = { chunks: title, library, speed: median(speeds), ratio: median(speeds) / best };
    return library.startsWith('LineFilter') ? { ...row, peak: peakWaiting(new LineFilter(), chunks) / largest } : row;
  });
}
