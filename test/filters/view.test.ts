import { Buffer } from 'node:buffer';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { Window } from '../../src/filters/view.js';

const memory = Buffer.from('-abcdef-');
const window = new Window(memory.buffer, memory.byteOffset + 1, 6);
const PLACES = [undefined, -Infinity, -7, -6, -2, -1, -0, 0, 0.5, 1, 2.9, 3, 5, 6, 7, 2 ** 31, 2 ** 32 + 1, Infinity, NaN, null, '2', '', true, {}] as (number | undefined)[];

describe('Window', () => {
  it('has the subarray of a Buffer, for whatever places', () => {
    const plain = Buffer.from('abcdef');

    for (const start of PLACES) {
      for (const end of PLACES) {
        expect({ start, end, part: window.subarray(start, end) }).toStrictEqual({ start, end, part: plain.subarray(start, end) });
      }
    }
    expect(window.subarray()).toStrictEqual(plain);
  });

  it('shares its memory with its parts, which are plain Buffers', () => {
    const part = window.subarray(2, 4);

    expect(part.buffer).toBe(memory.buffer);
    expect(part.byteOffset).toBe(memory.byteOffset + 3);
    expect(Object.getPrototypeOf(part)).toBe(Buffer.prototype);
  });

  it('is a Buffer to Node and to who prints it', () => {
    expect(Buffer.isBuffer(window)).toBe(true);
    expect(inspect(window)).toBe('<Buffer 61 62 63 64 65 66>');
    expect(window.equals(Buffer.from('abcdef'))).toBe(true);
    expect(Buffer.concat([window, window]).toString()).toBe('abcdefabcdef');
  });
});
