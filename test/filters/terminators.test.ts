import { describe, expect, it } from 'vitest';
import {
  DetectedTerminator, LiteralTerminator, MixedTerminator, RegexpTerminator, type Terminator,
} from '../../src/filters/terminators.js';

/** Positions of all terminators in one read. */
function findAll(terminator: Terminator, text: string): [number, number][] {
  const found: [number, number][] = [];
  let at = terminator.begin(text);
  while (terminator.find(text, at)) {
    found.push([terminator.start, terminator.end]);
    at = terminator.end;
  }
  return found;
}

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

  it('marks what begins the terminator', () => {
    const terminator = new MixedTerminator();
    terminator.find('a\rb', terminator.begin('a\rb'));

    expect(terminator.mark).toBe('\r');
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

  it('marks ASCII only', () => {
    expect([new LiteralTerminator('|').mark, new LiteralTerminator('\xb6').mark]).toEqual(['|', '']);
  });
});

describe('RegexpTerminator', () => {
  it('skips matches of nothing, whatever the flags', () => {
    expect(findAll(new RegexpTerminator(/x*/gy), 'axxb')).toEqual([[1, 3]]);
  });

  it('goes on in the next read, and in the one after', () => {
    const terminator = new RegexpTerminator(/\n+/);
    findAll(terminator, 'a\n');

    expect(terminator.begin('\n')).toBe(1);
    expect(terminator.begin('\n\nb')).toBe(2);
    expect(terminator.begin('\n')).toBe(0);
  });

  it('does not go on if the match gets no longer', () => {
    const terminator = new RegexpTerminator(/\n(?!x)/);
    findAll(terminator, 'a\n');

    expect(terminator.begin('x')).toBe(0);
  });

  it('holds back as much as the longest terminator may have', () => {
    const terminator = new RegexpTerminator(/\n/);

    expect([terminator.held('abc', 1), terminator.held('x'.repeat(1000), 0)]).toEqual([2, 255]);
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
