import { describe, expect, it } from 'vitest';
import { DetectedTerminator, LiteralTerminator, MixedTerminator } from '../../src/filters/terminators.js';
import { findAll } from '../support/find-all.js';

describe('MixedTerminator', () => {
  it.each([
    ['a\nb', [[1, 2]]], ['a\rb', [[1, 2]]], ['a\r\nb', [[1, 3]]], ['a\n\rb', [[1, 3]]],
    ['\n\n\r\r', [[0, 1], [1, 3], [3, 4]]], ['none', []], ['', []],
  ])('finds those of %j', (text, found) => {
    expect(findAll(new MixedTerminator(), text)).toEqual(found);
  });

  it.each([['a\r', '\nb', 1], ['a\n', '\rb', 1], ['a\r', '\rb', 0], ['a\r\n', '\nb', 0], ['a\n', '', 0]])('after %j begins %j at %i', (first, second, begin) => {
    const terminator = new MixedTerminator();
    findAll(terminator, first);

    expect(terminator.begin(second)).toBe(begin);
  });

  it.each([['a\r', true], ['a\r\n', false], ['a\rb', false], ['a', false]])('says of %j whether its terminator may go on: %j', (text, isOpen) => {
    const terminator = new MixedTerminator();
    findAll(terminator, text);

    expect(terminator.isOpen).toBe(isOpen);
    expect(terminator.held()).toBe(0);
  });
});

describe('LiteralTerminator', () => {
  it('finds its literal only', () => {
    expect(findAll(new LiteralTerminator('\r\n'), '\r\r\n\n\r\n')).toEqual([[1, 3], [4, 6]]);
  });

  it.each([['xaa', 0, 2], ['xa', 0, 1], ['x', 0, 0], ['aa', 1, 1], ['', 0, 0]])('holds back the end of %j from %i on that may begin it: %i', (text, from, held) => {
    expect(new LiteralTerminator('aab').held(text, from)).toBe(held);
  });

});

describe('DetectedTerminator', () => {
  it.each([
    ['\n', [[0, 1]], 'b\r\n', [[2, 3]]],
    ['\r\n', [[0, 2]], 'b\nc\r\n', [[3, 5]]],
    ['\r', [[0, 1]], '\nb\nc\r\n', [[4, 6]]],
    ['\r', [[0, 1]], 'b\nc\r', [[3, 4]]],
    ['\n\r', [[0, 2]], 'b\nc\n\r', [[1, 2], [3, 5]]],
    ['none', [], 'b\r', [[1, 2]]],
  ])('after %j (%j) finds in %j %j', (first, foundFirst, second, foundSecond) => {
    const terminator = new DetectedTerminator();

    expect(findAll(terminator, first)).toEqual(foundFirst);
    expect(findAll(terminator, second)).toEqual(foundSecond);
    expect(terminator.held('x', 0)).toBeLessThanOrEqual(1);
  });
});
