import { Buffer } from 'node:buffer';
import { describe, expect, it } from 'vitest';
import { BlockFilter } from '../../src/filters/block.js';
import type { LineParameters } from '../../src/filters/line-parameters.js';
import { LineFilter } from '../../src/filters/line.js';
import { filterContract } from '../support/filter-contract.js';

// Which terminator was detected is known to the filter itself only.
filterContract('LineFilter', [
  { title: 'mixed terminators', create: () => new LineFilter({ MaxLength: 50, MaxBuffer: 500 }), input: 'a\nb\r\nc\rd\n\r\n\r\n\0 é€😀 \n', records: ['a', 'b', 'c', 'd', '', '', '\0 é€😀 '] },
  { title: 'latin1', create: () => new LineFilter({ Encoding: 'latin1', MaxLength: 50, MaxBuffer: 500 }), input: Buffer.from('caf\xe9 \xff\x01\t \n\x80\r\n', 'latin1'), records: ['caf\xe9 \xff\x01\t ', '\x80'] },
  { title: 'Buffers', create: () => new LineFilter<Buffer>({ Encoding: 'buffer', MaxLength: 50, MaxBuffer: 500 }), input: 'é\n\nb\n', records: [Buffer.from('é'), Buffer.from(''), Buffer.from('b')] },
  { title: 'a literal of two bytes', create: () => new LineFilter({ InputLiteral: '\r\n', MaxLength: 50, MaxBuffer: 500 }), input: 'é\r\nb\n\rc\r\n\r\r\n', records: ['é', 'b\n\rc', '\r'] },
  { title: 'a literal that is not ASCII', create: () => new LineFilter({ Literal: '¶', MaxLength: 50, MaxBuffer: 500 }), input: 'aé¶é¶¶', records: ['aé', 'é', ''] },
  { title: 'a literal that overlaps itself', create: () => new LineFilter({ Literal: 'aab', MaxLength: 50, MaxBuffer: 500 }), input: 'aaabxaab', records: ['a', 'x'] },
  { title: 'a regular expression', create: () => new LineFilter({ InputRegexp: /\n+|;/g, MaxLength: 50, MaxBuffer: 500 }), input: 'é\n\n\nb;c\n;', records: ['é', 'b', 'c', ''] },
  { title: 'detected LF', create: () => new LineFilter({ InputLiteral: undefined, MaxLength: 50, MaxBuffer: 500 }), input: 'é\n\nc\r\nd\n', records: ['é', '', 'c\r', 'd'], handsOn: false, takesBack: true },
  { title: 'detected CR LF', create: () => new LineFilter({ InputLiteral: '', MaxLength: 50, MaxBuffer: 500 }), input: 'a\r\nb\r\nc\nd\r\n', records: ['a', 'b', 'c\nd'], handsOn: false, takesBack: true },
  { title: 'a regular expression whose match goes on after other matches', create: () => new LineFilter({ InputRegexp: /(\r\n)+/, MaxLength: 50, MaxBuffer: 500 }), input: 'a\r\n\r\nb\r\n\rc\r\n\r\n\r\n\r\nd\r\n', records: ['a', 'b', '\rc', 'd'] },
  { title: 'a regular expression with an optional part', create: () => new LineFilter({ InputRegexp: /<br>(<br>)?/, MaxLength: 50, MaxBuffer: 500 }), input: 'a<br><br>b<br><b<br>c<br><br><br>', records: ['a', 'b', '<b', 'c', ''] },
  { title: 'a regular expression that begins as another', create: () => new LineFilter({ InputRegexp: /abc|b/, MaxLength: 50, MaxBuffer: 500 }), input: 'xabcyabdb', records: ['x', 'ya', 'd'] },
  { title: 'detected CR', create: () => new LineFilter({ InputLiteral: '', MaxLength: 50, MaxBuffer: 500 }), input: 'a\rb\r\rc\r', records: ['a', 'b', '', 'c'] },
  { title: 'detected LF CR', create: () => new LineFilter({ InputLiteral: '', MaxLength: 50, MaxBuffer: 500 }), input: 'a\n\rb\n\rc\n', records: ['a', 'b', 'c'] },
]);

