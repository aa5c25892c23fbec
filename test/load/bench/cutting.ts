import type { Buffer } from 'node:buffer';
import type { AnyFilter } from 'prefork-tcp-server';
import { Seeded } from '../../support/seeded.js';
import { MIB, median } from '../figures.js';

/** Counts the records in chunks. */
export type Count = (chunks: readonly Buffer[]) => number | Promise<number>;

/** Bytes in chunks of two kinds: large ones, and small ones of random sizes that are the same in every run. */
export function chunkings(bytes: Buffer): readonly { readonly title: string; readonly largest: number; readonly chunks: readonly Buffer[] }[] {
  const random = new Seeded(1);
  return [
    { title: '64 KiB', largest: 65_536, chunks: cut(bytes, () => 65_536) },
    { title: '1 byte to 4 KiB', largest: 4096, chunks: cut(bytes, () => random.int(1, 4096)) },
  ];
}

function cut(bytes: Buffer, sizeOf: () => number): Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const size = sizeOf();
    chunks.push(bytes.subarray(at, at + size));
    at += size;
  }
  return chunks;
}

/** Counts records as a session takes them: one by one. */
export function takeAll(filter: AnyFilter, chunks: readonly Buffer[]): number {
  let count = 0;
  for (const chunk of chunks) {
    filter.get_one_start([chunk]);
    while (filter.get_one().length > 0) count++;
  }
  return count;
}

/**
 * The median speed of every library in MiB/s, one after the other in every round. Each must find that many records, except the
 * last, which may not be whole: some deliver it at the end of the stream.
 */
export async function speedsOf(
  libraries: Readonly<Record<string, Count>>, { chunks, records, rounds }: { chunks: readonly Buffer[]; records: number; rounds: number },
): Promise<{ readonly library: string; readonly speed: number }[]> {
  const bytes = chunks.reduce((total, { length }) => total + length, 0);
  const measured = Object.entries(libraries).map(([library, count]) => ({ library, count, speeds: [] as number[] }));
  for (let round = 0; round < rounds; round++) {
    for (const { library, count, speeds } of measured) {
      const start = performance.now();
      const found = await count(chunks);
      speeds.push(bytes / MIB / ((performance.now() - start) / 1000));
      if (Math.abs(found - records) >= 1) throw new Error(`${library} found ${found} records instead of ${records}`);
    }
  }
  return measured.map(({ library, speeds }) => ({ library, speed: median(speeds) }));
}
