import { describe, expect, it } from 'vitest';
import { LineFilter } from '../../src/filters/line.js';
import { RecordBlockFilter, type RecordBlockParameters } from '../../src/filters/record-block.js';
import { StackableFilter } from '../../src/filters/stackable.js';
import { filterContract } from '../support/filter-contract.js';

filterContract('RecordBlockFilter', [{
  title: 'pairs of lines', input: 'a\nb\r\n\nc\nd\ne\n', records: [['a', 'b'], ['', 'c'], ['d', 'e']],
  create: () => new StackableFilter({ Filters: [new LineFilter({ MaxLength: 100, MaxBuffer: 500 }), new RecordBlockFilter<string>({ BlockSize: 2 })] }),
}]);

describe('RecordBlockFilter', () => {
  it('gathers BlockSize records and keeps the rest', () => {
    const filter = new RecordBlockFilter<number>({ BlockSize: 2 });

    expect(filter.get([1, 2, 3, 4, 5])).toEqual([[1, 2], [3, 4]]);
    expect(filter.get_pending()).toEqual([5]);
    expect(filter.get([6])).toEqual([[5, 6]]);
    expect(filter.get_pending()).toBeUndefined();
  });

  it('gives back the gathered records and those that wait', () => {
    const filter = new RecordBlockFilter<number>({ BlockSize: 3 });
    filter.get([1]);
    filter.get_one_start([2, 3, 4]);

    expect(filter.get_pending()).toEqual([1, 2, 3, 4]);
  });

  it('sends the records of arrays of any length one by one', () => {
    const filter = new RecordBlockFilter<number>({ BlockSize: 2 });

    expect(filter.put([[1, 2], [], [3]])).toEqual([1, 2, 3]);
    expect(filter.put_pending()).toBeUndefined();
  });

  it('takes a record apart only once', () => {
    expect(new RecordBlockFilter<number[]>({ BlockSize: 1 }).put([[[1, 2]]])).toEqual([[1, 2]]);
  });

  it('sends whole blocks only with CheckPut, and keeps the rest for the next', () => {
    const filter = new RecordBlockFilter<number>({ BlockSize: 2, CheckPut: 1 });

    expect(filter.put([[1, 2, 3]])).toEqual([1, 2]);
    expect(filter.put_pending()).toEqual([3]);
    expect(filter.put([[4], [5, 6, 7]])).toEqual([3, 4, 5, 6]);
    expect(filter.clone().put_pending()).toBeUndefined();
    expect(filter.put([[8]])).toEqual([7, 8]);
    expect(filter.put_pending()).toBeUndefined();
  });

  it('puts one record at the same cost, however many wait for the rest of their block', () => {
    const filter = new RecordBlockFilter<number>({ BlockSize: 200_000, CheckPut: true });

    for (let count = 1; count < 200_000; count++) filter.put([[count]]);

    expect(filter.put([[200_000]])).toHaveLength(200_000);
  });

  it('refuses to send what is no array', () => {
    const filter = new RecordBlockFilter<number>({ BlockSize: 2 });

    expect(() => filter.put([undefined as unknown as number[]])).toThrow('RecordBlockFilter cannot send undefined; it takes arrays of records.');
  });

  it('says and changes its block size', () => {
    const filter = new RecordBlockFilter<number>({ BlockSize: 3 });
    filter.get([1, 2]);

    expect(filter.blocksize()).toBe(3);
    expect(filter.blocksize(1)).toBe(1);
    expect(filter.get([3])).toEqual([[1], [2], [3]]);
    expect(filter.clone().blocksize()).toBe(1);
    expect(() => filter.blocksize(0)).toThrow(expect.objectContaining({ code: 'ERR_PREFORK_FILTER' }));
  });

  it('says and changes whether it checks, and sends what waits when that ends', () => {
    const filter = new RecordBlockFilter<number>({ BlockSize: 2, CheckPut: true });
    filter.put([[1]]);

    expect(filter.checkput()).toBe(true);
    expect(filter.checkput(0)).toBe(false);
    expect(filter.put([[2, 3]])).toEqual([1, 2, 3]);
    expect(() => filter.checkput('x' as never)).toThrow('CheckPut must be true, false, 1 or 0, not "x".');
  });

  it.each([
    [undefined, 'BlockSize is required.'],
    [{}, 'BlockSize is required.'],
    [{ BlockSize: 0 }, 'BlockSize must be a whole number above 0, not 0.'],
    [{ BlockSize: 1, CheckPut: 'yes' }, 'CheckPut must be true, false, 1 or 0, not "yes".'],
    [{ BlockSize: 1, Size: 1 }, 'Size is not an option.'],
  ])('refuses the parameters %j', (parameters, problem) => {
    expect(() => new RecordBlockFilter(parameters as RecordBlockParameters)).toThrow(expect.objectContaining({
      code: 'ERR_PREFORK_FILTER', message: expect.stringContaining(problem) as string,
    }));
  });
});
