import { describe, expect, it } from 'vitest';
import { BlockFilter } from '../../src/filters/block.js';
import type { Filter } from '../../src/filters/filter.js';
import { LineFilter } from '../../src/filters/line.js';
import { resolveFilter, type FilterSpec } from '../../src/filters/resolve.js';

const NOT_A_FILTER = 'A filter must be a class, [class, parameters], an instance or one of the names Line, Block, Frame, Codec, Stream,';

describe('resolveFilter', () => {
  it('makes a fresh filter of a class for each client', () => {
    const create = resolveFilter(LineFilter);

    expect(create()).toBeInstanceOf(LineFilter);
    expect(create()).not.toBe(create());
  });

  it('makes filters with parameters', () => {
    expect(resolveFilter([BlockFilter, { BlockSize: 1 }])().get(['ab'])).toHaveLength(2);
    expect(resolveFilter([LineFilter])().get(['a\n'])).toEqual(['a']);
  });

  it('clones an instance for each client, so that none gets the input of another', () => {
    const instance = new LineFilter({ InputLiteral: '|' });
    instance.get(['mine']);
    const create = resolveFilter(instance);

    expect(create()).not.toBe(instance);
    expect(create().get(['a|'])).toEqual(['a']);
  });

  it.each([
    ['Line', 'LineFilter'], ['POE::Filter::Line', 'LineFilter'], ['Block', 'BlockFilter'], ['Frame', 'FrameFilter'], ['Stream', 'StreamFilter'],
    ['Stackable', 'StackableFilter'], ['Reference', 'ReferenceFilter'], ['POE::Filter::HTTPD', 'HttpdFilter'],
  ])('finds %s by name', (name, type) => {
    expect(resolveFilter(name)().constructor.name).toBe(type);
  });

  it.each([['RecordBlock', { BlockSize: 2 }], ['Codec', { Decode: Object }], ['Map', { Code: Array.of }], ['Grep', { Code: Boolean }]])('takes parameters with the name %s', (name, parameters) => {
    expect(resolveFilter([name, parameters] as unknown as FilterSpec)().constructor.name).toBe(`${name}Filter`);
  });

  it('takes a filter of anyone with the methods of one', () => {
    const own: Filter<string> = {
      get_one_start() { /* nothing to keep */ }, get_one: () => [], get: () => ['x'], put: () => [], get_pending: () => undefined, clone: () => own,
    };

    expect(resolveFilter(own)().get([])).toEqual(['x']);
  });

  it('finds wrong parameters at once', () => {
    expect(() => resolveFilter([LineFilter, { MaxLength: 0 }])).toThrow('The parameters of LineFilter cannot be used: MaxLength must be');
  });

  it.each([
    ['Lime', `${NOT_A_FILTER} RecordBlock, Map, Grep, Stackable, Reference, HTTPD, not "Lime". Did you mean 'Line'?`],
    ['Something', 'not "Something".'],
    [undefined, 'not undefined.'],
    [{}, 'not an object.'],
    [[], 'not an array of 0.'],
    [[LineFilter, {}, {}], 'not an array of 3.'],
    [[5], 'not an array of 1.'],
    [Date, 'not the function Date: it makes an object. A filter has the methods get_one_start, get_one,'],
    [() => 1, 'which cannot be constructed'],
    [[Math.max], 'which cannot be constructed'],
  ])('refuses %o', (spec, problem) => {
    expect(() => resolveFilter(spec as FilterSpec)).toThrow(expect.objectContaining({
      code: 'ERR_PREFORK_FILTER', message: expect.stringContaining(problem) as string,
    }));
  });

  it('lets an error through that a constructor throws itself', () => {
    const error = new RangeError('mine');
    class Failing extends LineFilter {
      constructor() {
        super();
        throw error;
      }
    }

    expect(() => resolveFilter(Failing)).toThrow(error);
  });
});
