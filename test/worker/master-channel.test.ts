import { describe, expect, it, onTestFinished } from 'vitest';
import { processChannel } from '../../src/worker/master-channel.js';
import { turn } from '../support/manual-clock.js';

type Emit = (...event: unknown[]) => boolean;

const order = (type: string): object => ({ 'prefork-tcp-server': { type, token: 'ours' } });

type Listener = (...given: unknown[]) => void;

const addedTo = (event: string, before: ReadonlySet<unknown>): Listener[] => process.rawListeners(event).filter((listener) => !before.has(listener)) as Listener[];

/** This process as it was before, after the test. */
function restoreProcess(): void {
  const emit = Object.getOwnPropertyDescriptor(process, 'emit');
  const events = ['message', 'disconnect', 'removeListener'];
  const listeners = new Set(events.flatMap((event) => process.rawListeners(event)));
  const connected = Object.getOwnPropertyDescriptor(process, 'connected');
  onTestFinished(() => {
    Reflect.deleteProperty(process, 'emit');
    if (emit !== undefined) Object.defineProperty(process, 'emit', emit);
    if (connected === undefined) Reflect.deleteProperty(process, 'connected');
    else Object.defineProperty(process, 'connected', connected);
    // What watches over the others goes first.
    for (const event of events.reverse()) for (const listener of addedTo(event, listeners)) process.off(event, listener);
  });
}

describe('the line to the master', () => {
  it("keeps its orders from the program's listeners, also when the process gets another emit later, and that one back", () => {
    restoreProcess();
    const orders: string[] = [];
    const heard: unknown[] = [];
    const passed: unknown[] = [];
    processChannel('ours').onOrder(({ type }) => { orders.push(type); });
    process.on('message', (message) => { heard.push(message); });
    const target = process as { emit: Emit };
    const say = (message: unknown): boolean => target.emit('message', message, undefined);

    say(order('withdraw'));
    const before = target.emit;
    target.emit = (...event) => {
      passed.push(event[1]);
      return Reflect.apply(before, process, event);
    };
    say(order('probe'));
    say('mine');
    target.emit = before;
    say(order('pause'));
    say('still mine');

    expect(target.emit).toBe(before);
    expect(orders).toEqual(['withdraw', 'probe', 'pause']);
    expect(heard).toEqual(['mine', 'still mine']);
    expect(passed).toEqual(['mine']);
  });

  it('goes on when the program has removed all listeners of the process', async () => {
    restoreProcess();
    const before = new Set([...process.rawListeners('message'), ...process.rawListeners('disconnect')]);
    const line = processChannel('ours');
    Object.defineProperty(process, 'connected', { configurable: true, value: true });
    line.onOrder(() => undefined);
    line.onClosed(() => undefined);
    const listeners = (): Listener[] => ['message', 'disconnect'].flatMap((event) => addedTo(event, before));
    const added = listeners();

    for (let time = 0; time < 2; time++) {
      for (const event of ['message', 'disconnect']) for (const listener of addedTo(event, before)) process.off(event, listener);
      expect(listeners()).toEqual([]);
      await turn();
      expect(listeners()).toEqual(added);
    }
  });

  it('takes handles when the program has removed all listeners of the process: those after one that is not taken would wait', async () => {
    const taker = (): void => undefined;
    onTestFinished(() => { process.off('internalMessage', taker); });
    restoreProcess();
    process.on('internalMessage', taker);
    processChannel('ours').onOrder(() => undefined);

    process.off('internalMessage', taker);
    await turn();

    expect(process.rawListeners('internalMessage').filter((listener) => listener === taker)).toHaveLength(1);
  });

  it('says once that the master has gone, also where the program keeps that event for itself', async () => {
    restoreProcess();
    let closed = 0;
    const line = processChannel('ours');
    Object.defineProperty(process, 'connected', { configurable: true, value: true });
    line.onClosed(() => { closed += 1; });
    await turn();
    expect(closed).toBe(0);

    // Not while anything is waited for: Vitest reports by the same channel, and would find it closed.
    Object.defineProperty(process, 'connected', { configurable: true, value: false });
    const sent = [line.send({ type: 'pulse' }), line.send({ type: 'pulse' })];
    Object.defineProperty(process, 'connected', { configurable: true, value: true });
    await turn();

    expect([sent, closed]).toEqual([[false, false], 1]);
  });
});
