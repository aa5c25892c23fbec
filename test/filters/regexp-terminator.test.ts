import { describe, expect, it } from 'vitest';
import { MAX_REGEXP_TERMINATOR, RegexpTerminator } from '../../src/filters/regexp-terminator.js';
import { findAll } from '../support/find-all.js';
import { Seeded, seeds } from '../support/seeded.js';

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
    const terminator = new RegexpTerminator(/\n(xy)?/);
    findAll(terminator, 'a\n');

    expect(terminator.begin('y')).toBe(0);
    expect(terminator.isOpen).toBe(false);
  });

  it('decides nothing while more could make the match longer', () => {
    const terminator = new RegexpTerminator(/(\r\n)+/);

    expect(findAll(terminator, 'a\r\n\r')).toEqual([[1, 3]]);
    expect([terminator.isOpen, terminator.held('a\r\n\r', 3)]).toEqual([true, 1]);
    expect(terminator.begin('\r\nb')).toBe(2);
  });

  it('waits for a match that would begin earlier', () => {
    const terminator = new RegexpTerminator(/abc|b/);

    expect(findAll(terminator, 'xab')).toEqual([]);
    expect(findAll(terminator, 'xabd')).toEqual([[2, 3]]);
    expect(findAll(terminator, 'xabc')).toEqual([[1, 4]]);
  });

  it.each([/[ab]*\n/, /(a|b)\n/, /\n+/, /ba?\n|ab/, /a{20}b?/, /(\n|ab)+/, /x*/])('finds in a long text what it finds in a short one: %s', (regexp) => {
    for (const seed of seeds(20)) {
      const random = new Seeded(seed);
      const part = (): string => random.pick(['a', 'b', 'ab', '\n', 'x']).repeat(random.pick([1, 2, 20, 60]));
      const text = Array.from({ length: 60 }, () => `${part()}${part()}x`).join('');
      const expected = [...text.matchAll(new RegExp(regexp, 'g'))].filter(([found]) => found !== '').map(({ index, 0: found }) => [index, index + found.length]);

      // What may go on behind the text is not found yet.
      const found = findAll(new RegexpTerminator(regexp), text);
      expect(found).toEqual(expected.slice(0, found.length));
      expect(expected.slice(found.length).every(([, end = 0]) => text.length - end < 2 * MAX_REGEXP_TERMINATOR)).toBe(true);
    }
  });

  it('looks at a row of what might begin a terminator in pieces: the square of its length would be half a minute here', () => {
    expect(findAll(new RegexpTerminator(/ *\n/), ' '.repeat(2 ** 18))).toEqual([]);
  });

  it('holds back as much as the longest terminator may have', () => {
    const terminator = new RegexpTerminator(/\n/);

    expect([terminator.held('abc', 1), terminator.held('x'.repeat(1000), 0)]).toEqual([2, 255]);
  });
});
