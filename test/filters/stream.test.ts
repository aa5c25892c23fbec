import { Buffer } from 'node:buffer';
import { describe, expect, it } from 'vitest';
import { StreamFilter } from '../../src/filters/stream.js';
import { filterContract } from '../support/filter-contract.js';

filterContract('StreamFilter', [{
  title: 'bytes as they come', create: () => new StreamFilter(), input: 'abc\0\r\né', records: [Buffer.from('abc\0\r\né')], maxPending: 0,
  normalize: (records) => [Buffer.concat(records as Buffer[])],
}]);

describe('StreamFilter', () => {
  it('delivers everything that has come as one record', () => {
    const filter = new StreamFilter();
    filter.get_one_start(['a', Buffer.from('b')]);
    filter.get_one_start(['c']);

    expect(filter.get_pending()).toEqual([Buffer.from('abc')]);
    expect(filter.get_one()).toEqual([Buffer.from('abc')]);
    expect(filter.get_one()).toEqual([]);
  });

  it('makes no record of nothing', () => {
    expect(new StreamFilter().get([''])).toEqual([]);
  });

  it('sends records as they are', () => {
    expect(new StreamFilter({}).put(['é', Buffer.from('b'), new Uint8Array([0])])).toEqual([Buffer.from('é'), Buffer.from('b'), Buffer.from([0])]);
  });

  it('refuses parameters, and to send what is no bytes', () => {
    expect(() => new StreamFilter({ MaxLength: 1 as never })).toThrow('MaxLength is not an option.');
    expect(() => new StreamFilter().put([null as unknown as string])).toThrow('StreamFilter cannot send null');
  });
});
