import { Buffer } from 'node:buffer';
import { describe, expect, it } from 'vitest';
import { PreforkError } from '../../src/errors.js';
import type { AnyFilter, Handover } from '../../src/filters/filter.js';
import { Seeded } from './seeded.js';

/** One way to set up a filter, with input whose records are known. */
export interface FilterCase {
  readonly title: string;
  readonly create: () => AnyFilter;
  readonly input: string | Buffer;
  /** What the input is cut into, however it comes. */
  readonly records: readonly unknown[];
  /** MaxBuffer with what the filter may add to it: pending bytes stay below this and the last read. Default 1024. */
  readonly maxPending?: number;
  /** Makes records of differently cut input equal, where a filter passes on pieces as they come. */
  readonly normalize?: (records: readonly unknown[]) => unknown;
  /** False where no other filter could go on with what is pending: what was delivered belongs to it, or says how to cut it. */
  readonly handsOn?: boolean;
  /** The same for the filter itself. Default handsOn. */
  readonly takesBack?: boolean;
}

/** What every filter must do, whatever the network does to the bytes. */
export function filterContract(name: string, cases: readonly FilterCase[]): void {
  describe.each(cases)(`${name}, as every filter: $title`, ({ create, input, records, maxPending = 1024, normalize = same, handsOn = true, takesBack = handsOn }) => {
    const bytes = Buffer.from(input);

    it('yields the same records for every split of the input in two', () => {
      for (let at = 0; at <= bytes.length; at++) {
        const filter = create();

        const found: unknown[] = [...filter.get([bytes.subarray(0, at)]) as unknown[], ...filter.get([bytes.subarray(at)]) as unknown[]];

        expect(normalize(found), `split at ${at}`).toEqual(records);
      }
    });

    it('yields the same records byte by byte, and for several chunks at once', () => {
      const single = Array.from(bytes, (_, at) => bytes.subarray(at, at + 1));
      const slowly = create();

      expect(normalize(single.flatMap((byte) => slowly.get([byte]) as unknown[]))).toEqual(records);
      expect(normalize(create().get(single) as unknown[])).toEqual(records);
    });

    it('yields one record at a time, then an empty array', () => {
      const filter = create();
      filter.get_one_start([bytes]);

      expect(normalize(takeAll(filter, bytes.length))).toEqual(records);
      expect(filter.get_one()).toEqual([]);
      expect(filter.get([])).toEqual([]);
    });

    it('leaves bytes alone that were given to it', () => {
      const given = Buffer.from(bytes);

      create().get([given]);

      expect(given.equals(bytes)).toBe(true);
    });

    it.runIf(handsOn)('hands on what is pending to another filter, wherever that is, and keeps it', () => {
      for (let at = 0; at <= bytes.length; at++) {
        const [first, second] = [create(), create()];
        const found = first.get([bytes.subarray(0, at)]) as unknown[];
        const pending = first.get_pending();

        expect(first.get_pending()).toEqual(pending);
        expect(pending === undefined || (pending.length === 1 && Buffer.concat(pending).length > 0)).toBe(true);
        found.push(...second.get(pending ?? []) as unknown[], ...second.get([bytes.subarray(at)]) as unknown[]);
        // Only `hand_over` knows how the last record ended.
        if (first.hand_over?.().rest === undefined) expect(normalize(found), `handed on at ${at}`).toEqual(records);
      }
    });

    it.runIf(handsOn)('hands over to another filter, wherever that is, and loses nothing of how its last record ended', () => {
      for (let at = 0; at <= bytes.length; at++) {
        const [first, second] = [create(), create()];
        const found = first.get([bytes.subarray(0, at)]) as unknown[];
        found.push(...goOn(second, first.hand_over?.(), [bytes.subarray(at)]));

        expect(normalize(found), `handed over at ${at}`).toEqual(records);
      }
    });

    it.runIf(takesBack)('forgets what it has handed over, so that it can go on with it', () => {
      for (let at = 0; at <= bytes.length; at++) {
        const filter = create();
        const found = filter.get([bytes.subarray(0, at)]) as unknown[];
        const handover = filter.hand_over?.();

        expect(filter.get_pending()).toBeUndefined();
        expect(filter.get([])).toEqual([]);
        found.push(...goOn(filter, handover, Array.from(bytes.subarray(at), (_, index) => bytes.subarray(at + index, at + index + 1))));
        expect(normalize(found), `taken back at ${at}`).toEqual(records);
      }
    });

    it('clones without input, and shares nothing with the clone', () => {
      const original = create();
      const half = bytes.length >> 1;
      const found = original.get([bytes.subarray(0, half)]) as unknown[];

      const clone = original.clone();

      expect(clone.get_pending()).toBeUndefined();
      expect(normalize(clone.get([bytes]) as unknown[])).toEqual(records);
      expect(normalize([...found, ...original.get([bytes.subarray(half)]) as unknown[]])).toEqual(records);
    });

    it('survives random bytes: no errors but its own, no more memory than it may have', () => {
      const random = new Seeded(bytes.length);
      for (let round = 0; round < 150; round++) {
        const filter = create();
        for (const piece of random.pieces(damage(bytes, random), 1 + random.below(200))) {
          feed(filter, piece);

          expect(Buffer.concat(filter.get_pending() ?? []).length).toBeLessThanOrEqual(maxPending + piece.length);
        }
      }
    });
  });
}

const same = (records: readonly unknown[]): unknown => records;

/** Takes records one by one; more than there can be are an endless loop. */
function takeAll(filter: AnyFilter, most: number): unknown[] {
  const records: unknown[] = [];
  for (let one = filter.get_one(); one.length > 0; one = filter.get_one()) {
    records.push(one[0]);
    if (records.length > most + 1) throw new Error('more records than bytes');
  }
  return records;
}

/** Gives a filter what another has left, and the reads that come. */
function goOn(filter: AnyFilter, { pending, rest }: Handover = { pending: [] }, reads: readonly Buffer[]): unknown[] {
  const found = filter.get(pending) as unknown[];
  let isRest = rest !== undefined;
  for (const read of reads) {
    const input = isRest ? rest?.(read) : read;
    isRest &&= input === undefined;
    if (input !== undefined) found.push(...filter.get([input]) as unknown[]);
  }
  return found;
}

/** The input a few times over, with bytes replaced, removed and added; or nothing but random bytes. */
function damage(bytes: Buffer, random: Seeded): Buffer {
  if (random.below(4) === 0) return random.bytes(random.below(3000));
  const copies = Buffer.concat(Array.from({ length: 1 + random.below(4) }, () => bytes));
  for (let count = random.below(6); count > 0; count--) copies[random.below(copies.length)] = random.below(256);
  const cut = random.below(copies.length);
  return Buffer.concat([copies.subarray(0, cut), random.bytes(random.below(20)), copies.subarray(cut + random.below(4))]);
}

/** Gives a filter one read and takes every record and fault until there are none, as a session does that goes on after faults. */
function feed(filter: AnyFilter, piece: Buffer): void {
  // Each byte can end a record and begin a fault, and a stack has one more for every filter.
  for (let left = 10 * (piece.length + 1000), isAdded = false; left > 0; left--) {
    try {
      if (!isAdded) {
        isAdded = true;
        filter.get_one_start([piece]);
      }
      if (filter.get_one().length === 0) return;
    } catch (error) {
      if (!(error instanceof PreforkError)) throw error;
    }
  }
  throw new Error('faults without end');
}