const lines = (parameters: LineParameters<string> | undefined, ...chunks: (string | Buffer)[]): string[] => {
  const filter = new LineFilter(parameters);
  return chunks.flatMap((chunk) => filter.get([chunk]));
};

describe('LineFilter, input', () => {
  it('ends a line at LF, CR LF, CR and LF CR, in any mixture', () => {
    expect(lines(undefined, 'a\nb\r\nc\rd\n\r')).toEqual(['a', 'b', 'c', 'd']);
  });

  it('takes a CR LF that is split over two reads for one terminator', () => {
    expect(lines(undefined, 'j\r', '\nk\n')).toEqual(['j', 'k']);
  });

  it('delivers a line at the first byte of its terminator', () => {
    expect(lines(undefined, 'j\r')).toEqual(['j']);
  });

  it('keeps NUL, white space and every byte in latin1', () => {
    expect(lines({ Encoding: 'latin1' }, 'e\0f')).toEqual([]);
    expect(lines({ Encoding: 'latin1' }, 'e\0f', '\n')).toEqual(['e\0f']);
    expect(lines({ Encoding: 'latin1' }, Buffer.from('caf\xc3\xa9 \xff\x01\t \n  sp  \n', 'latin1'))).toEqual(['caf\xc3\xa9 \xff\x01\t ', '  sp  ']);
  });

  it('does not deliver a line without its terminator', () => {
    expect(lines(undefined, 'tail')).toEqual([]);
  });

  it('fixes the terminator by the first one of the connection if InputLiteral is given and undefined', () => {
    expect(lines({ InputLiteral: undefined }, 'a\nb\n', 'c\r\n')).toEqual(['a', 'b', 'c\r']);
  });

  it('takes a bare LF for data after CR LF was detected', () => {
    expect(lines({ InputLiteral: undefined }, 'a\r\nb\r\n', 'c\n', 'd\r\n')).toEqual(['a', 'b', 'c\nd']);
  });

  it('detects CR LF although the first one is split over two reads', () => {
    expect(lines({ InputLiteral: '' }, 'a\r', '\nb\r\nc\n')).toEqual(['a', 'b']);
  });

  it('is not fooled by an LF with a CR behind it', () => {
    expect(lines({ InputLiteral: '' }, 'a\n', '\rb\n')).toEqual(['a', 'b']);
  });

  it('yields an empty line in the middle when it detects the terminator', () => {
    expect(lines({ InputLiteral: '' }, 'a\n\nb\n')).toEqual(['a', '', 'b']);
  });

  it('cuts at a literal of any bytes', () => {
    const filter = new LineFilter({ InputLiteral: '\0', OutputLiteral: '|' });

    expect(filter.get(['ab\0c\nd\0'])).toEqual(['ab', 'c\nd']);
    expect(filter.put(['ab', 'c\nd']).join('')).toBe('ab|c\nd|');
  });

  it('takes nothing for no read: it neither ends nor begins a terminator', () => {
    expect(lines(undefined, 'a\r', '', '\nb\n')).toEqual(['a', 'b']);
    expect(lines({ InputLiteral: '' }, 'a\r', '', '\nb\r\n')).toEqual(['a', 'b']);
    expect(lines({ InputRegexp: /\n+/ }, 'a\n', '', '\nb\n')).toEqual(['a', 'b']);
  });

  it.each([
    ['mixed', undefined, 'block\r', '\nABCD'], ['detected', { InputLiteral: '' }, 'block\r', '\nABCD'], ['repeated', { InputRegexp: /(\r\n)+/ }, 'block\r\n\r', '\nABCD'],
  ])('keeps the second half of a %s terminator from the filter that takes its place', (_title, parameters, first, second) => {
    const filter = new LineFilter(parameters);
    expect(filter.get([first])).toEqual(['block']);

    const { pending, rest } = filter.hand_over();

    expect(pending).toEqual([]);
    expect(rest?.(Buffer.alloc(0))).toBeUndefined();
    expect(rest?.(Buffer.from(second))?.toString()).toBe('ABCD');
  });

  it('knows of what it handed over how its terminator went on', () => {
    const filter = new LineFilter({ InputLiteral: '' });
    filter.get(['a\r']);
    filter.hand_over().rest?.(Buffer.from('\nbinary'));

    expect(filter.get(['b\rc\r\n'])).toEqual(['b\rc']);
  });

  it('swallows the rest of a terminator that goes on in the next read', () => {
    expect(lines({ InputRegexp: /\n+/ }, 'a\n', '\n', '\nb\n\n', 'c\n')).toEqual(['a', 'b', 'c']);
  });

  it('does not take a match of nothing for a terminator', () => {
    expect(lines({ InputRegexp: /x*/ }, 'abxc', 'x')).toEqual(['ab', 'c']);
  });

  it('stops to prolong a terminator beyond 256 bytes', () => {
    expect(lines({ InputRegexp: /\n+/ }, `a${'\n'.repeat(300)}`, '\nb\n')).toEqual(['a', '', 'b']);
  });

  it('decodes a line that came in pieces as a whole', () => {
    expect(lines(undefined, Buffer.from('é\n').subarray(0, 1), Buffer.from('é\n').subarray(1))).toEqual(['é']);
  });

  it('hands on the bytes that are no line yet', () => {
    const filter = new LineFilter();
    filter.get_one_start(['a\nbin\nABCDEFGHIJ']);
    expect([filter.get_one(), filter.get_one()]).toEqual([['a'], ['bin']]);

    const block = new BlockFilter({ BlockSize: 4 });

    expect(block.get(filter.get_pending() ?? []).join()).toBe('ABCD,EFGH');
    expect(block.get(['KL']).join()).toBe('IJKL');
  });

  it('hands on no second half of the last terminator', () => {
    const filter = new LineFilter();
    filter.get(['a\r']);
    filter.get_one_start(['\n']);

    expect(filter.get_pending()).toBeUndefined();
  });
});

