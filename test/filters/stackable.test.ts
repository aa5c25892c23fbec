import { Buffer } from 'node:buffer';
import { describe, expect, it } from 'vitest';
import { BlockFilter } from '../../src/filters/block.js';
import type { Layer } from '../../src/filters/filter.js';
import { GrepFilter } from '../../src/filters/grep.js';
import { HttpdFilter } from '../../src/filters/httpd/httpd.js';
import { LineFilter } from '../../src/filters/line.js';
import { MapFilter } from '../../src/filters/map.js';
import { RecordBlockFilter } from '../../src/filters/record-block.js';
import { StackableFilter, type LayerSpec } from '../../src/filters/stackable.js';
import { StreamFilter } from '../../src/filters/stream.js';
import { filterContract } from '../support/filter-contract.js';

const line = (): LineFilter => new LineFilter({ MaxLength: 100, MaxBuffer: 500 });
const upper = (): MapFilter<string, string> => new MapFilter<string, string>({ Code: (text) => [text.toUpperCase()] });
const noComments = (): GrepFilter<string> => new GrepFilter<string>({ Code: (text) => !text.startsWith('#') });
const flipped = (): MapFilter<Buffer> => new MapFilter<Buffer>({ Code: (bytes) => [Buffer.from(bytes.map((byte) => byte ^ 1))] });
const pairs = (): RecordBlockFilter<string> => new RecordBlockFilter<string>({ BlockSize: 2 });

filterContract('StackableFilter', [
  { title: 'one filter', create: () => new StackableFilter({ Filters: [line()] }), input: 'a\n\nb\r\n', records: ['a', '', 'b'] },
  {
    title: 'four filters', create: () => new StackableFilter({ Filters: [line(), noComments(), upper(), pairs()] }),
    input: 'a\n#\nb\nc\r\n#d\ne\n', records: [['A', 'B'], ['C', 'E']],
  },
  {
    title: 'lines in blocks', create: () => new StackableFilter({ Filters: [new BlockFilter({ MaxLength: 100 }), line()] }),
    input: '3\0a\nb2\0c\n', records: ['a', 'bc'], maxPending: 2000,
  },
  {
    title: 'lines with a long terminator', create: () => new StackableFilter({ Filters: [new LineFilter({ InputRegexp: /(\r\n)+/, MaxLength: 100, MaxBuffer: 500 }), upper()] }),
    input: 'a\r\n\r\nb\r\n\r\n', records: ['A', 'B'], maxPending: 1500,
  },
  { title: 'a stack in a stack', create: () => new StackableFilter({ Filters: [new StackableFilter({ Filters: [line()] }), pairs()] }), input: 'a\nb\n', records: [['a', 'b']] },
]);

