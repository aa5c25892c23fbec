import { Buffer } from 'node:buffer';
import { describe, expect, it } from 'vitest';
import { FrameFilter } from '../../src/filters/frame.js';
import type { FrameParameters } from '../../src/filters/frame-parameters.js';
import { filterContract } from '../support/filter-contract.js';
import { Seeded } from '../support/seeded.js';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');
const frames = (...texts: string[]): Buffer[] => texts.map(hex);
const BAD_RECORD = expect.objectContaining({ code: 'ERR_PREFORK_BAD_RECORD' }) as Error;
const TOO_LONG = expect.objectContaining({ code: 'ERR_PREFORK_RECORD_TOO_LONG' }) as Error;

/** IEC 60870-5-1, frames of variable length: 68 L L 68, L bytes, a checksum, 16. */
const FT12: FrameParameters = { Start: 'h', LengthOffset: 1, LengthBytes: 1, LengthAdjustment: 4, Skip: 0, MaxLength: 261 };

filterContract('FrameFilter', [
  { title: 'a length of four bytes', create: () => new FrameFilter({ MaxLength: 100 }), input: hex('00000003 616263 00000000 00000001 64'), records: frames('616263', '', '64') },
  { title: 'little-endian lengths', create: () => new FrameFilter({ LengthBytes: 2, ByteOrder: 'LE', MaxLength: 600 }), input: hex('0100 aa 0200 bbcc 0000'), records: frames('aa', 'bbcc', '') },
  {
    title: 'whole frames with a header',
    create: () => new FrameFilter({ LengthBytes: 2, LengthOffset: 4, Skip: 0, MaxLength: 260 }),
    input: hex('0001 0000 0006 01 03 0000 000a 0002 0000 0006 01 03 0000 0001'),
    records: frames('0001 0000 0006 01 03 0000 000a', '0002 0000 0006 01 03 0000 0001'),
  },
  {
    title: 'a length that counts itself',
    create: () => new FrameFilter({ LengthAdjustment: -4, Skip: 0, MaxLength: 100 }),
    input: hex('00000010 00000015 00000000 00000001 00000004'),
    records: frames('00000010 00000015 00000000 00000001', '00000004'),
  },
  {
    title: 'Start, and a length that leaves a checksum out',
    create: () => new FrameFilter(FT12),
    input: hex('68 03 03 68 08 01 65 6e 16 68 00 00 68 00 16'),
    records: frames('68 03 03 68 08 01 65 6e 16', '68 00 00 68 00 16'),
  },
  {
    title: 'Resync after noise',
    create: () => new FrameFilter({ ...FT12, Start: 'hh', LengthOffset: 2, LengthAdjustment: 0, Resync: true, MaxLength: 20 }),
    input: hex('00 68 11 6868 02 aabb 68 68 f0 6868 01 cc 16 68'),
    records: frames('6868 02 aabb', '6868 01 cc'),
    handsOn: true,
  },
  { title: 'a length of eight bytes', create: () => new FrameFilter({ LengthBytes: 8, MaxLength: 100 }), input: hex('0000000000000002 aabb'), records: frames('aabb') },
  { title: 'more skipped than the header', create: () => new FrameFilter({ LengthBytes: 1, Skip: 2, MaxLength: 100 }), input: hex('03 01 aabb 01 02'), records: frames('aabb', '') },
]);

