import { expect, it } from 'vitest';
import { CodecFilter } from '../../src/filters/codec.js';
import { GrepFilter } from '../../src/filters/grep.js';
import { haveStopped, liftLimit, limitSkips } from '../../src/filters/skips.js';

const grep = (): GrepFilter<string> => new GrepFilter<string>({ Get: (line) => line !== 'x', Put: () => true });
const lines = [...Array.from({ length: 100 }, () => 'x'), 'a'];

it('a filter that is used without a session passes over any number of records at once', () => {
  const filter = grep();
  filter.get_one_start(lines);

  expect(filter.get_one()).toEqual(['a']);
});

it('get() takes all records, also for a filter of the user\'s that calls it within a session', () => {
  limitSkips();
  const records = grep().get([...lines, ...lines]);
  const stopped = haveStopped();
  liftLimit();

  expect(records).toEqual(['a', 'a']);
  expect(stopped).toBe(false);
});

it('within a session a filter stops after some records, and goes on where it was', () => {
  const filter = new CodecFilter<string, string>({ Decode: (read) => (read[0] === 120 ? { bytes: 1 } : { record: read.toString(), bytes: read.length }), Encode: (text) => text });
  filter.get_one_start([`${'x'.repeat(100)}end`]);
  let calls = 0;
  let one: readonly string[] = [];
  do {
    limitSkips();
    one = filter.get_one();
    calls += 1;
  } while (haveStopped() && one.length === 0);
  liftLimit();

  expect(one).toEqual(['end']);
  expect(calls).toBeGreaterThan(3);
});
