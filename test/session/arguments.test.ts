import { describe, expect, it } from 'vitest';
import { LineFilter } from '../../src/filters/line.js';
import { checkedFilter } from '../../src/session/arguments.js';

describe('heap.client', () => {
  it.each<[string, unknown, RegExp]>([
    ['a class, which only options take', LineFilter, /^heap\.client\.set_filter was given the class LineFilter; it takes a filter, new LineFilter\(\.\.\.\), and only options take a class\. Missing: get_one_start, /],
    ['a class of a bundle', class _LineFilter { put(): void { /* is no filter yet */ } }, /given the class LineFilter; it takes a filter, new LineFilter\(/],
    ['what has a method too few', { ...Object.fromEntries(['get_one_start', 'get_one', 'get_pending', 'put'].map((name) => [name, () => undefined])) }, /given an object; it takes a filter, such as new LineFilter\(\)\. Missing: clone\.$/],
    ['a name', 'Line', /given "Line"; it takes a filter, such as new LineFilter\(\)/],
  ])('refuses as a filter %s', (_title, given, message) => {
    expect(() => checkedFilter('set_filter', given)).toThrow(message);
  });

  it('takes a filter', () => {
    const filter = new LineFilter();

    expect(checkedFilter('set_filter', filter)).toBe(filter);
  });
});