describe('FrameFilter, what it sends', () => {
  it.each<[string, FrameParameters, string, string]>([
    ['the length in four bytes by default', {}, 'aabb', '00000002 aabb'],
    ['one byte', { LengthBytes: 1 }, 'aabb', '02 aabb'],
    ['three bytes, least significant first', { LengthBytes: 3, ByteOrder: 'LE' }, 'aabb', '020000 aabb'],
    ['eight bytes', { LengthBytes: 8 }, 'aabb', '0000000000000002 aabb'],
    ['a length that counts itself', { LengthBytes: 2, LengthAdjustment: -2 }, 'aabb', '0004 aabb'],
    ['Start', { Start: 'xx', LengthOffset: 2, LengthBytes: 1 }, 'aabb', '7878 02 aabb'],
    ['everything after the length field with a greater Skip', { LengthBytes: 1, Skip: 3 }, '0102 aabb', '04 0102 aabb'],
    ['the length in a whole frame with Skip 0', { LengthBytes: 2, LengthOffset: 4, Skip: 0 }, '0001 0000 ffff 01 03', '0001 0000 0002 01 03'],
    ['the length in a whole frame with any Skip below the header', { Start: 'h', LengthOffset: 1, LengthBytes: 1, Skip: 1 }, '68 00 aabbcc', '68 03 aabbcc'],
  ])('%s', (_title, parameters, record, sent) => {
    expect(new FrameFilter(parameters).put([hex(record)])).toEqual(frames(sent));
  });

  it('takes strings as UTF-8, and views of any kind of bytes', () => {
    const filter = new FrameFilter({ LengthBytes: 1 });

    expect(filter.put(['é', new Uint8Array([0, 1, 2]).subarray(1), ''])).toEqual(frames('02 c3a9', '02 0102', '00'));
  });

  it('does not write to a frame that it was given', () => {
    const given = hex('0000 aabb');

    expect(new FrameFilter({ LengthBytes: 2, Skip: 0 }).put([given])).toEqual(frames('0002 aabb'));
    expect(given).toEqual(hex('0000 aabb'));
  });

  it.each<[string, FrameParameters, number]>([
    ['one byte', { LengthBytes: 1 }, 255], ['two bytes', { LengthBytes: 2 }, 65_535],
    ['a length that counts itself', { LengthBytes: 1, LengthAdjustment: -1 }, 254], ['a checksum that is not counted', { LengthBytes: 1, LengthAdjustment: 2 }, 257],
  ])('refuses what the length field cannot hold, and takes what it can: %s', (_title, parameters, most) => {
    const filter = new FrameFilter(parameters);

    expect(filter.put([Buffer.alloc(most)])[0]?.length).toBe(most + (parameters.LengthBytes ?? 4));
    expect(() => filter.put([Buffer.alloc(most + 1)])).toThrow(expect.objectContaining({
      code: 'ERR_PREFORK_FILTER', message: expect.stringMatching(/^FrameFilter cannot send a frame of \d+ bytes: its length field of \d bytes? would have to hold \d+, and holds 0 to \d+\.$/) as string,
    }));
  });

  it.each<[string, FrameParameters, Buffer | number, string]>([
    ['a frame that is shorter than its length can say', { LengthBytes: 1, LengthAdjustment: 2 }, hex('aa'), 'would have to hold -1'],
    ['a whole frame without its header', { Skip: 0 }, hex('0000'), 'a frame of 2 bytes: with this Skip it takes whole frames, whose header has 4 bytes.'],
    ['a whole frame without Start', { ...FT12 }, hex('69 00 00 68 00 16'), 'a frame that begins with 69; Start is 68 (hexadecimal).'],
    ['a record whose header it cannot know', { LengthOffset: 4, LengthBytes: 2 }, hex('aa'), 'a record without the 4 bytes before its length field, which it cannot know; give Skip: 0 and put whole frames.'],
    ['what is no bytes', {}, 5, 'FrameFilter cannot send 5; it takes Buffers and strings.'],
  ])('refuses %s', (_title, parameters, record, problem) => {
    expect(() => new FrameFilter(parameters).put([record as Buffer])).toThrow(expect.objectContaining({
      code: 'ERR_PREFORK_FILTER', message: expect.stringContaining(problem) as string,
    }));
  });

  it('reads what it has sent, whatever the parameters', () => {
    const random = new Seeded(15);
    const pick = <Item>(...items: readonly Item[]): Item => items[random.below(items.length)] as Item;
    for (let round = 0; round < 500; round++) {
      const LengthBytes = pick<1 | 2 | 3 | 4 | 8>(1, 2, 3, 4, 8);
      const Start = random.bytes(random.below(4));
      const head = Start.length + LengthBytes;
      const isWhole = random.below(2) === 0;
      const filter = new FrameFilter({
        LengthBytes, ByteOrder: pick('BE', 'LE'), LengthAdjustment: -random.below(head + 1), LengthOffset: Start.length,
        Start: Start.length === 0 ? undefined : Start, Resync: Start.length > 0 && random.below(2) === 0, Skip: isWhole ? 0 : undefined, MaxLength: 300,
      });
      const bodies = Array.from({ length: 1 + random.below(5) }, () => random.bytes(random.below(200)));

      const sent = filter.put(isWhole ? bodies.map((body) => Buffer.concat([Start, Buffer.alloc(LengthBytes), body])) : bodies);
      const found = random.pieces(Buffer.concat(sent), 1 + random.below(50)).flatMap((piece) => filter.get([piece]));

      expect(found, JSON.stringify({ round })).toEqual(isWhole ? sent : bodies);
    }
  });
});

