import { Buffer } from 'node:buffer';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { CodecFilter, type CodecParameters, type Decoded } from '../../src/filters/codec.js';
import { filterContract } from '../support/filter-contract.js';

/** Netstrings: decimal length, colon, the bytes, comma. */
const NETSTRING = {
  Decode(input: Buffer) {
    const at = input.indexOf(':');
    const digits = input.toString('latin1', 0, at === -1 ? Math.min(input.length, 9) : at);
    if (!/^(0|[1-9]\d{0,7})?$/.test(digits) || at === 0) throw new Error(`no length of a netstring: ${digits}`);
    if (at === -1) return undefined;
    const end = at + 1 + Number(digits);
    if (input.length <= end) return { need: end + 1 };
    if (input[end] !== 0x2c) throw new Error('no comma at the end of a netstring');
    return { record: input.toString('latin1', at + 1, end), bytes: end + 1 };
  },
  Encode: (record: string) => `${Buffer.byteLength(record)}:${record},`,
};

/** Lines, found without looking at any byte twice; empty ones and spaces before them are skipped. */
const LINES = {
  Decode(input: Buffer, seen: number) {
    let blank = 0;
    while (input[blank] === 32 || input[blank] === 10) blank++;
    if (blank > 0) return { bytes: blank };
    const end = input.indexOf('\n', seen);
    return end === -1 ? undefined : { record: input.subarray(0, end), bytes: end + 1 };
  },
};

const texts = (...all: string[]): Buffer[] => all.map((text) => Buffer.from(text));
const BAD_RECORD = expect.objectContaining({ code: 'ERR_PREFORK_BAD_RECORD' }) as Error;
const TOO_LONG = expect.objectContaining({ code: 'ERR_PREFORK_RECORD_TOO_LONG' }) as Error;
const returning = (decoded: unknown): CodecFilter<unknown> => new CodecFilter({ Decode: () => decoded as Decoded<unknown> });

filterContract('CodecFilter', [
  { title: 'netstrings', create: () => new CodecFilter({ ...NETSTRING, MaxLength: 100 }), input: '5:hello,0:,3:a,b,', records: ['hello', '', 'a,b'] },
  { title: 'lines with bytes that are skipped', create: () => new CodecFilter({ ...LINES, MaxLength: 100 }), input: '  a\n\n \nbc\n d', records: texts('a', 'bc') },
]);

describe('CodecFilter', () => {
  it('sends what Encode makes of each record', () => {
    expect(new CodecFilter(NETSTRING).put(['', 'é'])).toEqual(texts('0:,', '2:é,'));
    expect(new CodecFilter({ ...LINES, Encode: (record: number) => new Uint8Array([0, record]).subarray(1) }).put([65, 66])).toEqual(texts('A', 'B'));
  });

  it('sends Buffers and strings as they are without Encode, and refuses the rest', () => {
    const filter = new CodecFilter(LINES);

    expect(filter.put(['a', Buffer.from('b'), new Uint8Array([0x63])])).toEqual(texts('a', 'b', 'c'));
    expect(() => filter.put([5 as unknown as string])).toThrow('CodecFilter cannot send 5; it takes Buffers and strings.');
    expect(() => new CodecFilter({ ...LINES, Encode: () => null as unknown as string }).put(['a'])).toThrow('CodecFilter cannot send null');
  });

  it('delivers the whole input as the Buffer that it is, while more input follows', () => {
    const filter = new CodecFilter({ Decode: (input) => ({ record: input, bytes: Math.min(input.length, 2) }) });

    filter.get_one_start([Buffer.from('abc')]);
    const [one] = filter.get_one();
    filter.get_one_start([Buffer.from('d')]);
    const [two] = filter.get_one();

    expect([one, two]).toStrictEqual(texts('abc', 'cd'));
  });

  it('delivers records that are falsy, but not undefined', () => {
    const values = [0, '', false, null];

    expect(new CodecFilter({ Decode: (input) => ({ record: values[(input[0] ?? 0) - 0x61], bytes: 1 }) }).get(['axbcxd'])).toEqual(values);
  });

  it('asks Decode once for each read that could bring it more, and says what it has seen', () => {
    const asked: [length: number, seen: number][] = [];
    const filter = new CodecFilter({
      Decode(input, seen) {
        asked.push([input.length, seen]);
        if (input.length === 1) return undefined;
        return input.length < 4 ? { need: 4 } : { record: 'x', bytes: 4 };
      },
    });

    filter.get(['a']);
    expect(filter.get_one()).toEqual([]);
    filter.get(['']);
    filter.get(['b']);
    filter.get(['c']);
    expect(filter.get(['def'])).toEqual(['x']);
    filter.get(['gh']);

    expect(asked).toEqual([[1, 0], [2, 1], [6, 2], [2, 0], [4, 2]]);
  });

  it('looks at each byte once if Decode does, however small the reads are', () => {
    let searched = 0;
    const filter = new CodecFilter({
      Decode(input, seen) {
        searched += input.length - seen;
        return LINES.Decode(input, seen);
      },
    });
    const line = Buffer.from(`${'x'.repeat(20_000)}\n`);

    const found = Array.from(line, (_, at) => filter.get([line.subarray(at, at + 1)])).flat();

    expect(found).toEqual([line.subarray(0, -1)]);
    expect(searched).toBe(line.length);
  });

  it('asks a Decode that says what it needs a few times for a long record that comes byte by byte', () => {
    let asked = 0;
    const filter = new CodecFilter({
      Decode(input) {
        asked++;
        return NETSTRING.Decode(input);
      },
    });
    const bytes = Buffer.from(`100000:${'x'.repeat(100_000)},`);

    expect(Array.from(bytes, (_, at) => filter.get([bytes.subarray(at, at + 1)])).flat()).toEqual(['x'.repeat(100_000)]);
    // Six digits, the colon, and the end.
    expect(asked).toBe(8);
  });

  it('gives clones the functions, and not what was seen', () => {
    const filter = new CodecFilter(NETSTRING);
    filter.get(['9:']);

    expect(filter.clone().get(['1:a,'])).toEqual(['a']);
  });
});

