import { describe, expect, it } from 'vitest';
import { RecordQueue } from '../../src/filters/record-queue.js';

describe('RecordQueue', () => {
  it('gives records back in the order they came, undefined and empty ones too', () => {
    const queue = new RecordQueue<string | undefined>();
    queue.push(['a', undefined]);
    queue.push(['', 'd']);

    expect(queue.take()).toEqual(['a']);
    expect(queue.peek()).toEqual([undefined, '', 'd']);
    expect([queue.take(), queue.take(), queue.take(), queue.take()]).toEqual([[undefined], [''], ['d'], []]);
  });
});