describe('LineFilter, limits', () => {
  it('takes a line of 64 KiB by default and no longer one', () => {
    const longest = 'x'.repeat(64 * 1024);

    expect(lines(undefined, `${longest}\n`)).toEqual([longest]);
    expect(() => lines(undefined, `${longest}x`)).toThrow(expect.objectContaining({ code: 'ERR_PREFORK_RECORD_TOO_LONG' }));
  });

  it.each(['\n', 'd\n', 'd\nnext\n'])('throws for a line that is too long, whether or not its end is there (%j)', (rest) => {
    const filter = new LineFilter({ MaxLength: 3 });

    expect(() => filter.get([`abc${rest === '\n' ? 'd' : rest}`])).toThrow(expect.objectContaining({ code: 'ERR_PREFORK_RECORD_TOO_LONG' }));
  });

  it('discards the long line and goes on with the next', () => {
    const filter = new LineFilter({ MaxLength: 3 });

    expect(() => filter.get(['abcd'])).toThrow('longer than MaxLength (3 bytes)');
    expect(filter.get(['efgh'])).toEqual([]);
    expect(filter.get(['ij\nokay'.slice(0, 6)])).toEqual([]);
    expect(filter.get(['\nend\n'])).toEqual(['oka', 'end']);
  });

  it('goes on with the right text after a long line among others that are not ASCII', () => {
    const filter = new LineFilter({ MaxLength: 5 });
    filter.get_one_start(['é\nééé\nü\n']);

    expect(filter.get_one()).toEqual(['é']);
    expect(() => filter.get_one()).toThrow('longer than MaxLength');
    expect(filter.get_one()).toEqual(['ü']);
  });

  it('returns the lines before a long one first, and throws at the next call', () => {
    const filter = new LineFilter({ MaxLength: 3 });

    expect(filter.get(['abc\nabcd\nd\n'])).toEqual(['abc']);
    expect(() => filter.get([])).toThrow('longer than MaxLength');
    expect(filter.get([])).toEqual(['d']);
  });

  it('throws if input comes while more than MaxBuffer still waits, and takes none of it', () => {
    const filter = new LineFilter({ MaxBuffer: 8 });
    filter.get_one_start(['a\nb\nc\nd\ne\n']);

    expect(() => filter.get_one_start(['f\n'])).toThrow(expect.objectContaining({ code: 'ERR_PREFORK_BUFFER_FULL' }));
    expect(filter.get_one()).toEqual(['a']);
    expect(filter.get(['g\n'])).toEqual(['b', 'c', 'd', 'e', 'g']);
  });

  it('takes chunks of any number at once, in a time that grows as their number does', () => {
    const shortest = (count: number): number => Math.min(...Array.from({ length: 3 }, () => {
      const chunks = Array.from({ length: count }, () => Buffer.from('a'));
      const filter = new LineFilter({ MaxLength: count });
      const began = performance.now();
      filter.get(chunks);
      return performance.now() - began;
    }));

    // Eight times as many. A list whose beginning is cut off for each took 500 times as long: 16 seconds for 200,000.
    expect(shortest(80_000)).toBeLessThan(64 * (shortest(10_000) + 2));
  });

  it('takes whole short lines of any number in one read', () => {
    expect(lines({ MaxBuffer: 8 }, 'a\n'.repeat(100))).toHaveLength(100);
  });

  it('keeps a copy of an unfinished line, not the whole read', () => {
    const filter = new LineFilter();
    const read = Buffer.concat([Buffer.alloc(60_000, 'a\n'), Buffer.from('rest')]);

    filter.get([read]);
    read.fill(0);

    expect(filter.get_pending()?.join()).toBe('rest');
  });
});

