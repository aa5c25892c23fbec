import { describe, expect, it, onTestFinished } from 'vitest';
import { processChannel } from '../../src/worker/master-channel.js';

type Emit = (...event: unknown[]) => boolean;

const order = (type: string): object => ({ 'prefork-tcp-server': { type, token: 'ours' } });

/** This process as it was before, after the test. */
function restoreProcess(): void {
  const emit = Object.getOwnPropertyDescriptor(process, 'emit');
  const listeners = new Set(process.rawListeners('message'));
  onTestFinished(() => {
    Reflect.deleteProperty(process, 'emit');
    if (emit !== undefined) Object.defineProperty(process, 'emit', emit);
    for (const listener of process.rawListeners('message')) if (!listeners.has(listener)) process.off('message', listener as () => void);
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
});
