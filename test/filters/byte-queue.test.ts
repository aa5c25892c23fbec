import { Buffer } from 'node:buffer';
import { describe, expect, it } from 'vitest';
import { ByteQueue, bytesOf } from '../../src/filters/byte-queue.js';
import { Seeded } from '../support/seeded.js';

describe('ByteQueue', () => {
  it('gives the bytes back in the order they came, whatever the sizes', () => {
    const random = new Seeded(1);
    const bytes = random.bytes(20_000);
    const queue = new ByteQueue();
    const taken: Buffer[] = [];

    for (const piece of random.pieces(bytes, 300)) {
      queue.push(piece);
      if (random.below(3) === 0) queue.compact();
      taken.push(queue.take(random.below(queue.length + 1)));
    }

    expect(Buffer.concat([...taken, queue.take()]).equals(bytes)).toBe(true);
    expect(queue.length).toBe(0);
  });

  it('never writes to bytes that were taken', () => {
    const queue = new ByteQueue();
    queue.append(['abc', 'def']);
    const taken = queue.take(4);

    queue.append(['XYZ', Buffer.from('0123456789')]);

    expect(taken.toString()).toBe('abcd');
    expect(queue.peek().toString()).toBe('efXYZ0123456789');
  });

  it('does not copy a large chunk that comes alone, nor write to it', () => {
    const chunk = Buffer.alloc(10_000, 'a');
    const queue = new ByteQueue();
    queue.push(chunk);

    expect(queue.peek().buffer).toBe(chunk.buffer);
    queue.push(Buffer.from('b'));
    expect(chunk.every((byte) => byte === 97)).toBe(true);
  });

  it('copies a small part of a large memory, so as not to keep that alive', () => {
    const queue = new ByteQueue();
    queue.push(Buffer.alloc(100_000).subarray(0, 10));

    expect(queue.peek().buffer.byteLength).toBeLessThan(100_000);
  });

  it('gives up large memory when it holds little of it', () => {
    const queue = new ByteQueue();
    queue.push(Buffer.alloc(100_000, 'a'));
    queue.drop(99_990);
    queue.compact();

    expect(queue.take().buffer.byteLength).toBeLessThan(100_000);
  });

  it('costs the bytes added, not the bytes held, for each chunk', () => {
    const queue = new ByteQueue();
    const memories = new Set<ArrayBufferLike>();

    for (let count = 0; count < 100_000; count++) {
      queue.push(Buffer.from('a'));
      memories.add(queue.peek().buffer);
    }

    expect(memories.size).toBeLessThan(20);
  });

  it('finds bytes and looks at single ones, from the first that is still there', () => {
    const queue = new ByteQueue();
    queue.append(['abc', 'abd']);
    queue.drop(1);

    expect([0, 1, 4].map((place) => String.fromCharCode(queue.at(place)))).toEqual(['b', 'c', 'd']);
    expect(queue.indexOf(Buffer.from('ab'))).toBe(2);
    expect(queue.indexOf(Buffer.from('x'))).toBe(-1);
  });

  it('peeks and drops some or all, and takes nothing from nothing', () => {
    const queue = new ByteQueue();
    queue.push(Buffer.from(''));
    expect(queue.take().length).toBe(0);

    queue.push(Buffer.from('abc'));
    expect(queue.peek(2).toString()).toBe('ab');
    queue.drop();
    expect(queue.pending()).toBeUndefined();
  });

  it('takes a string as UTF-8', () => {
    expect(bytesOf('é')).toEqual(Buffer.from([195, 169]));
  });
});
