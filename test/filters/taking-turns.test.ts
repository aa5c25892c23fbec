import { Buffer } from 'node:buffer';
import { describe, expect, it } from 'vitest';
import { BlockFilter } from '../../src/filters/block.js';
import { CodecFilter } from '../../src/filters/codec.js';
import type { AnyFilter } from '../../src/filters/filter.js';
import { FrameFilter } from '../../src/filters/frame.js';
import { LineFilter } from '../../src/filters/line.js';
import { StackableFilter } from '../../src/filters/stackable.js';
import { StreamFilter } from '../../src/filters/stream.js';
import { Seeded } from '../support/seeded.js';

/** Lets two filters take a record each, in turn, of one read. */
function takeTurns(filters: readonly [AnyFilter, AnyFilter], read: Buffer): unknown[] {
  const records: unknown[] = [];
  let [current, next] = filters;
  current.get_one_start([read]);
  for (let one = current.get_one(); one.length > 0; one = current.get_one()) {
    records.push(one[0]);
    const pending = current.hand_over?.().pending ?? [];
    [current, next] = [next, current];
    if (pending.length > 0) current.get_one_start(pending);
  }
  return records;
}

const lines = (): AnyFilter => new LineFilter();
const blocks = (): AnyFilter => new BlockFilter({ BlockSize: 4 });
/** Each is a line, a block and a frame. */
const RECORDS = Buffer.from('\x02x\n\x02y\n'.repeat(20_000), 'latin1');

describe('filters that take turns at the records of one read', () => {
  it('find each record once, and the same ones as a filter alone', () => {
    const alone = new LineFilter().get([RECORDS]);

    expect(takeTurns([new LineFilter(), new LineFilter({ Literal: '\n' })], RECORDS)).toEqual(alone);
    expect(alone).toHaveLength(40_000);
  });

  it.each<[string, () => AnyFilter, Buffer]>([
    ['LineFilter', lines, Buffer.from(`a\n${'rest '.repeat(1000)}`)],
    ['LineFilter, with the read begun in several pieces', () => {
      const filter = new LineFilter();
      filter.get([Buffer.from(`${'x'.repeat(30_000)}\n`)]);
      return filter;
    }, Buffer.from(`a\n${'rest '.repeat(1000)}`)],
    ['BlockFilter', blocks, Buffer.from(`abcd${'rest '.repeat(1000)}`)],
    ['FrameFilter', () => new FrameFilter({ LengthBytes: 1 }), Buffer.from(`\x02ab${'rest '.repeat(1000)}`)],
    ['CodecFilter', () => new CodecFilter({ Decode: (input) => ({ record: input.subarray(0, 2), bytes: 2 }), Encode: (record: Buffer) => record }), Buffer.from(`ab${'rest '.repeat(1000)}`)],
    ['StackableFilter', () => new StackableFilter({ Filters: [new LineFilter()] }), Buffer.from(`a\n${'rest '.repeat(1000)}`)],
  ])('do not copy the rest of it each time: %s hands over the memory that it was given', (_title, create, read) => {
    const filter = create();
    filter.get_one_start([read]);
    filter.get_one();

    const [rest] = filter.hand_over?.().pending ?? [];

    expect(rest?.toString()).toBe('rest '.repeat(1000));
    expect(rest?.buffer).toBe(read.buffer);
    expect(filter.get_pending()).toBeUndefined();
  });

  it('take time for the records only: a read of eight times the size takes eight times as long', () => {
    const timeFor = (count: number): number => {
      const read = Buffer.from('ab\nwxyz'.repeat(count));
      const began = performance.now();
      expect(takeTurns([lines(), blocks()], read)).toHaveLength(2 * count);
      return performance.now() - began;
    };
    timeFor(2000);

    // Sixty-four times if each turn looks at the whole rest. 5 ms: what a pause for the garbage may take.
    expect(timeFor(80_000)).toBeLessThan(24 * (timeFor(10_000) + 5));
  });

  it('of which one is of a class with a get_pending of its own take what that returns', () => {
    class Marked extends StreamFilter {
      override get_pending(): [Buffer] { return [Buffer.from('marked')]; }
    }
    class Numbered extends LineFilter {
      override get_pending(): [Buffer] { return [Buffer.from('numbered')]; }
    }
    class Sized extends BlockFilter {
      override get_pending(): [Buffer] { return [Buffer.from('sized')]; }
    }

    expect([new Marked(), new Numbered(), new Sized()].map((filter) => String(filter.hand_over().pending[0]))).toEqual(['marked', 'numbered', 'sized']);
  });
});

describe('LineFilter, which takes up a large read in pieces,', () => {
  const cases = [{}, { Literal: '\r\n' }, { InputLiteral: '' }, { InputRegexp: /\r?\n/ }, { InputLiteral: '\r\n.\r\n' }];
  it.each(cases)('finds the same lines and faults as in small reads: %o', (parameters) => {
    const random = new Seeded(7);
    for (let round = 0; round < 40; round++) {
      const read = Buffer.concat(Array.from({ length: 400 }, () => Buffer.from(random.chance(0.02)
        ? 'y'.repeat(random.int(90, 6000)) : ['\r\n', '\n', '\r', '\r\n.\r\n', 'x', 'é'.repeat(random.below(40))][random.below(6)] ?? '')));
      const whole = new LineFilter({ ...parameters, MaxLength: 3000 });
      const cut = new LineFilter({ ...parameters, MaxLength: 3000 });

      expect(all(whole, [read])).toEqual(random.pieces(read, 500).flatMap((piece) => all(cut, [piece])));
      expect(String(whole.get_pending())).toBe(String(cut.get_pending()));
    }
  });

  it('hands over only what follows a line that is too long, however long that is', () => {
    const filter = new LineFilter({ MaxLength: 100 });
    filter.get_one_start([Buffer.from(`${'x'.repeat(50_000)}\nnext`)]);
    expect(() => filter.get_one()).toThrow(expect.objectContaining({ code: 'ERR_PREFORK_RECORD_TOO_LONG' }));

    expect(filter.hand_over().pending.map(String)).toEqual(['next']);
  });
});

/** The lines, and the codes of faults, in order. */
function all(filter: LineFilter, chunks: readonly Buffer[]): unknown[] {
  const found: unknown[] = [];
  filter.get_one_start(chunks);
  for (;;) {
    try {
      const one = filter.get_one();
      if (one.length === 0) return found;
      found.push(one[0]);
    } catch (error) {
      found.push((error as { code?: unknown }).code);
    }
  }
}
