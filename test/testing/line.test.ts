import { describe, expect, it } from 'vitest';
import { decode, encode } from '../../src/testing/line.js';

describe('what processes of a pool and their test say to each other', () => {
  it('carries infinite numbers, which JSON does not', () => {
    expect(decode(encode({ a: [Infinity, -Infinity, NaN, 1] }))).toEqual({ a: [Infinity, -Infinity, NaN, 1] });
  });

  it('carries errors with their name, code and cause', () => {
    const error = Object.assign(new TypeError('no', { cause: Object.assign(new Error('deep'), { code: 'EPIPE' }) }), { code: 'ERR_X' });

    const received = (decode(encode({ error })) as { error: Error }).error;

    expect(received).toBeInstanceOf(Error);
    expect(received).toMatchObject({ name: 'TypeError', message: 'no', code: 'ERR_X', stack: error.stack, cause: { message: 'deep', code: 'EPIPE' } });
  });
});
