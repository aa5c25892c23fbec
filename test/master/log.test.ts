import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { describe, expect, it } from 'vitest';
import { publishWorkers } from '../../src/master/diagnostics.js';
import { logTo } from '../../src/master/log.js';

const BORN = { pid: 7, id: 1 };

describe('a Logger', () => {
  it('gets events as (object, message), an error under err, a pid under a name that loggers do not use themselves, and nothing for those that are no news', () => {
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

  it('may do without debug', () => {
    const ignore = (): void => undefined;

    expect(() => { logTo({ info: ignore, warn: ignore, error: ignore }, 'echo')({ name: 'worker:born', detail: BORN }); }).not.toThrow();
  });
});

describe('the global console as a Logger', () => {
  it('does not end the master when the reader of its output has gone', () => {
    logTo(console, 'echo');
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
