import { describe, expect, it } from 'vitest';
import { LineFilter } from '../../src/filters/line.js';

describe('BaseFilter', () => {
  it('throws a fault at once if no record comes before it', () => {
    expect(() => new LineFilter({ MaxLength: 1 }).get(['ab\n'])).toThrow('longer than MaxLength');
  });

  it('returns the records before a fault, and throws it once at the next call of either kind', () => {
    const filter = new LineFilter({ MaxLength: 1 });

    expect(filter.get(['a\nbb\nc\n'])).toEqual(['a']);
    expect(() => filter.get_one()).toThrow('longer than MaxLength');
    expect(filter.get_one()).toEqual(['c']);
  });
});
