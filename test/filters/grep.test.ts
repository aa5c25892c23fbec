import { describe, expect, it } from 'vitest';
import { GrepFilter, type GrepParameters } from '../../src/filters/grep.js';
import { LineFilter } from '../../src/filters/line.js';
import { StackableFilter } from '../../src/filters/stackable.js';
import { filterContract } from '../support/filter-contract.js';

const NO_COMMENTS: GrepParameters<string> = { Code: (line) => !line.startsWith('#') };

filterContract('GrepFilter', [{
  title: 'lines without comments', input: 'a\n# b\n\n#\r\nc\n', records: ['a', '', 'c'],
  create: () => new StackableFilter({ Filters: [new LineFilter({ MaxLength: 100, MaxBuffer: 500 }), new GrepFilter(NO_COMMENTS)] }),
}]);

describe('GrepFilter', () => {
  it('drops the records for which the code returns a false value, in both directions', () => {
    const filter = new GrepFilter(NO_COMMENTS);

    expect(filter.get(['#', '# x', 'a', '#', '', 'b'])).toEqual(['a', '', 'b']);
    expect(filter.put(['#', 'a'])).toEqual(['a']);
  });

  it.each([0, '', null, undefined, Number.NaN, false])('takes %s for false', (verdict) => {
    expect(new GrepFilter<string>({ Code: () => verdict }).get(['a'])).toEqual([]);
  });

  it('has code of its own for each direction, which can be replaced', () => {
    const filter = new GrepFilter<number>({ Get: (n) => n > 1, Put: (n) => n < 2 });
    expect([filter.get([1, 2, 3]), filter.put([1, 2, 3])]).toEqual([[2, 3], [1]]);

    filter.modify({ Get: (n) => n === 1 });
    expect([filter.get([1, 2, 3]), filter.put([1, 2, 3])]).toEqual([[1], [1]]);

    filter.modify({ Code: () => 1 });
    expect([filter.clone().get([1, 2]), filter.put([1, 2])]).toEqual([[1, 2], [1, 2]]);
  });

  it('gives back the records that it has not looked at', () => {
    const filter = new GrepFilter(NO_COMMENTS);
    filter.get_one_start(['# a', 'b', '# c']);

    expect(filter.get_one()).toEqual(['b']);
    expect(filter.get_pending()).toEqual(['# c']);
    expect(filter.get_one()).toEqual([]);
    expect(filter.get_pending()).toBeUndefined();
  });

  it('refuses parameters without code', () => {
    expect(() => new GrepFilter({ Get: () => 1 })).toThrow('The parameters of GrepFilter cannot be used: they must have Code, or both Get and Put.');
  });
});