describe('LineFilter, output', () => {
  const sent = (parameters: LineParameters<string> | undefined, ...records: Parameters<LineFilter['put']>[0]): string =>
    Buffer.concat(new LineFilter(parameters).put(records)).toString('latin1');

  it('sends CR LF behind every record, and leaves line ends in it alone', () => {
    expect(sent(undefined, 'test server , welcome123 !\n', 'b')).toBe('test server , welcome123 !\n\r\nb\r\n');
  });

  it('sends CR LF also if only InputLiteral is given', () => {
    expect(sent({ InputLiteral: '\n' }, 'a')).toBe('a\r\n');
  });

  it.each([[undefined, ''], [null, ''], [0, '0'], [12n, '12'], [false, 'false'], [Buffer.from([255]), '\xff']])('sends %s as text', (record, text) => {
    expect(sent(undefined, record)).toBe(`${text}\r\n`);
  });

  it('sends no terminator if OutputLiteral is empty', () => {
    expect(sent({ OutputLiteral: '' }, 'a', 'b')).toBe('ab');
  });

  it('sends an OutputLiteral of any bytes', () => {
    const filter = new LineFilter({ OutputLiteral: Buffer.from([255, 0]) });

    expect(filter.put(['é']).join()).toBe(Buffer.from([195, 169, 255, 0]).toString());
    expect(filter.put_text(['é'])).toBeUndefined();
  });

  it('sends latin1 with that Encoding and refuses other characters', () => {
    expect(sent({ Encoding: 'latin1' }, 'é')).toBe('\xe9\r\n');
    expect(() => sent({ Encoding: 'latin1' }, 'Ċ')).toThrow(expect.objectContaining({ code: 'ERR_PREFORK_FILTER' }));
  });

  it('refuses objects', () => {
    const filter = new LineFilter();

    expect(() => filter.put([{} as string])).toThrow('LineFilter cannot send an object; it takes strings, numbers, booleans and Buffers.');
  });

  it('gives the same bytes as one text, if all records are text', () => {
    const filter = new LineFilter({ Encoding: 'latin1' });

    expect(filter.put_text(['a', 1])).toBe('a\r\n1\r\n');
    expect(filter.put_text(['a', Buffer.from('b')])).toBeUndefined();
    expect([filter.text_encoding, new LineFilter().text_encoding]).toEqual(['latin1', 'utf8']);
  });
});
