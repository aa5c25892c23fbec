import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { runInNewContext } from 'node:vm';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { PreforkError } from '../../src/errors.js';
import { publishWorkers } from '../../src/master/diagnostics.js';
import { logTo } from '../../src/master/log.js';
import type { Logger } from '../../src/options/options.js';
import { turn } from '../support/manual-clock.js';
import { Markdown } from '../support/markdown.js';

const BORN = { pid: 7, id: 1 };

afterEach(() => { vi.restoreAllMocks(); });

describe('a Logger', () => {
  it('gets events as (object, message), an error under err, a pid under a name that loggers do not use themselves, and nothing for those that are not news', () => {
    const lines: [string, object, string][] = [];
    const level = (name: string) => (fields: object, text: string): void => { lines.push([name, fields, text]); };
    const observe = logTo({ info: level('info'), warn: level('warn'), error: level('error'), debug: level('debug') }, 'echo');
    const error = new Error('no');
    observe({ name: 'worker:born', detail: BORN });
    observe({ name: 'worker:error', detail: { ...BORN, where: 'ClientInput', error } });
    observe({ name: 'upgrade:done', detail: { pid: 8 } });
    observe({ name: 'listening', detail: '/run/x' });
    observe({ name: 'error', detail: error });
    observe({ name: 'status', detail: undefined });

    expect(lines).toEqual([
      ['debug', { server: 'echo', event: 'worker:born', worker: 7, id: 1 }, 'Worker 7 was forked.'],
      ['error', { server: 'echo', event: 'worker:error', worker: 7, id: 1, where: 'ClientInput', err: error }, 'Worker 7, ClientInput: no'],
      ['info', { server: 'echo', event: 'upgrade:done', successor: 8 }, expect.any(String)],
      ['info', { server: 'echo', event: 'listening', address: '/run/x' }, 'Listening on /run/x.'],
      ['error', { server: 'echo', event: 'error', err: error }, 'no'],
    ]);
  });

  it.each([
    ['throws', (): void => { throw new Error('the worker has exited'); }],
    ['rejects', async (): Promise<void> => Promise.reject(new Error('the worker has exited'))],
  ])('that %s costs what it was given, and is spoken of once', async (_title, method) => {
    const warnings = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    const ignore = (): void => undefined;
    const observe = logTo({ info: ignore, warn: ignore, error: method }, 'echo');

    observe({ name: 'error', detail: new Error('no') });
    observe({ name: 'error', detail: new Error('no') });
    await turn();

    expect(warnings.mock.calls).toEqual([['The Logger of echo failed, and what it does not write is lost: the worker has exited', { code: 'PREFORK_LOGGER' }]]);
  });

  it('may do without debug', () => {
    const ignore = (): void => undefined;

    expect(() => { logTo({ info: ignore, warn: ignore, error: ignore }, 'echo')({ name: 'worker:born', detail: BORN }); }).not.toThrow();
  });
});

describe('the Logger for JSON that examples/README.md has', () => {
  it('writes one line for each event, with the stack of an error, and none while nothing reads them', () => {
    const code = new Markdown('examples/README.md').codeBlocks.find(({ heading }) => heading === 'Watching a pool')?.code ?? '';
    const lines: string[] = [];
    const stdout = { writableLength: 0 };
    const logger = runInNewContext(`${code}; Logger`, { console: { log: (line: string) => { lines.push(line); } }, process: { stdout } }) as Logger;
    const observe = logTo(logger, 'echo');

    observe({ name: 'worker:error', detail: { ...BORN, where: 'ClientInput', error: new PreforkError('ERR_PREFORK_FILTER', 'no') } });
    observe({ name: 'listening', detail: '/run/x' });
    stdout.writableLength = 2 ** 20 + 1;
    observe({ name: 'listening', detail: '/run/y' });

    expect(lines.map((line) => JSON.parse(line) as object)).toEqual([
      {
        time: expect.any(String) as string, level: 'error', message: 'Worker 7, ClientInput: no', server: 'echo', event: 'worker:error', worker: 7, id: 1, where: 'ClientInput',
        code: 'ERR_PREFORK_FILTER', stack: expect.stringContaining('log.test.ts') as string,
      },
      { time: expect.any(String) as string, level: 'info', message: 'Listening on /run/x.', server: 'echo', event: 'listening', address: '/run/x' },
    ]);
  });
});

describe('the global console as a Logger', () => {
  it('gets no more while nothing reads what it wrote, and then how many events that were', () => {
    const lines: unknown[] = [];
    for (const level of ['info', 'error'] as const) vi.spyOn(console, level).mockImplementation((...args: unknown[]) => { lines.push([level, ...args]); });
    const waiting = vi.spyOn(process.stdout, 'writableLength', 'get');
    const observe = logTo(console, 'echo');
    const ready = (): void => { observe({ name: 'worker:ready', detail: { ...BORN, after: 1 } }); };

    waiting.mockReturnValue(2 ** 20 + 1);
    ready();
    ready();
    expect(lines).toEqual([]);
    waiting.mockReturnValue(0);
    ready();
    ready();

    expect(lines).toMatchObject([
      ['info', { server: 'echo', event: 'lost', lost: 2 }, "2 events before this one were not logged: nothing read this program's output."],
      ['info', { event: 'worker:ready' }, expect.any(String)], ['info', { event: 'worker:ready' }, expect.any(String)],
    ]);
  });

  it('gets errors while only its other stream is not read', () => {
    const error = vi.spyOn(console, 'error').mockReturnValue();
    vi.spyOn(process.stdout, 'writableLength', 'get').mockReturnValue(Infinity);

    logTo(console, 'echo')({ name: 'error', detail: new Error('no') });

    expect(error).toHaveBeenCalledOnce();
  });

  it.each<[string, Logger]>([
    ['the console', console], ['another logger', { info: vi.fn(), warn: vi.fn(), error: vi.fn() }],
  ])('does not end the master when the reader of its output has gone: %s', (_title, logger) => {
    for (const stream of [process.stdout, process.stderr]) stream.removeAllListeners('error');
    logTo(logger, 'echo');
    const listeners = process.stdout.listenerCount('error');
    logTo(console, 'another');

    expect(process.stdout.listenerCount('error')).toBe(listeners);
    for (const stream of [process.stdout, process.stderr]) expect(() => stream.emit('error', new Error('write EPIPE'))).not.toThrow();
  });
});

describe('diagnostics_channel', () => {
  it('has the lives of workers', () => {
    const seen: unknown[] = [];
    const note = (message: unknown): void => { seen.push(message); };
    const published = publishWorkers('echo');
    subscribe('prefork:worker:born', note);
    published({ name: 'worker:born', detail: BORN });
    published({ name: 'status', detail: undefined });
    unsubscribe('prefork:worker:born', note);
    published({ name: 'worker:born', detail: BORN });

    expect(seen).toEqual([{ server: 'echo', ...BORN }]);
  });
});
