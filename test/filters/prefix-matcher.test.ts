import { describe, expect, it } from 'vitest';
import { PrefixMatcher } from '../../src/filters/prefix-matcher.js';
import { Seeded } from '../support/seeded.js';

describe('PrefixMatcher', () => {
  it.each([
    [/\r?\n/, '\r', true], [/\r?\n/, '\n', false], [/\r?\n/, 'x', false], [/\n+/, '\n\n', true], [/\n+/, '\nx', false],
    [/(\r\n)+/, '\r\n\r', true], [/(\r\n)+/, '\r\n', true], [/(\r\n)+/, '\r\n\n', false], [/<br>(<br>)?/, '<br><b', true], [/<br>(<br>)?/, '<br><br>', false],
    [/a{2}/, 'a', true], [/a{2}/, 'aa', false], [/a{2,}/, 'aaa', true], [/a{1,3}/, 'aa', true], [/a{1,3}/, 'aaa', false], [/a{0}b/, 'b', false],
    [/a|bc|/, 'b', true], [/a|bc|/, 'a', false], [/(?<name>a)(?:b)/, 'a', true], [/[\]a-c]d/, ']', true], [/[^a]d/, 'a', false], [/.x/, '\n', false],
    [/.x/s, '\n', true], [/\x41\u0042/i, 'a', true], [/\cJx/, '\n', true], [/\0x/, '\0', true], [/\.x/, 'a', false], [/\u{41}b/u, 'A', true], [/\p{L}b/u, 'x', true],
    [/a{b/, 'a{', true], [/\d\D\w\W\s\S/, '1a_- ', true], [/a+?b/, 'aa', true], [/€b/, 'a', false],
  ])('says whether %s, begun with %j, could go on: %j', (regexp, text, couldGrow) => {
    expect(new PrefixMatcher(regexp).couldGrow(text, 0)).toBe(couldGrow);
  });

  it('looks at all positions of a range', () => {
    const matcher = new PrefixMatcher(/abc/);

    expect([matcher.couldGrow('xxab', 0, 2), matcher.couldGrow('xxab', 0, 3), matcher.couldGrow('xxab', 3, 4)]).toEqual([false, true, false]);
  });

  it.each([
    [/^a/, '^'], [/a$/, '$'], [/a\b/, '\\b'], [/(a)\1/, '\\1'], [/a(?=b)/, '(?='], [/a(?!b)/, '(?!'], [/(?<=a)b/, '(?<='], [/(?<!a)b/, '(?<!'],
    [/(?:a{100}){100}/, 'too many repetitions'], [new RegExp('a', 'v'), 'the flag v'],
  ])('refuses %s for its %s', (regexp, what) => {
    expect(() => new PrefixMatcher(regexp)).toThrow(new SyntaxError(what));
  });

  it('agrees with what the text becomes, for random expressions', () => {
    const random = new Seeded(7);
    const some = (depth: number): string => {
      const kind = random.below(depth === 0 ? 2 : 6);
      if (kind < 2) return 'ab'.charAt(kind);
      if (kind === 2) return `(?:${some(depth - 1)}|${some(depth - 1)})`;
      if (kind === 3) return `(?:${some(depth - 1)})${'?*+'.charAt(random.below(3))}`;
      return some(depth - 1) + some(depth - 1);
    };
    const texts = (length: number): string[] => (length === 0 ? [''] : texts(length - 1).flatMap((text) => ['a', 'b'].map((one) => text + one)));
    for (let round = 0; round < 100; round++) {
      const source = some(3);
      const whole = new RegExp(`^(?:${source})$`);
      const matcher = new PrefixMatcher(new RegExp(source));
      for (const text of texts(3)) {
        const grows = [1, 2, 3, 4, 5].some((more) => texts(more).some((rest) => whole.test(text + rest)));

        // Longer continuations than five letters are not tried.
        if (grows) expect(matcher.couldGrow(text, 0), `${source} begun with ${text}`).toBe(true);
        else if (!/[*+]/.test(source)) expect(matcher.couldGrow(text, 0), `${source} begun with ${text}`).toBe(false);
      }
    }
  });

  it('does not backtrack', () => {
    const matcher = new PrefixMatcher(/(?:\s*\n)+x/);

    expect(matcher.couldGrow(`${'\n'.repeat(250)}y`, 0)).toBe(false);
    expect(matcher.couldGrow('\n'.repeat(250), 0, 250)).toBe(true);
  });
});
