import { describe, expect, it } from 'vitest';
import { checkCount, checkedEvent, checkOptions, checkWait } from '../src/calls.js';

const refusal = (message: RegExp): unknown => expect.objectContaining({ code: 'ERR_PREFORK_STATE', message: expect.stringMatching(message) as string });

describe('the options of a call', () => {
  it.each<[Parameters<typeof checkOptions>[0], unknown, RegExp]>([
    ['reload', { Settle: 1 }, /^The options of reload\(\) cannot be used: Settle is not an option; did you mean settle\?$/],
    ['reload', { settle: '5', check: 5 }, /settle must be a finite number of seconds, not "5"\. check must be a function, not 5\.$/],
    ['reload', { settle: Infinity }, /settle must be a finite number of seconds, not Infinity/],
    ['reload', null, /they must be one object, not null\.$/],
    ['upgrade', { timeout: 0 }, /timeout must be a number of seconds above 0, not 0/],
    ['upgrade', { execArgv: '--no-warnings', args: [8080], execPath: '' }, /execArgv must be an array of strings.* args must be an array of strings.* execPath must be a text/],
    ['shutdown', { grace: -1 }, /grace must be a number of seconds, not -1/],
    ['shutdown', 5, /they must be one object, not 5\.$/],
    ['ask', { timeout: NaN }, /timeout must be a number of seconds, not NaN/],
    ['shutdown', Object.create({ grace: -1 }), /grace must be a number of seconds, not -1/],
  ])('are checked before it begins: %s(%j)', (call, given, message) => {
    expect(() => { checkOptions(call, given as object); }).toThrow(refusal(message));
  });

  it.each<[Parameters<typeof checkOptions>[0], unknown]>([
    ['reload', {}], ['reload', { settle: 0, timeout: Infinity, check: undefined }], ['upgrade', { timeout: 0.5, execArgv: [], args: ['8080'], execPath: '/usr/bin/node' }],
    ['shutdown', { grace: Infinity }], ['shutdown', 'SIGTERM'], ['ask', { timeout: 0 }],
  ])('are taken: %s(%j)', (call, given) => {
    expect(() => { checkOptions(call, given as object); }).not.toThrow();
  });

  it('are taken from what an object inherits, too', () => {
    expect(checkOptions('shutdown', Object.create({ grace: 5 }) as { grace: number }).grace).toBe(5);
  });

  it('refuses what is not a number of workers', () => {
    expect(() => { checkCount('born', 1.5); }).toThrow(refusal(/^born\(\) was given 1\.5; it takes a number of workers\.$/));
  });
});

describe('waitUntil', () => {
  it.each<[unknown, unknown, RegExp]>([
    [5, {}, /^waitUntil\(\) was given 5 as its predicate, which must be a function\.$/],
    [class Ready { isIt = true; }, {}, /was given the class Ready as its predicate, which is a class/],
    [() => true, { signal: 5 }, /^The options of waitUntil\(\) cannot be used: signal must be an AbortSignal, not 5\.$/],
    [() => true, { timeout: 5 }, /timeout is not an option/],
    [() => true, null, /they must be one object, not null/],
  ])('refuses the predicate %s with %j', (predicate, options, message) => {
    expect(() => checkWait(predicate, options as object)).toThrow(refusal(message));
  });

  it('takes a function, and a signal', () => {
    const { signal } = new AbortController();

    expect([checkWait(() => true, {}), checkWait(() => true, { signal })]).toEqual([undefined, signal]);
  });
});

describe('a listener', () => {
  it.each<[unknown, unknown, RegExp]>([
    ['worker:exits', () => undefined, /^on\(\) was given "worker:exits", which is not an event; did you mean worker:exit\?$/],
    ['nope', () => undefined, /^on\(\) was given "nope", which is not an event; there are listening, error, .*upgrade:failed\.$/],
    [undefined, () => undefined, /^on\(\) was given undefined, which is not an event/],
    ['constructor', () => undefined, /"constructor", which is not an event/],
    ['error', 5, /^on\('error'\) was given 5 as its listener; it takes a function\.$/],
  ])('of %s is refused, as %s', (name, listener, message) => {
    expect(() => checkedEvent('on', name, listener)).toThrow(refusal(message));
  });

  it('of an event is taken', () => {
    expect(checkedEvent('once', 'worker:exit', () => undefined)).toBe('worker:exit');
  });
});
