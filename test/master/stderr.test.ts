import { Buffer } from 'node:buffer';
import { describe, expect, it } from 'vitest';
import { LossyWriter } from '../../src/master/stderr.js';
import { ManualClock } from '../support/manual-clock.js';

describe('stderr', () => {
  it.each<[string, (bytes: Uint8Array) => number]>([
    ['takes only a part', (bytes) => bytes.length - 1],
    ['takes nothing', () => { throw Object.assign(new Error('EAGAIN'), { code: 'EAGAIN' }); }],
  ])('that %s is left alone for a second: each attempt could stop the master', (_title, full) => {
    const clock = new ManualClock();
    const tried: string[] = [];
    let take = full;
    const writer = new LossyWriter((bytes) => {
      tried.push(Buffer.from(bytes).toString());
      return take(bytes);
    }, clock);

    writer.write('a');
    writer.write('b');
    clock.advance(999);
    writer.write('c');
    clock.advance(1);
    take = ({ length }) => length;
    writer.write(Buffer.from('d'));
    writer.write('é');

    expect(tried).toEqual(['a', 'd', 'é']);
  });
});