describe('FrameFilter, what it refuses', () => {
  it('takes a frame of MaxLength, 1 MiB by default with its header, and none longer', () => {
    const frame = new FrameFilter().put([Buffer.alloc(2 ** 20 - 4)]);

    expect(new FrameFilter().get(frame)[0]?.length).toBe(2 ** 20 - 4);
    expect(() => new FrameFilter().get([hex('000ffffd')])).toThrow('A frame of 1048577 bytes is longer than MaxLength (1048576); it is discarded.');
  });

  it('discards a frame that is too long as it comes, and delivers the next', () => {
    const filter = new FrameFilter({ LengthBytes: 1, MaxLength: 4 });
    filter.get_one_start([hex('01 aa 09 0102')]);

    expect(filter.get_one()).toEqual(frames('aa'));
    expect(() => filter.get_one()).toThrow(TOO_LONG);
    expect(filter.get_pending()).toBeUndefined();
    expect(filter.get([hex('030405060708')])).toEqual([]);
    expect(filter.get([hex('09 02 bbcc')])).toEqual(frames('bbcc'));
  });

  it.each<[string, FrameParameters, string, string]>([
    ['a length below that of the header', { LengthAdjustment: -4 }, '00000003', 'No frame can have the length 3 (LengthAdjustment is -4): it is unknown where the next one begins.'],
    ['a frame that is shorter than Skip', { LengthBytes: 1, Skip: 3 }, '01 aa', 'No frame can have the length 1 (LengthAdjustment is 0, Skip is 3)'],
    ['a length of eight bytes beyond the safe integers', { LengthBytes: 8 }, '0020000000000000', 'No frame can have the length 9007199254740992'],
    ['the greatest length of eight bytes', { LengthBytes: 8, ByteOrder: 'LE' }, 'ffffffffffffffff', 'No frame can have the length'],
    ['a length that is safe with what LengthAdjustment makes of it beyond', { LengthBytes: 8, LengthAdjustment: 5 }, '001fffffffffffff', 'No frame can have the length 9007199254740991'],
    ['what does not begin with Start, at the first wrong byte', { Start: 'xx', LengthOffset: 2 }, '7879', 'A frame must begin with 7878, not with 7879 (hexadecimal).'],
  ])('refuses %s', (_title, parameters, input, problem) => {
    const filter = new FrameFilter(parameters);

    expect(() => filter.get([hex(input)])).toThrow(expect.objectContaining({ code: 'ERR_PREFORK_BAD_RECORD', message: expect.stringContaining(problem) as string }));
  });

  it('discards everything after a bad frame, and says so once for each input', () => {
    const filter = new FrameFilter({ Start: 'h', LengthOffset: 1, LengthBytes: 1 });
    filter.get_one_start([hex('68 01 aa 69')]);

    expect(filter.get_one()).toEqual(frames('aa'));
    expect(() => filter.get_one()).toThrow(BAD_RECORD);
    expect(filter.get_one()).toEqual([]);
    filter.get_one_start([Buffer.alloc(100_000)]);
    expect(filter.get_pending()).toBeUndefined();
    expect(() => filter.get_one()).toThrow(BAD_RECORD);
    expect(filter.get([])).toEqual([]);
    expect(() => filter.get([hex('68 01 aa')])).toThrow(BAD_RECORD);
  });

  it('throws if input comes while more than MaxBuffer still waits, and takes none of it', () => {
    const filter = new FrameFilter({ LengthBytes: 1, MaxLength: 2, MaxBuffer: 4 });
    filter.get_one_start([hex('01aa 01bb 01cc')]);

    expect(() => filter.get_one_start([hex('01dd')])).toThrow(expect.objectContaining({ code: 'ERR_PREFORK_BUFFER_FULL' }));
    expect(filter.get_one()).toEqual(frames('aa'));
    expect(filter.get([hex('01ee')])).toEqual(frames('bb', 'cc', 'ee'));
  });

  it('fits MaxLength into MaxBuffer if only that is given', () => {
    expect(() => new FrameFilter({ MaxBuffer: 10 }).get([hex('00000007')])).toThrow('longer than MaxLength (10)');
  });
});