describe('StackableFilter', () => {
  it('passes input up and output down', () => {
    const filter = new StackableFilter<string[]>({ Filters: [line(), upper(), pairs()] });

    expect(filter.get(['a\nb\nc\n'])).toEqual([['A', 'B']]);
    expect(filter.put([['x', 'y'], ['z']]).join('')).toBe('X\r\nY\r\nZ\r\n');
  });

  it('takes classes, classes with parameters and instances', () => {
    const filter = new StackableFilter<string>({ Filters: [LineFilter, [MapFilter, { Code: (text: string) => [`<${text}>`] }], noComments()] });

    expect(filter.get(['a\n'])).toEqual(['<a>']);
    expect(filter.filter_types()).toEqual(['LineFilter', 'MapFilter', 'GrepFilter']);
  });

  it('shares no instance with whoever made it, nor with its clones', () => {
    const shared = line();
    const one = new StackableFilter({ Filters: [shared] });
    const two = one.clone();
    one.get(['a']);

    expect([shared.get_pending(), two.get_pending(), two.get(['b\n'])]).toEqual([undefined, undefined, ['b']]);
    expect(one.get(['\n'])).toEqual(['a']);
  });

  it('gives back what the lowest filter has not cut', () => {
    const filter = new StackableFilter({ Filters: [line(), noComments()] });
    filter.get(['part']);

    expect(filter.get_pending()).toEqual([Buffer.from('part')]);
  });

  it('gives back what upper filters hold, as the lower ones send it, before what is not cut', () => {
    const filter = new StackableFilter({ Filters: [line(), pairs()] });
    filter.get(['a\nb\nc\npart']);

    expect(filter.get_pending()).toEqual([Buffer.from('c\r\npart')]);
  });

  it('gives back what several filters hold, in order', () => {
    const filter = new StackableFilter({ Filters: [line(), pairs(), new RecordBlockFilter<string[]>({ BlockSize: 2 })] });
    filter.get(['1\n2\n3\n4\n5\n6\n7\n8']);

    expect(filter.get_pending()?.join()).toBe('5\r\n6\r\n7\r\n8');
  });

  it('does not mix what is handed on with output that waits', () => {
    const checking = new RecordBlockFilter<string>({ BlockSize: 2, CheckPut: true });
    const filter = new StackableFilter<string[][], string[][]>({ Filters: [line()] });
    filter.push(checking, new RecordBlockFilter<string[]>({ BlockSize: 2 }));
    filter.get(['1\n2\n']);
    filter.put([[['x']]]);

    expect(filter.get_pending()?.join()).toBe('1\r\n2\r\n');
    expect(checking.put_pending()).toEqual(['x']);
  });

  it.each<[string, () => LayerSpec[]]>([
    ['a StreamFilter', () => [StreamFilter, line()]], ['what turns its bytes into others', () => [flipped(), line()]],
    ['frames', () => [new BlockFilter({ BlockSize: 1 }), line()]], ['a stack', () => [StreamFilter, new StackableFilter({ Filters: [StreamFilter, line()] })]],
    ['a filter, with another above it', () => [StreamFilter, line(), upper()]],
  ])('leaves the second half of a terminator to no other filter if it cuts lines above %s', (_below, layers) => {
    const first = new StackableFilter({ Filters: layers() });
    const sent = Buffer.concat(new StackableFilter({ Filters: layers() }).put(['A', 'B']));
    const found = first.get([sent.subarray(0, 2)]);

    const { pending, rest } = first.hand_over();
    const left = [rest?.(sent.subarray(2, 2)), rest?.(sent.subarray(2, 3)), rest?.(sent.subarray(3))];

    expect([found, pending, left]).toEqual([['A'], [], [undefined, undefined, sent.subarray(3)]]);
  });

  it('hands over what a lower filter holds as what comes after a record whose terminator may go on', () => {
    const stack = (): StackableFilter<string, string> => new StackableFilter({ Filters: [[BlockFilter, { BlockSize: 3 }], line()] });
    const first = stack();
    const found = first.get(['ab\r\n']);

    const { pending, rest } = first.hand_over();
    const left = rest?.(Buffer.from('c\r'));

    expect([found, pending, String(left)]).toEqual([['ab'], [], 'c\r']);
  });

  it('comes to an end when it looks for the second half of a terminator above a filter that does not', () => {
    const endless: Layer = Object.assign(upper() as Layer, { get_one_start: () => undefined, get_one: () => ['a\r'], clone: () => endless });
    const filter = new StackableFilter({ Filters: [endless, line()] });
    filter.get_one_start(['go']);
    filter.get_one();

    expect(() => filter.hand_over()).toThrow(expect.objectContaining({ code: 'ERR_PREFORK_FILTER' }));
  });

  it('cannot hand on what a lower filter cannot send', () => {
    const filter = new StackableFilter({ Filters: [HttpdFilter, [RecordBlockFilter, { BlockSize: 2 }]] });
    filter.get(['GET / HTTP/1.1\r\nHost: x\r\n\r\n']);

    expect(() => filter.get_pending()).toThrow(expect.objectContaining({ code: 'ERR_PREFORK_FILTER' }));
  });

  it('takes a record from below only when it is needed', () => {
    const seen: string[] = [];
    const filter = new StackableFilter({ Filters: [line(), new GrepFilter<string>({ Code: (text) => seen.push(text) }), pairs()] });
    filter.get_one_start(['a\nb\nc\nd\n']);
    filter.get_one();

    expect(seen).toEqual(['a', 'b']);
    expect(filter.get_pending()?.join()).toBe('c\nd\n');
  });

  it('comes to an end although a lower filter does not, and the one above lets nothing pass', () => {
    const endless = Object.assign(new StreamFilter(), { get_one: () => [Buffer.from('x')], clone: () => endless });
    const stack = new StackableFilter({ Filters: [endless, new GrepFilter({ Code: () => false })] });
    stack.get_one_start([Buffer.from('x')]);

    expect(() => stack.get_one()).toThrow('get_one of a filter below GrepFilter in a stack gives records without end; it must give [] when there is no whole one.');
  });

  it('goes on after a fault of a lower filter', () => {
    const filter = new StackableFilter({ Filters: [new LineFilter({ MaxLength: 1 }), pairs()] });

    expect(filter.get(['a\nb\nlong\nc\nd\n'])).toEqual([['a', 'b']]);
    expect(() => filter.get([])).toThrow(expect.objectContaining({ code: 'ERR_PREFORK_RECORD_TOO_LONG' }));
    expect(filter.get([])).toEqual([['c', 'd']]);
  });

  it('takes strings from the lowest filter for UTF-8, and refuses what is no bytes', () => {
    expect(new StackableFilter<string>({ Filters: [upper()] }).put(['é'])).toEqual([Buffer.from('É')]);
    expect(() => new StackableFilter({ Filters: [[GrepFilter, { Code: () => true }]] }).put([5])).toThrow('StackableFilter cannot send 5');
  });

  it('can neither take nor put without filters', () => {
    const filter = new StackableFilter();
    const NO_FILTERS = expect.objectContaining({ code: 'ERR_PREFORK_STATE', message: 'The stack has no filters; give Filters or push one first.' }) as Error;

    expect(() => filter.get(['a'])).toThrow(NO_FILTERS);
    expect(() => filter.get_one()).toThrow(NO_FILTERS);
    expect(() => filter.put(['a'])).toThrow(NO_FILTERS);
    expect(filter.get_pending()).toBeUndefined();
    expect(filter.clone().filters()).toEqual([]);
  });
});

