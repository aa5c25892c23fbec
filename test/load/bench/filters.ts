// Lines per second: LineFilter, node:readline and split2 over the same bytes in the same process, one after the other in
// every round.
import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { LineFilter } from 'prefork-tcp-server';
// @ts-expect-error: it has no types.
import untypedSplit from 'split2';
import { MIB, printTable } from '../figures.js';
import { chunkings, speedsOf, takeAll, type Count } from './cutting.js';
import { frames } from './framing.js';
import type { Settings } from './settings.js';

const split2 = untypedSplit as () => NodeJS.ReadWriteStream;
const TOTAL = 64 * MIB;
const LINE = `${'x'.repeat(39)}\n`;

/** Ways to count the lines in chunks. */
const LIBRARIES: Readonly<Record<string, Count>> = {
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

export async function run(settings: Settings): Promise<unknown> {
  const rows: Row[] = [];
  for (const chunking of chunkings(Buffer.alloc(TOTAL, LINE))) rows.push(...await compare(chunking, settings));
  printTable('Filters: lines of 40 bytes', ['', 'chunks', 'MiB/s', 'ratio', 'peak waiting ÷ chunk'],
    rows.map(({ library, chunks, speed, ratio, peak = '' }) => [library, chunks, Math.round(speed), ratio, peak]));
  return { lines: rows, frames: await frames(settings) };
}

async function compare({ title, largest, chunks }: ReturnType<typeof chunkings>[number], { rounds }: Settings): Promise<Row[]> {
  const measured = await speedsOf(LIBRARIES, { chunks, records: TOTAL / LINE.length, rounds });
  const best = Math.max(...measured.filter(({ library }) => !library.startsWith('LineFilter')).map(({ speed }) => speed));
  return measured.map(({ library, speed }): Row => {
    const row = { chunks: title, library, speed, ratio: speed / best };
    return library.startsWith('LineFilter') ? { ...row, peak: peakWaiting(new LineFilter(), chunks) / largest } : row;
  });
}
