import { Buffer } from 'node:buffer';
import { describe, expect, it } from 'vitest';
import { resolveLineParameters } from '../../src/filters/line-parameters.js';

describe('resolveLineParameters', () => {
  it.each([
    [{ Literal: '' }, 'Literal must not be empty: lines would have no end.'],
    [{ Literal: 'a', InputLiteral: 'b' }, 'Literal and InputLiteral exclude each other; give one of them.'],
    [{ Literal: 'a', InputRegexp: /b/ }, 'Literal and InputRegexp exclude each other'],
    [{ Literal: 'a', OutputLiteral: 'b' }, 'Literal and OutputLiteral exclude each other'],
    [{ InputRegexp: /a/, InputLiteral: 'b' }, 'InputRegexp and InputLiteral exclude each other'],
    [{ InputRegexp: /a/, InputLiteral: undefined }, 'InputRegexp and InputLiteral exclude each other'],
    [{ MaxLength: 0 }, 'MaxLength must be a whole number above 0, not 0.'],
    [{ MaxLength: '12' }, 'MaxLength must be a whole number above 0, not "12".'],
    [{ MaxBuffer: 1.5 }, 'MaxBuffer must be a whole number above 0, not 1.5.'],
    [{ MaxLength: 10, MaxBuffer: 9 }, 'MaxLength (10) must not exceed MaxBuffer (9); lower the first or raise the second.'],
    [{ InputLiteral: 7 }, 'InputLiteral must be a string or a Buffer, not 7.'],
    [{ InputRegexp: /a$/ }, 'InputRegexp (/a$/) must not have $: it could not find the same records however the input is cut.'],
    [{ InputRegexp: '\n' }, 'InputRegexp must be a RegExp, not "\\n".'],
    [{ Encoding: 'utf16' }, "Encoding must be 'utf8' or 'latin1' or 'buffer', not \"utf16\"."],
    [{ Encoding: 'latin1', Literal: 'Ċ' }, "a literal has characters above U+00FF, which Encoding 'latin1' does not have."],
    [{ Maxlength: 1 }, 'Maxlength is not an option; did you mean MaxLength?'],
    ['\n', 'they must be one object, not "\\n".'],
  ])('refuses %j', (given, problem) => {
    expect(() => resolveLineParameters(given as object)).toThrow(expect.objectContaining({
      code: 'ERR_PREFORK_FILTER', message: expect.stringContaining(problem) as string,
    }));
  });

  it('says everything that is wrong at once', () => {
    expect(() => resolveLineParameters({ MaxLength: 0, MaxBuffer: -1 })).toThrow(/MaxLength.*MaxBuffer/);
  });

  it('limits lines to 64 KiB and waiting bytes to 1 MiB by default', () => {
    expect(resolveLineParameters()).toMatchObject({ encoding: 'utf8', maxLength: 65_536, maxWaiting: 1_048_576, output: Buffer.from('\r\n') });
  });

  it('fits the limit that was not given to the other', () => {
    expect(resolveLineParameters({ MaxBuffer: 1000 }).maxLength).toBe(1000);
    expect(resolveLineParameters({ MaxLength: 2 ** 21 }).maxWaiting).toBe(2 ** 21);
  });

  it('takes Literal for both directions, as bytes of Encoding', () => {
    expect(resolveLineParameters({ Literal: 'é', Encoding: 'latin1' }).output).toEqual(Buffer.from([0xe9]));
    expect(resolveLineParameters({ Literal: 'é' }).output).toEqual(Buffer.from('é'));
    expect(resolveLineParameters({ Literal: new Uint8Array([0]) }).output).toEqual(Buffer.from([0]));
  });
});
