import { describe, expect, it } from 'vitest';
import { inWords, type PoolEvent } from '../src/pool-event.js';

const exit = { pid: 7, id: 1, code: 1, signal: null, reason: 'crashed', text: 'exit code 1: its program ended', connections: 2, served: 9 } as const;

describe('events in words', () => {
  it.each([
    [{ name: 'listening', detail: '/run/x' }, 'info', 'Listening on /run/x.'],
    [{ name: 'listening', detail: { address: '::', family: 'IPv6', port: 80 } }, 'info', 'Listening on [::]:80.'],
    [{ name: 'worker:born', detail: { pid: 7, id: 1 } }, 'debug', 'Worker 7 was forked.'],
    [{ name: 'worker:ready', detail: { pid: 7, id: 1, after: 0.123 } }, 'info', 'Worker 7 is ready after 0.1 s.'],
    [{ name: 'worker:drain', detail: { pid: 7, id: 1, reason: 'surplus', connections: 1 } }, 'info', 'Worker 7 drains (surplus) with 1 client.'],
    [{ name: 'worker:exit', detail: exit }, 'warn', 'Worker 7 has gone: exit code 1: its program ended. It had 2 clients.'],
    [{ name: 'worker:exit', detail: { ...exit, reason: 'surplus', text: 'exit code 0', connections: 0 } }, 'info', 'Worker 7 has gone: exit code 0.'],
    [{ name: 'worker:error', detail: { pid: 7, id: 1, where: 'ClientInput', error: new Error('no') } }, 'error', 'Worker 7, ClientInput: no'],
    [{ name: 'worker:hung', detail: { pid: 7, id: 1, blockedFor: 2.04, stack: [] } }, 'warn', 'Worker 7 has been blocked for 2.0 s.'],
    [{ name: 'worker:hung', detail: { pid: 7, id: 1, blockedFor: 2.04, stack: [{ functionName: '', url: 'a.js', line: 3, column: 1 }] } }, 'warn', 'Worker 7 has been blocked for 2.0 s in a function (a.js:3).'],
    [{ name: 'reload:start', detail: { release: 2, script: '/srv/b.mjs' } }, 'info', 'Release 2 is tried: /srv/b.mjs.'],
    [{ name: 'reload:canary', detail: { release: 2, script: '/srv/b.mjs', pid: 7, id: 1 } }, 'debug', 'Worker 7 is the first of release 2.'],
    [
      { name: 'reload:done', detail: { release: 2, script: '/srv/b.mjs', replaced: 4, draining: 1, adopted: [], needsUpgrade: ['Port'], seconds: 3 } },
      'info', 'Release 2 serves: 4 workers were replaced, 1 of them still drain. Only a new master would change Port.',
    ],
    [{ name: 'reload:failed', detail: { release: 2, error: new Error('it throws') } }, 'error', 'Release 2 was not accepted: it throws'],
    [{ name: 'error', detail: new Error('cannot listen') }, 'error', 'cannot listen'],
  ] as const)('%j', (event, level, text) => {
    expect(inWords(event as PoolEvent)).toEqual({ level, text });
  });
});
