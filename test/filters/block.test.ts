import { Buffer } from 'node:buffer';
import { describe, expect, it } from 'vitest';
import { BlockFilter } from '../../src/filters/block.js';
import type { BlockParameters, LengthCodec } from '../../src/filters/block-parameters.js';
import { filterContract } from '../support/filter-contract.js';

/** Two bytes, big endian. */
const BINARY: LengthCodec = [
  (length) => Buffer.from([length >> 8, length & 255]),
  (input) => (input.length < 2 ? undefined : { length: input.readUInt16BE(), headerBytes: 2 }),
];
const buffers = (...texts: string[]): Buffer[] => texts.map((text) => Buffer.from(text));
const NO_RECORD = expect.objectContaining({ code: 'ERR_PREFORK_BAD_RECORD' }) as Error;

filterContract('BlockFilter', [
  { title: 'blocks of a fixed size', create: () => new BlockFilter({ BlockSize: 4 }), input: 'abcdefghijkl', records: buffers('abcd', 'efgh', 'ijkl') },
  { title: 'decimal lengths', create: () => new BlockFilter({ MaxLength: 100 }), input: '5\0hello0\x003\0a\0b003\0xyz', records: buffers('hello', '', 'a\0b', 'xyz') },
  { title: 'a LengthCodec', create: () => new BlockFilter({ LengthCodec: BINARY, MaxLength: 100 }), input: '\0\x03abc\0\0\0\x01d', records: buffers('abc', '', 'd') },
]);

describe('BlockFilter', () => {
  it('reads and writes the length before each block', () => {
    const filter = new BlockFilter();
    const records = filter.get(['5\0hello0\0']);

    expect(records).toEqual(buffers('hello', ''));
    expect(filter.put(records)).toEqual(buffers('5\0hello', '0\0'));
  });

  it('cuts blocks of BlockSize and keeps the rest', () => {
    const filter = new BlockFilter({ BlockSize: 4 });

    expect(filter.get(['abcdefghij'])).toEqual(buffers('abcd', 'efgh'));
    expect(filter.get_pending()).toEqual(buffers('ij'));
    expect(filter.get(['kl'])).toEqual(buffers('ijkl'));
  });

  it('sends records as they are with BlockSize, whatever their length', () => {
    expect(new BlockFilter({ BlockSize: 4 }).put(['abc', Buffer.from('defgh')])).toEqual(buffers('abc', 'defgh'));
  });

  it('writes lengths in bytes, with the codec', () => {
    expect(new BlockFilter().put(['é'])).toEqual(buffers('2\0é'));
    expect(new BlockFilter({ LengthCodec: BINARY }).put(['é', new Uint8Array([1])])).toEqual(buffers('\0\x02é', '\0\x01\x01'));
  });

  it('refuses to send what is no bytes', () => {
    expect(() => new BlockFilter().put([5 as unknown as string])).toThrow('BlockFilter cannot send 5; it takes Buffers and strings.');
  });

  it.each(['abc5\0hello', '12x\0', '12x', '\0', ' 5\0', '-1\0', `${'9'.repeat(20)}\0`, '0'.repeat(64), '1.5\0', 'x'.repeat(70_000)])('refuses the header %j', (input) => {
    expect(() => new BlockFilter().get([input])).toThrow(NO_RECORD);
  });

  it('discards everything after a bad header, and says so once for each input', () => {
    const filter = new BlockFilter({ MaxLength: 10 });
    filter.get_one_start(['2\0abx']);

    expect(filter.get_one()).toEqual(buffers('ab'));
    expect(() => filter.get_one()).toThrow(NO_RECORD);
    expect(filter.get_one()).toEqual([]);
    filter.get_one_start(['x'.repeat(100_000)]);
    expect(filter.get_pending()).toBeUndefined();
    expect(() => filter.get_one()).toThrow(NO_RECORD);
    expect([...filter.get([]), ...filter.get(['', Buffer.alloc(0)])]).toEqual([]);
    expect(() => filter.get(['1\0a'])).toThrow(NO_RECORD);
  });

  it.each([
    [{ length: -1, headerBytes: 1 }], [{ length: 1.5, headerBytes: 1 }], [{ length: Number.NaN, headerBytes: 1 }],
    [{ length: 0, headerBytes: 0 }], [{ length: 1, headerBytes: 9 }], [{ length: 1, headerBytes: -1 }],
  ])('refuses the impossible header %j of a LengthCodec instead of looping', (header) => {
    expect(() => new BlockFilter({ LengthCodec: [String, () => header] }).get(['abc'])).toThrow('which is impossible');
  });

  it('points to the filters for frames where a LengthCodec leaves the header in the block', () => {
    expect(() => new BlockFilter({ LengthCodec: [String, () => ({ length: 3, headerBytes: 0 })] }).get(['abc'])).toThrow(
      'LengthCodec found a header of 0 bytes for a block of 3, which is impossible. For a length that stands inside a block, use FrameFilter or CodecFilter.',
    );
  });

  it.each<[Error | string, string]>([[new Error('no header'), 'no header'], ['text', 'text']])('reports what a LengthCodec throws as a bad record (%s)', (thrown, message) => {
    const filter = new BlockFilter({ LengthCodec: [String, () => {
      // eslint-disable-next-line @typescript-eslint/only-throw-error -- what users throw may be anything
      throw thrown;
    }] });

    expect(() => filter.get(['abc'])).toThrow(expect.objectContaining({ code: 'ERR_PREFORK_BAD_RECORD', message, cause: thrown }));
  });

  it('refuses a header that has no end within 64 bytes', () => {
    const filter = new BlockFilter({ LengthCodec: [String, () => undefined] });

    expect(filter.get(['x'.repeat(63)])).toEqual([]);
    expect(() => filter.get(['x'])).toThrow('no end within 64 bytes');
  });

  it('takes a block of MaxLength, 1 MiB by default, and none longer', () => {
    const filter = new BlockFilter();

    expect(filter.get([`${2 ** 20}\0`, Buffer.alloc(2 ** 20)])[0]?.length).toBe(2 ** 20);
    expect(() => filter.get([`${2 ** 20 + 1}\0`])).toThrow(expect.objectContaining({ code: 'ERR_PREFORK_RECORD_TOO_LONG' }));
  });

  it('discards a block that is too long as it comes, and delivers the next', () => {
    const filter = new BlockFilter({ MaxLength: 3 });
    filter.get_one_start(['1\0a9\x00123']);

    expect(filter.get_one()).toEqual(buffers('a'));
    expect(() => filter.get_one()).toThrow('A block of 9 bytes is longer than MaxLength (3); it is discarded.');
    expect(filter.get_pending()).toBeUndefined();
    expect(filter.get(['45678'])).toEqual([]);
    expect(filter.get(['92\0bc'])).toEqual(buffers('bc'));
  });

  it('throws if input comes while more than MaxBuffer still waits, and takes none of it', () => {
    const filter = new BlockFilter({ BlockSize: 2, MaxBuffer: 4 });
    filter.get_one_start(['abcdef']);

    expect(() => filter.get_one_start(['gh'])).toThrow(expect.objectContaining({ code: 'ERR_PREFORK_BUFFER_FULL' }));
    expect(filter.get_one()).toEqual(buffers('ab'));
    expect(filter.get(['ij'])).toEqual(buffers('cd', 'ef', 'ij'));
  });

  it('lets a block of MaxLength with its header wait, whatever MaxBuffer', () => {
    const filter = new BlockFilter({ MaxLength: 10, MaxBuffer: 10 });
    for (const byte of '10\x00012345678') filter.get([byte]);

    expect(filter.get(['9'])).toEqual(buffers('0123456789'));
  });

  it('is linear in the bytes for a block that comes in tiny chunks', () => {
    const filter = new BlockFilter();
    filter.get(['1000000\0']);
    const chunk = Buffer.alloc(10);
    for (let count = 1; count < 100_000; count++) expect(filter.get([chunk]).length).toBe(0);

    expect(filter.get([chunk])[0]?.length).toBe(1_000_000);
  });
});

