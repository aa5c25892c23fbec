import { describe, expect, it } from 'vitest';
import { Backlog } from '../../src/ipc/backlog.js';
import { ManualClock } from '../support/manual-clock.js';

const MIB = 2 ** 20;

/** The messages that wait for another process, and how often it turned out not to read. */
class Waiting {
  readonly clock = new ManualClock();
  stalls = 0;
  readonly backlog = new Backlog(this.clock, () => { this.stalls += 1; });
  readonly #taken: (() => void)[] = [];

  /** @returns whether the message is sent */
  send(length: number): boolean {
    const taken = this.backlog.add(length);
    if (taken !== undefined) this.#taken.push(taken);
    return taken !== undefined;
  }

  /** The other side reads. */
  take(messages: number): void {
    for (const taken of this.#taken.splice(0, messages)) taken();
  }

  pass(seconds: number): void {
    for (let passed = 0; passed < seconds; passed++) this.clock.advance(1000);
  }
}

describe('messages of the user that wait', () => {
  it('are bounded when the other side takes none for seconds, and go on when it reads again', () => {
    const waiting = new Waiting();
    for (let sent = 0; sent < 20; sent++) expect(waiting.send(MIB)).toBe(true);
    waiting.pass(4);
    expect(waiting.send(MIB)).toBe(true);
    waiting.pass(2);

    expect([waiting.send(MIB), waiting.send(1), waiting.stalls]).toEqual([false, false, 1]);
    waiting.take(1);
    expect([waiting.send(1), waiting.stalls]).toEqual([true, 1]);
  });

  it('are not lost if they come as one burst, or to one who reads slowly', () => {
    const waiting = new Waiting();
    for (let sent = 0; sent < 200; sent++) expect(waiting.send(MIB)).toBe(true);
    for (let second = 0; second < 60; second++) {
      waiting.pass(1);
      if (second % 4 === 0) waiting.take(1);
      expect(waiting.send(MIB)).toBe(true);
    }

    expect(waiting.stalls).toBe(0);
  });

  it('may be few for as long as they like', () => {
    const waiting = new Waiting();
    waiting.send(15 * MIB);
    waiting.pass(60);

    expect([waiting.send(MIB), waiting.stalls]).toEqual([true, 0]);
  });

  it('are counted as taken before anyone is blamed, where this process was the one that stood still', () => {
    const waiting = new Waiting();
    waiting.send(20 * MIB);
    waiting.clock.sleep(60_000);
    waiting.clock.wake(() => { waiting.take(1); });

    expect([waiting.send(1), waiting.stalls]).toEqual([true, 0]);
  });
});
