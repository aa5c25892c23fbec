import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { onRefusal } from '../../src/master/hear-message.js';
import { Outbox } from '../../src/master/outbox.js';
import { UnheardErrors } from '../../src/master/unheard.js';
import type { WorkerMessageEvent } from '../../src/server-events.js';
import { ManualClock, turn } from '../support/manual-clock.js';

const BORN = { pid: 7, id: 1 };
const FAILED = { ...BORN, where: 'ClientInput', error: new Error('no') };

/** An outbox, and in what order who heard what. */
class Heard {
  readonly clock = new ManualClock();
  readonly stderr: string[] = [];
  readonly order: string[] = [];
  readonly outbox = new Outbox(this.clock, new UnheardErrors(this.clock, (text) => { this.stderr.push(text); }));

  noting = (who: string) => ({ name }: { readonly name: string }): void => { this.order.push(`${who} ${name}`); };
}

describe('Outbox', () => {
  it('shows an event to observers at once, then to the log, then to the listeners', async () => {
    const { outbox, noting, order } = new Heard();
    outbox.events.on('worker:born', () => { order.push('listener worker:born'); });
    outbox.setLog(noting('log'));
    outbox.observe(noting('one'));
    outbox.observe(noting('other'));

    outbox.emit('worker:born', BORN);
    expect(order).toEqual(['one worker:born', 'other worker:born']);
    await turn();

    expect(order.slice(2)).toEqual(['log worker:born', 'listener worker:born']);
  });

  it('does not take observers and the log for listeners', () => {
    const { outbox, noting } = new Heard();
    outbox.observe(noting('observer'), { status: true });
    outbox.setLog(noting('log'));

    expect([outbox.isHeard('worker:born'), outbox.isHeard('status'), outbox.isHeard('error')]).toEqual([false, false, false]);
  });

  it('follows the status for those observers that ask, once a turn however much changes', async () => {
    const { clock, outbox, noting, order } = new Heard();
    outbox.observe(noting('modest'));
    outbox.emit('status');
    clock.advance(0);
    await turn();
    expect(order).toEqual([]);

    outbox.observe(noting('curious'), { status: true });
    for (let change = 0; change < 3; change++) outbox.emit('status');
    clock.advance(0);
    await turn();

    expect(order.filter((line) => line.startsWith('curious'))).toEqual(['curious status']);
  });

  it('writes errors that have neither a listener nor a log to standard error, and no others', async () => {
    const silent = new Heard();
    silent.outbox.emit('worker:error', FAILED);
    await turn();
    expect(silent.stderr.join('')).toContain('no');

    const logged = new Heard();
    logged.outbox.setLog(logged.noting('log'));
    logged.outbox.emit('worker:error', FAILED);
    await turn();
    expect([logged.stderr, logged.order]).toEqual([[], ['log worker:error']]);

    const heard = new Heard();
    heard.outbox.events.on('worker:error', () => { heard.order.push('listener'); });
    heard.outbox.emit('worker:error', FAILED);
    await turn();
    expect([heard.stderr, heard.order]).toEqual([[], ['listener']]);
  });

  it('loses no event because a log throws: that is an uncaught exception of its own', async () => {
    const { outbox, order } = new Heard();
    const thrown: unknown[] = [];
    const others = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    process.once('uncaughtException', (error) => { thrown.push(error); });
    try {
      outbox.setLog(() => { throw new Error('the log is broken'); });
      outbox.events.on('worker:born', () => { order.push('listener'); });
      outbox.emit('worker:born', BORN);
      await turn();
    } finally {
      process.removeAllListeners('uncaughtException');
      for (const other of others) process.on('uncaughtException', other);
    }

    expect([thrown.map(String), order]).toEqual([['Error: the log is broken'], ['listener']]);
  });

  it('delivers also when the program has put fakes in the place of timers and microtasks', async () => {
    const { outbox, order } = new Heard();
    outbox.events.on('worker:born', () => { order.push('listener'); });
    vi.useFakeTimers({ toFake: ['queueMicrotask', 'setTimeout'] });
    onTestFinished(() => { vi.useRealTimers(); });

    outbox.emit('worker:born', BORN);
    await turn();

    expect(order).toEqual(['listener']);
  });

  it('contains what listeners of worker:message throw or reject with: it is the fault of this message alone, and each listener hears it', async () => {
    const { outbox, order } = new Heard();
    const refused: string[] = [];
    outbox.events.on('worker:error', ({ pid, where, error }) => { order.push(`${pid} ${where}: ${error.message}`); });
    outbox.events.once('worker:message', () => { throw new Error('at once'); });
    const later = ({ message }: WorkerMessageEvent): unknown => (message === 'first' ? Promise.reject(new Error('later')) : undefined);
    outbox.events.on('worker:message', later);
    outbox.events.on('worker:message', ({ message }) => { order.push(`heard ${String(message)}`); });

    for (const message of ['first', 'second']) outbox.emit('worker:message', onRefusal({ ...BORN, message, answer: () => false }, (why) => { refused.push(why); }));
    await turn();

    expect(order.toSorted()).toEqual(['7 worker:message: at once', '7 worker:message: later', 'heard first', 'heard second']);
    expect(refused).toEqual(["the master's listener for worker:message failed: at once", "the master's listener for worker:message failed: later"]);
  });

  it("calls listeners and the log in the async context that the server was made in, whosever call caused the event", async () => {
    const storage = new AsyncLocalStorage<string>();
    const { clock, outbox } = storage.run('program', () => new Heard());
    const seen: unknown[] = [];
    const note = ({ name }: { readonly name: string }): void => { seen.push([name, storage.getStore()]); };
    outbox.setLog(note);
    outbox.events.on('worker:born', () => { note({ name: 'listener' }); });
    outbox.events.on('status', () => { note({ name: 'status' }); });

    storage.run('request', () => {
      outbox.emit('worker:born', BORN);
      outbox.emit('status');
      outbox.run(() => { note({ name: 'callback' }); });
      clock.advance(0);
    });
    await turn();

    expect(seen).toEqual(['status', 'worker:born', 'listener', 'callback'].map((name) => [name, 'program']));
  });
});
