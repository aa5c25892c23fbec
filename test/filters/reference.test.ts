import { Buffer } from 'node:buffer';
import { deflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { ReferenceFilter, type ReferenceParameters } from '../../src/filters/reference.js';
import { filterContract } from '../support/filter-contract.js';

const RECORDS = [{ a: 1 }, [], ['é', null, { b: [] }]];
const bytesOf = (parameters: ReferenceParameters, records: object[]): Buffer => Buffer.concat(new ReferenceFilter(parameters).put(records));
const contractCase = (title: string, parameters: ReferenceParameters): Parameters<typeof filterContract>[1][number] => ({
  title, create: () => new ReferenceFilter({ MaxLength: 200, ...parameters }), input: bytesOf(parameters, RECORDS), records: RECORDS,
});
const frame = (body: string | Buffer): Buffer => Buffer.concat([Buffer.from(`${Buffer.from(body).length}\0`), Buffer.from(body)]);

filterContract('ReferenceFilter', [
  contractCase('JSON', {}),
  contractCase('v8', { Serializer: 'v8' }),
  contractCase('compressed', { Compression: true }),
  contractCase('compressed v8, errors as records', { Serializer: 'v8', Compression: 1, NoFatals: 1 }),
]);

describe('ReferenceFilter', () => {
  it('sends the length in decimal digits, a NUL byte and JSON', () => {
    expect(new ReferenceFilter().put([{ a: 'é' }])).toEqual([Buffer.from('10\0{"a":"é"}')]);
  });

  it('compresses bodies with zlib', () => {
    expect(bytesOf({ Compression: true }, [[1]])).toEqual(frame(deflateSync('[1]')));
  });

  it('keeps what JSON has not, with v8', () => {
    const cycle: { self?: object; when: Date; bytes: Map<string, Buffer> } = { when: new Date(0), bytes: new Map([['a', Buffer.from('b')]]) };
    cycle.self = cycle;

    const [thawed] = new ReferenceFilter<typeof cycle>({ Serializer: 'v8' }).get([bytesOf({ Serializer: 'v8' }, [cycle])]);

    expect(thawed?.self).toBe(thawed);
    expect([thawed?.when, thawed?.bytes.get('a')?.toString()]).toEqual([new Date(0), 'b']);
  });

  it('uses a serializer of the user, text or bytes', () => {
    const filter = new ReferenceFilter({ Serializer: { freeze: () => 'é', thaw: (bytes) => [bytes.toString()] } });
    expect(filter.get(filter.put([{}]))).toEqual([['é']]);

    const bytes = new ReferenceFilter({ Serializer: { freeze: () => new Uint8Array([7]), thaw: (given) => [given[0]] } });
    expect(bytes.get(bytes.put([{}]))).toEqual([[7]]);
  });

  it.each([5, 'x', null, undefined, true, (): number => 1])('refuses to send %s, which is no object', (record) => {
    expect(() => new ReferenceFilter().put([record as unknown as object])).toThrow(expect.objectContaining({
      code: 'ERR_PREFORK_FILTER', message: expect.stringContaining('it takes objects and arrays.') as string,
    }));
  });

  it.each([
    new Map([['a', 1]]), new Set([1]), new Error('lost'), new URLSearchParams('a=1'), new Uint8Array([65]), new ArrayBuffer(2),
    Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }),
  ])('refuses to send %s as JSON, which would keep nothing of it', (record) => {
    expect(() => new ReferenceFilter().put([record])).toThrow(expect.objectContaining({
      code: 'ERR_PREFORK_FILTER', message: expect.stringMatching(/JSON keeps nothing of \[object \w+\]; put a plain object, or give Serializer: 'v8'/) as string,
    }));
  });

  it('sends as JSON what is empty, and what says itself what JSON keeps of it', () => {
    const records = [{}, [], Object.create({}) as object, Object.create(null) as object, Buffer.from('A'), Object.assign(new Map(), { toJSON: () => ({}) }),
      Object.assign(new Error('lost'), { toJSON: () => ({ message: 'kept' }) })];

    const filter = new ReferenceFilter();
    expect(filter.get(filter.put(records))).toEqual([{}, [], {}, {}, { type: 'Buffer', data: [65] }, {}, { message: 'kept' }]);
  });

  it.each(['json', 'v8'] as const)('refuses to send a promise with %s, whose failure ends nothing', (Serializer) => {
    const failing = Promise.reject(new Error('of a query'));

    expect(() => new ReferenceFilter({ Serializer }).put([failing])).toThrow('ReferenceFilter cannot send a promise, which is not waited for; it takes objects and arrays.');
  });

  it('refuses to send what its serializer cannot take', () => {
    const cycle: { self?: object } = {};
    cycle.self = cycle;

    for (const record of [cycle, [1n], new Date(0), { toJSON: () => undefined }]) {
      expect(() => new ReferenceFilter().put([record])).toThrow(expect.objectContaining({ code: 'ERR_PREFORK_FILTER', cause: expect.any(TypeError) as Error }));
    }
    const failing = new ReferenceFilter({ Serializer: {
      freeze: () => {
        // eslint-disable-next-line @typescript-eslint/only-throw-error -- what users throw may be anything
        throw 'a text';
      },
      thaw: String,
    } });
    expect(() => failing.put([{}])).toThrow('ReferenceFilter cannot send an object: a text');
  });

  it.each([['{', 'A body is not a serialized object: '], ['5', 'but a number'], ['"x"', 'but a string'], ['null', 'but a null'], ['', 'not a serialized object']])('throws for the body %j and goes on with the next', (body, problem) => {
    const filter = new ReferenceFilter();
    filter.get_one_start([frame(body), frame('[1]')]);

    expect(() => filter.get_one()).toThrow(expect.objectContaining({ code: 'ERR_PREFORK_BAD_RECORD', message: expect.stringContaining(problem) as string }));
    expect(filter.get_one()).toEqual([[1]]);
  });

  it('makes a record of the error with NoFatals', () => {
    const filter = new ReferenceFilter<object | string>({ NoFatals: true, Compression: true });

    expect(filter.get([frame('not compressed'), frame(deflateSync('5')), frame(deflateSync('[1]'))])).toEqual([
      expect.stringContaining('A body is not a serialized object: ') as string, 'A body is not a serialized object but a number.', [1],
    ]);
  });

  it('throws for a bad header, also with NoFatals', () => {
    expect(() => new ReferenceFilter({ NoFatals: 1 }).get(['x'])).toThrow(expect.objectContaining({ code: 'ERR_PREFORK_BAD_RECORD' }));
  });

  it('does not inflate more than MaxLength', () => {
    const bomb = frame(deflateSync(Buffer.alloc(100_000, ' ')));
    const filter = new ReferenceFilter({ Compression: true, MaxLength: 1000 });

    expect(bomb.length).toBeLessThan(1000);
    expect(() => filter.get([bomb])).toThrow(expect.objectContaining({ code: 'ERR_PREFORK_RECORD_TOO_LONG' }));
    expect(filter.get([frame(deflateSync('[1]'))])).toEqual([[1]]);
    expect(new ReferenceFilter({ Compression: true, MaxLength: 1000, NoFatals: 1 }).get([bomb])).toEqual(['A body inflates to more than MaxLength (1000 bytes).']);
  });

  it('inflates 1 MiB by default and no more', () => {
    const json = (length: number): Buffer => frame(deflateSync(`["${'x'.repeat(length - 4)}"]`));

    expect(new ReferenceFilter({ Compression: true }).get([json(2 ** 20)])).toHaveLength(1);
    expect(() => new ReferenceFilter({ Compression: true }).get([json(2 ** 20 + 1)])).toThrow('more than MaxLength');
  });

  it('discards a frame longer than MaxLength and goes on with the next', () => {
    const filter = new ReferenceFilter({ MaxLength: 4 });

    expect(() => filter.get([frame('[1234]'), frame('[1]')])).toThrow(expect.objectContaining({ code: 'ERR_PREFORK_RECORD_TOO_LONG' }));
    expect(filter.get([])).toEqual([[1]]);
  });

  it.each([
    [{ Serializer: 'Storable' }, "Serializer must be 'json', 'v8' or an object with freeze and thaw, not \"Storable\"."],
    [{ Serializer: {} }, 'Serializer must be'],
    [{ Serializer: null }, 'Serializer must be'],
    [{ Serializer: { freeze: String } }, 'Serializer must be'],
    [{ Compression: 'yes' }, 'Compression must be true, false, 1 or 0'],
    [{ NoFatals: 2 }, 'NoFatals must be true, false, 1 or 0'],
    [{ MaxBuffer: 0 }, 'MaxBuffer must be a whole number above 0'],
    [{ MaxLength: 10, MaxBuffer: 9 }, 'MaxLength (10) must not exceed MaxBuffer (9)'],
    ['json', 'they must be one object, not "json".'],
  ])('refuses the parameters %j', (parameters, problem) => {
    expect(() => new ReferenceFilter(parameters as ReferenceParameters)).toThrow(expect.objectContaining({
      code: 'ERR_PREFORK_FILTER', message: expect.stringContaining(problem) as string,
    }));
  });
});
