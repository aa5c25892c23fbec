import { describe, expect, it } from 'vitest';
import { checkCount, checkOptions } from '../src/calls.js';

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
  ])('are checked before it begins: %s(%j)', (call, given, message) => {
    expect(() => { checkOptions(call, given as object); }).toThrow(refusal(message));
  });

  it.each<[Parameters<typeof checkOptions>[0], unknown]>([
    ['reload', {}], ['reload', { settle: 0, timeout: Infinity, check: undefined }], ['upgrade', { timeout: 0.5, execArgv: [], args: ['8080'], execPath: '/usr/bin/node' }],
    ['shutdown', { grace: Infinity }], ['shutdown', 'SIGTERM'], ['ask', { timeout: 0 }],
  ])('are taken: %s(%j)', (call, given) => {
    expect(() => { checkOptions(call, given as object); }).not.toThrow();
  });

  it('refuses what is no number of workers', () => {
    expect(() => { checkCount('born', 1.5); }).toThrow(refusal(/^born\(\) was given 1\.5; it takes a number of workers\.$/));
  });
});