describe('BlockFilter, parameters', () => {
  it.each([
    [{ BlockSize: 0 }, 'BlockSize must be a whole number above 0, not 0.'],
    [{ BlockSize: 4, MaxLength: 9 }, 'BlockSize and MaxLength exclude each other; give one of them.'],
    [{ BlockSize: 4, LengthCodec: BINARY }, 'BlockSize and LengthCodec exclude each other; give one of them.'],
    [{ BlockSize: 4, MaxBuffer: 3 }, 'BlockSize (4) must not exceed MaxBuffer (3)'],
    [{ MaxLength: 4, MaxBuffer: 3 }, 'MaxLength (4) must not exceed MaxBuffer (3)'],
    [{ MaxLength: '4' }, 'MaxLength must be a whole number above 0, not "4".'],
    [{ MaxBuffer: -4 }, 'MaxBuffer must be a whole number above 0, not -4.'],
    [{ LengthCodec: [String] }, 'LengthCodec must be an array of two functions, [encode, decode], not an array of 1.'],
    [{ LengthCodec: 'x' }, 'LengthCodec must be an array of two functions'],
    [{ LengthCodec: [String, 1] }, 'LengthCodec must be an array of two functions'],
    [{ Blocksize: 4 }, 'Blocksize is not an option; did you mean BlockSize?'],
    [null, 'they must be one object, not null.'],
  ])('refuses %j', (parameters, problem) => {
    expect(() => new BlockFilter(parameters as BlockParameters)).toThrow(expect.objectContaining({
      code: 'ERR_PREFORK_FILTER', message: expect.stringContaining(problem) as string,
    }));
  });

  it('leaves room for a header in MaxBuffer if MaxLength is not given', () => {
    const filter = new BlockFilter({ MaxBuffer: 100 });

    expect(() => filter.get(['37\0'])).toThrow('longer than MaxLength (36)');
    expect(() => new BlockFilter({ MaxBuffer: 10 }).get(['2\0'])).toThrow('longer than MaxLength (1)');
  });
});