describe('CodecFilter, what it refuses', () => {
  it('reports what Decode throws as a bad record, with its message and cause', () => {
    const thrown = new RangeError('no such type');

    expect(() => new CodecFilter({ Decode() { throw thrown; } }).get(['a'])).toThrow(expect.objectContaining({
      code: 'ERR_PREFORK_BAD_RECORD', message: 'no such type', cause: thrown,
    }));
    // eslint-disable-next-line @typescript-eslint/only-throw-error -- what users throw may be anything
    expect(() => new CodecFilter({ Decode() { throw 'text'; } }).get(['a'])).toThrow('text');
  });

  it.each([
    [{ bytes: 0 }], [{ record: 1, bytes: 0 }], [{ record: 1, bytes: 4 }], [{ record: 1, bytes: -1 }], [{ record: 1, bytes: 1.5 }], [{ record: 1, bytes: '1' }],
    [{ record: 1 }], [{}], [{ need: 3 }], [{ need: 0 }], [{ need: Number.NaN }], [{ need: Infinity }], [5], [null], ['text'],
  ])('refuses %o of Decode for an input of three bytes, instead of looping', (decoded) => {
    expect(() => returning(decoded).get(['abc'])).toThrow(BAD_RECORD);
  });

  it('refuses an async Decode, for which nothing waits', () => {
    expect(() => returning(Promise.resolve()).get(['abc'])).toThrow(expect.objectContaining({ code: 'ERR_PREFORK_FILTER', message: 'Decode returned a promise, which is not waited for.' }));
  });

  it('says what Decode returned and what it may', () => {
    expect(() => returning({ record: 1, bytes: 9 }).get(['abc'])).toThrow(
      'Decode returned { bytes: 9, need: undefined } for an input of 3 bytes; `bytes` must be a whole number above 0 and within the input, or `need` one beyond it.',
    );
    expect(() => returning(true).get(['abc'])).toThrow('Decode returned true; it must return { record, bytes }, { bytes }, { need } or undefined.');
  });

  it('discards everything after a bad record, and says so once for each input', () => {
    const filter = new CodecFilter(NETSTRING);
    filter.get_one_start(['1:a,x']);

    expect(filter.get_one()).toEqual(['a']);
    expect(() => filter.get_one()).toThrow(BAD_RECORD);
    expect(filter.get_one()).toEqual([]);
    expect(() => filter.get(['1:a,'])).toThrow('no length of a netstring: x');
    expect(filter.get_pending()).toBeUndefined();
  });

  it('takes a record of MaxLength bytes, and none that is longer or may become so', () => {
    const create = (): CodecFilter<unknown, string> => new CodecFilter<unknown, string>({ ...NETSTRING, MaxLength: 8 });

    expect(create().get(['5:hello,'])).toEqual(['hello']);
    expect(() => create().get(['6:'])).toThrow(expect.objectContaining({
      code: 'ERR_PREFORK_RECORD_TOO_LONG', message: 'A record has no end within MaxLength (8) bytes: it needs 9.',
    }));
    expect(new CodecFilter({ ...LINES, MaxLength: 3 }).get(['ab\n'])).toEqual(texts('ab'));
    expect(() => new CodecFilter({ ...LINES, MaxLength: 3 }).get(['abc'])).toThrow('A record has no end within MaxLength (3) bytes.');
  });

  it('discards a whole record that is too long, and delivers the next', () => {
    const filter = new CodecFilter({ ...LINES, MaxLength: 3 });
    filter.get_one_start(['a\nbcdefgh\ni\n']);

    expect(filter.get_one()).toEqual(texts('a'));
    expect(() => filter.get_one()).toThrow(TOO_LONG);
    expect(filter.get_one()).toEqual(texts('i'));
  });

  it('skips more than MaxLength bytes at once, because nothing waits for them', () => {
    expect(new CodecFilter({ ...LINES, MaxLength: 3 }).get(['          a\n'])).toEqual(texts('a'));
  });

  it('throws if input comes while more than MaxBuffer still waits, and takes none of it', () => {
    const filter = new CodecFilter({ ...LINES, MaxLength: 3, MaxBuffer: 5 });
    filter.get_one_start(['a\nb\nc\n']);

    expect(() => filter.get_one_start(['d\n'])).toThrow(expect.objectContaining({ code: 'ERR_PREFORK_BUFFER_FULL' }));
    expect(filter.get_one()).toEqual(texts('a'));
    expect(filter.get(['e\n'])).toEqual(texts('b', 'c', 'e'));
    expect(() => new CodecFilter({ ...LINES, MaxBuffer: 5 }).get(['abcdef'])).toThrow('MaxLength (5)');
  });

  it.each([
    [undefined, 'they must have Decode, a function (input) that returns { record, bytes }.'],
    [{ Encode: String }, 'they must have Decode'],
    [{ Decode: 'x' }, 'Decode must be a function, not "x".'],
    [{ Decode: String, Encode: 1 }, 'Encode must be a function, not 1.'],
    [{ Decode: String, MaxLength: 0 }, 'MaxLength must be a whole number above 0'],
    [{ Decode: String, MaxLength: 5, MaxBuffer: 4 }, 'MaxLength (5) must not exceed MaxBuffer (4)'],
    [{ decode: String }, 'decode is not an option; did you mean Decode?'],
  ])('refuses the parameters %o', (parameters, problem) => {
    expect(() => new CodecFilter(parameters as unknown as CodecParameters<unknown, unknown>)).toThrow(expect.objectContaining({
      code: 'ERR_PREFORK_FILTER', message: expect.stringContaining(problem) as string,
    }));
  });
});

describe('CodecFilter, types', () => {
  it('follow from Decode and Encode', () => {
    const filter = new CodecFilter(NETSTRING);
    const inline = new CodecFilter({
      Decode(input) {
        if (input.length < 2) return undefined;
        if (input[0] === 0) return { bytes: 1 };
        const length = input.readUInt16BE();
        return input.length < length ? { need: length } : { record: { type: input[0] ?? 0, body: input.subarray(2, length) }, bytes: length };
      },
      Encode: (record: { body: string }) => record.body,
    });

    expectTypeOf(filter.get([])).toEqualTypeOf<string[]>();
    expectTypeOf(filter).toEqualTypeOf<CodecFilter<string, string>>();
    expectTypeOf(inline.get([])).toEqualTypeOf<{ type: number; body: Buffer }[]>();
    expectTypeOf(inline).toEqualTypeOf<CodecFilter<{ type: number; body: Buffer }, { body: string }>>();
    expectTypeOf(new CodecFilter(LINES)).toEqualTypeOf<CodecFilter<Buffer>>();
  });
});
