import { describe, expect, it } from 'vitest';
import { RegexpTerminator } from '../../src/filters/regexp-terminator.js';
import { findAll } from '../support/find-all.js';

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

  it('holds back as much as the longest terminator may have', () => {
    const terminator = new RegexpTerminator(/\n/);

    expect([terminator.held('abc', 1), terminator.held('x'.repeat(1000), 0)]).toEqual([2, 255]);
  });
});