describe('StackableFilter, changed while it works', () => {
  it('pushes at the top and pops from there', () => {
    const filter = new StackableFilter({ Filters: [line()] });
    const top = pairs();

    expect(filter.push(noComments(), top)).toBe(3);
    expect(filter.get(['a\n#\nb\n'])).toEqual([['a', 'b']]);
    expect(filter.pop()).toBe(top);
    expect(filter.filter_types()).toEqual(['LineFilter', 'GrepFilter']);
  });

  it('unshifts next to the socket and shifts from there', () => {
    const filter = new StackableFilter({ Filters: [line()] });

    expect(filter.unshift(StreamFilter, [BlockFilter, { BlockSize: 2 }])).toBe(3);
    expect(filter.filter_types()).toEqual(['StreamFilter', 'BlockFilter', 'LineFilter']);
    expect(filter.get(['a\nb'])).toEqual(['a']);
    expect(filter.shift()?.clone()).toBeInstanceOf(StreamFilter);
    expect(filter.get(['\n'])).toEqual(['b']);
  });

  it('has nothing to remove when it is empty', () => {
    const filter = new StackableFilter({});

    expect([filter.pop(), filter.shift()]).toEqual([undefined, undefined]);
  });

  it('lists its filters in an array of its own', () => {
    const filter = new StackableFilter({ Filters: [line()] });
    filter.filters().pop();

    expect(filter.filters()).toHaveLength(1);
  });

  it.each(['Line', 5, null, {}, [], [LineFilter, {}, {}], ['Line'], Date])('refuses %s for a filter', (spec) => {
    const problem = 'a filter of a stack must be a class, [class, parameters] or an instance, not';

    expect(() => new StackableFilter({ Filters: [spec as LayerSpec] })).toThrow(problem);
    expect(() => new StackableFilter().push(spec as LayerSpec)).toThrow(problem);
    expect(() => new StackableFilter().unshift(spec as LayerSpec)).toThrow(problem);
  });

  it('refuses Filters that are no array, and other parameters', () => {
    expect(() => new StackableFilter({ Filters: line() as never })).toThrow('Filters must be an array, not an object.');
    expect(() => new StackableFilter({ Filter: [] } as never)).toThrow('Filter is not an option; did you mean Filters?');
  });
});
