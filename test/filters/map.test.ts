import { Buffer } from 'node:buffer';
import { describe, expect, it } from 'vitest';
import { LineFilter } from '../../src/filters/line.js';
import { MapFilter, type MapParameters } from '../../src/filters/map.js';
import { StackableFilter } from '../../src/filters/stackable.js';
import { filterContract } from '../support/filter-contract.js';

const WORDS: MapParameters<string, string> = {
  Get: (line) => line.split(',').filter((word) => word !== ''),
  Put: (word) => [`${word},`],
};

filterContract('MapFilter', [
  {
    title: 'words of lines', input: 'a,b\n\nc\r\n,d,\n', records: ['a', 'b', 'c', 'd'],
    create: () => new StackableFilter({ Filters: [new LineFilter({ MaxLength: 100, MaxBuffer: 500 }), new MapFilter(WORDS)] }),
  },
  {
    title: 'alone, on bytes as they come', input: 'abc', records: [Buffer.from('ABC')], maxPending: 0,
    create: () => new MapFilter<Buffer>({ Code: (bytes) => [Buffer.from(bytes.toString('latin1').toUpperCase(), 'latin1')] }),
    normalize: (records) => [Buffer.concat(records as Buffer[])],
  },
]);

describe('MapFilter', () => {
  it('makes any number of records of one, and goes on after none', () => {
    expect(new MapFilter(WORDS).get(['a,b', '', 'c'])).toEqual(['a', 'b', 'c']);
  });

  it('turns what is put into any number of records for the filter below', () => {
    const filter = new MapFilter<string, string>({ Get: (line) => [line], Put: (record) => record.split(' ') });

    expect(filter.put(['a b', 'c'])).toEqual(['a', 'b', 'c']);
  });

  it('uses Code in both directions', () => {
    const filter = new MapFilter<string, string>({ Code: (text) => [text.toUpperCase()] });

    expect([...filter.get(['a']), ...filter.put(['b'])]).toEqual(['A', 'B']);
  });

  it('does not look at a record before it is taken', () => {
    const seen: string[] = [];
    const filter = new MapFilter<string, string>({ Get: (line) => [seen.push(line).toString()], Put: (line) => [line] });
    filter.get_one_start(['a', 'b']);

    expect(filter.get_one()).toEqual(['1']);
    expect(seen).toEqual(['a']);
  });

  it('gives back what was not taken: first what Get made, turned back by Put, then what it has not seen', () => {
    const filter = new MapFilter(WORDS);
    filter.get_one_start(['a,b,c', 'd,e']);
    filter.get_one();

    expect(filter.get_pending()).toEqual(['b,', 'c,', 'd,e']);
    expect(filter.get([])).toEqual(['b', 'c', 'd', 'e']);
    expect(filter.get_pending()).toBeUndefined();
  });

  it('replaces the code of one direction or of both from the next record on', () => {
    const filter = new MapFilter<string, string>({ Get: (text) => [`g${text}`], Put: (text) => [`p${text}`] });

    filter.modify({ Get: (text) => [`G${text}`] });
    expect([...filter.get(['1']), ...filter.put(['1'])]).toEqual(['G1', 'p1']);
    filter.modify({ Put: (text) => [`P${text}`] });
    expect([...filter.get(['2']), ...filter.put(['2'])]).toEqual(['G2', 'P2']);
    filter.modify({ Code: (text) => [`C${text}`] });
    expect([...filter.get(['3']), ...filter.put(['3']), ...filter.clone().get(['4'])]).toEqual(['C3', 'P3'.replace('P', 'C'), 'C4']);
  });

  it('refuses code that returns no array', () => {
    const filter = new MapFilter<string, string>({ Code: (text) => text as unknown as string[] });

    expect(() => filter.get(['a'])).toThrow('Get of MapFilter must return an array of records, not "a".');
    expect(() => filter.put(['a'])).toThrow(expect.objectContaining({ code: 'ERR_PREFORK_FILTER' }));
  });

  it('lets an error of the code through as it is', () => {
    const error = new RangeError('mine');

    expect(() => new MapFilter({ Code: () => { throw error; } }).get([Buffer.from('')])).toThrow(error);
  });
});

describe('MapFilter, parameters', () => {
  const id = (text: unknown): unknown[] => [text];

  it.each([
    [undefined, 'they must have Code, or both Get and Put.'],
    [{}, 'they must have Code, or both Get and Put.'],
    [{ Get: id }, 'they must have Code, or both Get and Put.'],
    [{ Put: id }, 'they must have Code, or both Get and Put.'],
    [{ Code: id, Get: id }, 'Code excludes Get and Put; give the one or the others.'],
    [{ Code: id, Put: id }, 'Code excludes Get and Put; give the one or the others.'],
    [{ Code: 'x' }, 'Code must be a function, not "x".'],
    [{ Code: id, Set: id }, 'Set is not an option; did you mean Get?'],
    ['Code', 'they must be one object'],
  ])('refuses %o', (parameters, problem) => {
    expect(() => new MapFilter(parameters as MapParameters<unknown, Buffer>)).toThrow(expect.objectContaining({
      code: 'ERR_PREFORK_FILTER', message: expect.stringContaining(problem) as string,
    }));
  });

  it('are checked by modify too', () => {
    const filter = new MapFilter({ Code: (bytes: Buffer) => [bytes] });

    expect(() => filter.modify({ Get: 1 as never })).toThrow('Get must be a function, not 1.');
    expect(() => filter.modify({ Code: (bytes) => [bytes] as Buffer[], Get: (bytes) => [bytes] })).toThrow('Code excludes Get and Put');
  });
});
