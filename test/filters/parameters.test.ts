import { Buffer } from 'node:buffer';
import { describe, expect, it } from 'vitest';
import { callback, flag, list, oneOf, positive } from '../../src/checks.js';
import {
  bufferFull, checkParameters, literal, outputBytes, parameterError, recordError, regexp,
} from '../../src/filters/parameters.js';

describe('checkParameters', () => {
  it('takes no parameters, and undefined for any', () => {
    expect(() => checkParameters('F', undefined, {})).not.toThrow();
    expect(() => checkParameters('F', { A: undefined }, { A: positive })).not.toThrow();
  });

  it.each([null, 'x', ['MaxLength', 1], 5])('refuses %j, which is no object', (given) => {
    expect(() => checkParameters('F', given, {})).toThrow('The parameters of F cannot be used: they must be one object');
  });

  it('lists every problem, with the nearest known name', () => {
    expect(() => checkParameters('F', { Size: 0, Code: 1, Sise: 1, Other: 1 }, { Size: positive, Code: callback })).toThrow(
      'Size must be a whole number above 0, not 0. Code must be a function, not 1. Sise is not an option; did you mean Size? Other is not an option.',
    );
  });

  it('refuses what is inherited, which a clone would not have', () => {
    expect(() => checkParameters('F', Object.create({ Size: 1, other: 1 }), { Size: positive })).toThrow(
      'The parameters of F cannot be used: Size must be a property of the object itself; it is one of its prototype.',
    );
  });

  it('looks for contradictions when each parameter is right', () => {
    const contradictions = (): string[] => ['A contradicts B.'];

    expect(() => checkParameters('F', { A: 1 }, { A: positive }, contradictions)).toThrow('A contradicts B.');
    expect(() => checkParameters('F', { A: 0 }, { A: positive }, contradictions)).not.toThrow('A contradicts B.');
  });
});

describe('the checks', () => {
  it.each([
    ['positive', positive, [1, 2 ** 40], [0, -1, 1.5, Infinity, '1', 1n]],
    ['flag', flag, [true, false, 0, 1], [2, 'yes', null]],
    ['callback', callback, [() => 1], [{}, 'x']],
    ['literal', literal, ['', Buffer.from('')], [1, []]],
    ['regexp', regexp, [/x/], ['x']],
    ['list', list, [[]], [{}]],
    ['oneOf', oneOf('a', 'b'), ['a', 'b'], ['c', 1]],
  ])('%s takes what it should', (_name, check, right, wrong) => {
    expect(right.map((value) => check(value))).toEqual(right.map(() => undefined));
    expect(wrong.map((value) => check(value))).toEqual(wrong.map(() => expect.stringMatching(/^must be /) as string));
  });
});

describe('the errors', () => {
  it('have stable codes', () => {
    expect([parameterError('F', ['x']).code, recordError('F', 1, 'x').code, bufferFull('F', 1).code])
      .toEqual(['ERR_PREFORK_FILTER', 'ERR_PREFORK_FILTER', 'ERR_PREFORK_BUFFER_FULL']);
  });
});

describe('outputBytes', () => {
  it('takes strings as UTF-8, and bytes without a copy', () => {
    const bytes = new Uint8Array([1, 2, 3]).subarray(1);

    expect(outputBytes('F', 'é')).toEqual(Buffer.from('é'));
    expect(outputBytes('F', bytes)).toEqual(Buffer.from([2, 3]));
    expect(outputBytes('F', bytes).buffer).toBe(bytes.buffer);
  });

  it.each([undefined, 5, {}])('refuses %j', (record) => {
    expect(() => outputBytes('F', record)).toThrow('it takes Buffers and strings.');
  });
});