describe('FrameFilter, Resync', () => {
  const create = (): FrameFilter => new FrameFilter({ Start: hex('90eb'), LengthOffset: 2, LengthBytes: 1, Skip: 0, MaxLength: 10, Resync: true });

  it('skips what no frame can be, and counts it', () => {
    const filter = create();

    expect(filter.get([hex('00 90 90eb 01 aa ffff 90eb ff 90eb 90eb 02 bbcc 90')])).toEqual(frames('90eb 01 aa', '90eb 02 bbcc'));
    expect(filter.skipped).toBe(2 + 2 + 3 + 2);
    expect(filter.get_pending()).toEqual(frames('90'));
  });

  it('finds a Start that overlaps itself, however it is cut', () => {
    const input = hex('6161616162 01 aa 6161 61 62 00');
    for (let at = 0; at <= input.length; at++) {
      const filter = new FrameFilter({ Start: 'aab', LengthOffset: 3, LengthBytes: 1, Resync: true });

      expect([...filter.get([input.subarray(0, at)]), ...filter.get([input.subarray(at)])], `cut at ${at}`).toEqual(frames('aa', ''));
    }
  });

  it('keeps no more of noise than may be the beginning of Start', () => {
    const filter = create();
    for (let count = 0; count < 1000; count++) filter.get([Buffer.alloc(1000, 0x90)]);

    expect(filter.get_pending()).toEqual(frames('90'));
    expect(filter.skipped).toBe(999_999);
  });
});

/** Counts the bytes that are copied and searched while something runs. */
function workOf(run: () => void): number {
  let work = 0;
  const prototype = Buffer.prototype as unknown as Record<'copy' | 'indexOf', (this: Buffer, ...args: unknown[]) => number>;
  const { copy, indexOf } = prototype;
  prototype.copy = function count(...args) {
    const [, , from = 0, end = this.length] = args as number[];
    work += end - from;
    return copy.apply(this, args);
  };
  prototype.indexOf = function count(...args) {
    work += this.length;
    return indexOf.apply(this, args);
  };
  try {
    run();
    return work;
  } finally {
    Object.assign(prototype, { copy, indexOf });
  }
}

describe('FrameFilter, small reads', () => {
  it.each<[string, FrameParameters, Buffer]>([
    ['a frame', {}, Buffer.concat([hex('00004e20'), Buffer.alloc(20_000)])],
    ['noise before Start', { Start: 'ab', LengthOffset: 2, Resync: true }, Buffer.concat([Buffer.alloc(20_000, 'a'), hex('6162 00000000')])],
  ])('copies and searches a few times as many bytes as come, not as many for each: %s', (_title, parameters, input) => {
    const filter = new FrameFilter(parameters);
    const bytes = Array.from(input, (_, at) => input.subarray(at, at + 1));

    let records = 0;
    const work = workOf(() => { for (const byte of bytes) records += filter.get([byte]).length; });

    expect(records).toBe(1);
    expect(work).toBeGreaterThan(input.length / 2);
    expect(work).toBeLessThan(5 * input.length);
  });
});

describe('FrameFilter, parameters', () => {
  it.each([
    [{ LengthBytes: 5 }, 'LengthBytes must be 1, 2, 3, 4 or 8, not 5.'],
    [{ LengthOffset: -1 }, 'LengthOffset must be a whole number of at least 0, not -1.'],
    [{ ByteOrder: 'big' }, "ByteOrder must be 'BE' or 'LE', not \"big\"."],
    [{ LengthAdjustment: 0.5 }, 'LengthAdjustment must be a whole number, not 0.5.'],
    [{ Skip: '4' }, 'Skip must be a whole number of at least 0, not "4".'],
    [{ Start: 0x68 }, 'Start must be a string or a Buffer, not 104.'],
    [{ Start: '' }, 'Start must not be empty'],
    [{ Start: '\xff' }, 'Start must be a Buffer if it has bytes above 0x7f: Buffer.from([0xff, …])'],
    [{ Start: 'hh', LengthOffset: 1 }, 'Start (2 bytes) must end before the length field; raise LengthOffset (1) or shorten Start.'],
    [{ Resync: true }, 'Resync needs Start'],
    [{ Resync: 'yes' }, 'Resync must be true, false, 1 or 0'],
    [{ MaxLength: 0 }, 'MaxLength must be a whole number above 0, not 0.'],
    [{ MaxLength: 5, MaxBuffer: 4 }, 'MaxLength (5) must not exceed MaxBuffer (4)'],
    [{ MaxLength: 3 }, 'its header has 4 bytes and Skip is 4; raise MaxLength.'],
    [{ MaxLength: 8, Skip: 9 }, 'its header has 4 bytes and Skip is 9; raise MaxLength.'],
    [{ LengthBytes: 1, LengthAdjustment: -300 }, 'LengthAdjustment (-300) leaves nothing of any length that LengthBytes (1) can hold; raise it.'],
    [{ lengthBytes: 2 }, 'lengthBytes is not an option; did you mean LengthBytes?'],
  ])('refuses %j', (parameters, problem) => {
    expect(() => new FrameFilter(parameters as FrameParameters)).toThrow(expect.objectContaining({
      code: 'ERR_PREFORK_FILTER', message: expect.stringContaining(problem) as string,
    }));
  });
});
