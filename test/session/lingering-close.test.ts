import { Duplex } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { LingeringClose } from '../../src/session/lingering-close.js';
import { ManualClock, turn } from '../support/manual-clock.js';

/** Longer than any connection is kept. */
const PATIENCE_MS = 10_000;

/** A connection of which neither side is closed. */
const open = (): Duplex => new Duplex({
  read() { /* what comes is pushed */ },
  write(_chunk, _encoding, done) { done(); },
});

describe('a connection whose session is over', () => {
  it('is closed when the client closes its side, and what it still sends is thrown away', async () => {
    const lingering = new LingeringClose(new ManualClock(), () => undefined);
    const stream = open();
    lingering.add(stream);

    stream.push('too late');
    await turn();
    const early = stream.destroyed;
    stream.push(null);
    await turn();

    expect([early, stream.readableLength, stream.destroyed]).toEqual([false, 0, true]);
  });

  it('is closed after some seconds of silence', async () => {
    const clock = new ManualClock();
    const lingering = new LingeringClose(clock, () => undefined);
    const stream = open();
    lingering.add(stream);

    clock.advance(4000);
    stream.push('still here');
    await turn();
    clock.advance(4500);
    const later = stream.destroyed;
    clock.advance(1500);
    await turn();

    expect([later, stream.destroyed]).toEqual([false, true]);
    expect(clock.delays).toEqual([]);
  });

  it('is closed after half a minute, however much the client still sends', async () => {
    const clock = new ManualClock();
    const lingering = new LingeringClose(clock, () => undefined);
    const stream = open();
    lingering.add(stream);

    const states: boolean[] = [];
    for (let seconds = 1; seconds <= 31; seconds++) {
      stream.push('more');
      await turn();
      clock.advance(1000);
      states.push(stream.destroyed);
    }

    expect(states.indexOf(true)).toBe(29);
  });

  it('is closed at once when there is no more time', async () => {
    const clock = new ManualClock();
    const lingering = new LingeringClose(clock, () => undefined);
    const stream = open();
    lingering.add(stream);

    lingering.abort();
    await lingering.empty();

    expect(stream.destroyed).toBe(true);
    expect(clock.delays).toEqual([]);
  });

  it('is closed at once if the client had closed its side before', async () => {
    const lingering = new LingeringClose(new ManualClock(), () => undefined);
    const stream = open();
    stream.resume();
    stream.push(null);
    await turn();

    lingering.add(stream);

    expect(stream.destroyed).toBe(true);
  });

  it('is waited for', async () => {
    const clock = new ManualClock();
    const lingering = new LingeringClose(clock, () => undefined);
    let isEmpty = false;
    lingering.add(open());
    lingering.add(open());

    const emptied = lingering.empty().then(() => { isEmpty = true; });
    await turn();
    const early = isEmpty;
    clock.advance(PATIENCE_MS);
    await emptied;

    expect([early, isEmpty]).toEqual([false, true]);
  });

  it('is nothing to wait for if it is closed already', async () => {
    const clock = new ManualClock();
    const lingering = new LingeringClose(clock, () => undefined);
    const stream = open();
    stream.destroy();

    lingering.add(stream);

    await lingering.empty();
    expect(clock.delays).toEqual([]);
  });

  it.each<[string, (stream: Duplex) => void, (clock: ManualClock, lingering: LingeringClose) => void]>([
    ['when the client closes its side', (stream) => { stream.push(null); }, () => undefined],
    ['after some seconds of silence', () => undefined, (clock) => { clock.advance(PATIENCE_MS); }],
    ['when there is no more time', () => undefined, (_clock, lingering) => { lingering.abort(); }],
  ])('is gone %s, whatever its stream makes of that', async (_title, end, wait) => {
    const clock = new ManualClock();
    const errors: string[] = [];
    const lingering = new LingeringClose(clock, ({ message }) => { errors.push(message); });
    const silent = new Duplex({ emitClose: false, read: () => undefined });
    const streams = [Object.assign(open(), { destroy: () => { throw new Error('not today'); } }), silent, Object.assign(open(), { destroy: () => silent }), open()];
    for (const stream of streams) lingering.add(stream);

    streams.forEach(end);
    await turn();
    wait(clock, lingering);
    await lingering.empty();

    expect(errors).toEqual(['not today']);
    expect(streams.map(({ destroyed }) => destroyed)).toEqual([false, true, false, true]);
    expect(clock.delays).toEqual([]);
  });
});
