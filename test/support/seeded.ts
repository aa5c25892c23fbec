import { Buffer } from 'node:buffer';

/**
 * Random numbers that come again: the same seed gives the same run, so that a failure can be repeated.
 * The generator is mulberry32 by Tommy Ettinger (public domain).
 */
export class Seeded {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0;
  }

  /** A number from 0 up to, but not including, 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number, both ends included. */
  int(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1));
  }

  /** A whole number from 0 up to, but not including, `end`. */
  below(end: number): number {
    return this.int(0, end - 1);
  }

  between(least: number, most: number): number {
    return least + this.next() * (most - least);
  }

  /** Whether something of this probability happens. */
  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** How long until the next of events that come independently of each other, `mean` apart. */
  wait(mean: number): number {
    return -mean * Math.log(1 - this.next());
  }

  pick<Item>(items: readonly Item[]): Item {
    const item = items[this.int(0, items.length - 1)];
    if (item === undefined && items.length === 0) throw new Error('Nothing to pick from.');
    return item as Item;
  }

  bytes(count: number): Buffer {
    return Buffer.from(Array.from({ length: count }, () => this.int(0, 255)));
  }

  /** The bytes in pieces of 1 to `most` bytes. */
  pieces(bytes: Buffer, most: number): Buffer[] {
    const pieces: Buffer[] = [];
    for (let at = 0; at < bytes.length;) {
      const size = this.int(1, most);
      pieces.push(bytes.subarray(at, at + size));
      at += size;
    }
    return pieces;
  }

  /** A number whose order of magnitude is random. */
  magnitude(least: number, most: number): number {
    return Math.exp(this.between(Math.log(least), Math.log(most)));
  }
}

/** The seeds from 1 up. */
export const seeds = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index + 1);
