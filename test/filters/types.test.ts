import type { Buffer } from 'node:buffer';
import { describe, expect, expectTypeOf, it } from 'vitest';
import type { RecordOf } from '../../src/callbacks.js';
import { BlockFilter } from '../../src/filters/block.js';
import type { AnyFilter, Filter, Layer } from '../../src/filters/filter.js';
import { GrepFilter } from '../../src/filters/grep.js';
import type { HttpdFilter } from '../../src/filters/httpd/httpd.js';
import type { HttpdBody, HttpdExpectation, HttpdRefusal, HttpdRequest } from '../../src/filters/httpd/records.js';
import { LineFilter } from '../../src/filters/line.js';
import { MapFilter } from '../../src/filters/map.js';
import { RecordBlockFilter } from '../../src/filters/record-block.js';
import { ReferenceFilter } from '../../src/filters/reference.js';
import { StackableFilter } from '../../src/filters/stackable.js';
import type { StreamFilter } from '../../src/filters/stream.js';

describe('the types of records', () => {
  it('are strings or Buffers for LineFilter, as Encoding says', () => {
    expectTypeOf<RecordOf<LineFilter>>().toEqualTypeOf<string>();
    expectTypeOf(new LineFilter({ Encoding: 'latin1' }).get_one()).toEqualTypeOf<[] | [string]>();
    expectTypeOf(new LineFilter<Buffer>({ Encoding: 'buffer' }).get([])).toEqualTypeOf<Buffer[]>();
    // @ts-expect-error: lines come as Buffers with this Encoding only
    new LineFilter<Buffer>({ Encoding: 'utf8' }).get([]);
  });

  it('follow from Encoding', () => {
    expectTypeOf(new LineFilter({ Encoding: 'buffer' }).get([])).toEqualTypeOf<Buffer[]>();
    expectTypeOf(new LineFilter({ Encoding: 'utf8', MaxLength: 5 }).get([])).toEqualTypeOf<string[]>();
    expectTypeOf(new LineFilter().get([])).toEqualTypeOf<string[]>();
    // @ts-expect-error: no such Encoding
    expect(() => new LineFilter({ Encoding: 'utf16' })).toThrow('Encoding');
  });

  it('follow from the name of a filter', () => {
    expectTypeOf<RecordOf<'Block'>>().toEqualTypeOf<Buffer>();
    expectTypeOf<RecordOf<'POE::Filter::Line'>>().toEqualTypeOf<string>();
    expectTypeOf<RecordOf<'Reference'>>().toEqualTypeOf<object>();
  });

  it('are those of the last filter of a StackableFilter', () => {
    const numbers = new MapFilter({ Get: (line: string) => [Number(line)], Put: (value: number) => [String(value)] });

    expectTypeOf(new StackableFilter({ Filters: [LineFilter, numbers] }).get([])).toEqualTypeOf<number[]>();
    expectTypeOf(new StackableFilter({ Filters: [new LineFilter(), new RecordBlockFilter<string>({ BlockSize: 2 })] }).get([])).toEqualTypeOf<string[][]>();
    expectTypeOf(new StackableFilter({ Filters: [BlockFilter] }).get([])).toEqualTypeOf<Buffer[]>();
  });

  it('are Buffers for BlockFilter and StreamFilter', () => {
    expectTypeOf<RecordOf<BlockFilter>>().toEqualTypeOf<Buffer>();
    expectTypeOf<RecordOf<StreamFilter>>().toEqualTypeOf<Buffer>();
  });

  it('are distinguished by their type for HttpdFilter', () => {
    expectTypeOf<RecordOf<HttpdFilter>>().toEqualTypeOf<HttpdRequest | HttpdExpectation | HttpdBody | HttpdRefusal>();
    expectTypeOf<Extract<RecordOf<HttpdFilter>, { type: 'request' }>>().toEqualTypeOf<HttpdRequest>();
  });

  it('follow from the code of MapFilter and GrepFilter', () => {
    const numbers = new MapFilter({ Get: (line: string) => [Number(line)], Put: (value: number) => [String(value)] });

    expectTypeOf(numbers.get([])).toEqualTypeOf<number[]>();
    expectTypeOf(numbers.put([])).toEqualTypeOf<string[]>();
    expectTypeOf(new GrepFilter({ Code: (line: string) => line !== '' }).get([])).toEqualTypeOf<string[]>();
  });

  it('are what the user says where the filter cannot know', () => {
    expectTypeOf(new RecordBlockFilter<string>({ BlockSize: 2 }).get([])).toEqualTypeOf<string[][]>();
    expectTypeOf(new ReferenceFilter<{ id: number }>().get([])).toEqualTypeOf<{ id: number }[]>();
    expectTypeOf(new StackableFilter<number>({ Filters: [LineFilter] }).get([])).toEqualTypeOf<number[]>();
    expectTypeOf<RecordOf<StackableFilter>>().toEqualTypeOf<unknown>();
  });

  it('fit the interfaces', () => {
    expectTypeOf<LineFilter>().toExtend<Filter<string, unknown>>();
    expectTypeOf<GrepFilter>().toExtend<AnyFilter>();
    expectTypeOf<GrepFilter<string>>().toExtend<Layer>();
    // Records that are no bytes cannot go to a client: such a filter needs another one below it, in a Stackable.
    expectTypeOf<GrepFilter<string>>().not.toExtend<AnyFilter>();
  });
});
