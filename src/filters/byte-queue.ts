import type { Chunk } from './filter.js';
import { View, Window } from './view.js';

/** No bytes. */
export const EMPTY: Buffer = Buffer.alloc(0);

/** The bytes of a chunk; a string is taken as UTF-8. */
export function bytesOf(chunk: Chunk): Buffer {
  return typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
}

/** Up to this size, giving up memory is not worth the work: a small buffer shares its page with others anyway. */
const SMALL = 4096;

/**
 * Bytes in, bytes out, first come first served. Adding takes time only for the bytes added, whatever the size of the
 * chunks: the memory doubles when it is full. Bytes that were taken are never written again, so they need no copy.
 */
export class ByteQueue {
  /** Bytes from #start to #end are in the queue; what follows #end is free if the memory is #owned. */
  #memory: Buffer = EMPTY;
  /** What #memory is a view of, and where it begins there: a Buffer's own getters for these are slow. */
  #shared: ArrayBufferLike = EMPTY.buffer;
  #base: number = EMPTY.byteOffset;
  #start = 0;
  #end = 0;
  #owned = false;

  /** How many bytes are in the queue. */
  get length(): number {
    return this.#end - this.#start;
  }

  /** Adds bytes at the end. The caller must not write to them any more. */
  push(bytes: Buffer): void {
    if (bytes.length === 0) return;
    if (this.#start === this.#end && fills(bytes)) this.#use(bytes, bytes.length, false);
    else {
      if (!this.#owned || this.#end + bytes.length > this.#memory.length) this.#move(bytes.length);
      bytes.copy(this.#memory, this.#end);
      this.#end += bytes.length;
    }
  }

  /** Adds chunks at the end. */
  append(chunks: readonly Chunk[]): void {
    for (const chunk of chunks) this.push(bytesOf(chunk));
  }

  /** A copy of all bytes, which stay, as `get_pending` returns it. */
  pending(): undefined | [Buffer] {
    return this.length === 0 ? undefined : [Buffer.from(this.peek())];
  }

  /** Removes all bytes and returns them, as `hand_over` does: not a copy. When filters take turns at the records of one read, each would copy the rest of it. */
  leave(): [] | [Buffer] {
    return this.length === 0 ? [] : [this.take()];
  }

  /** Removes the first bytes and returns them, all of them by default, without those to skip. The queue must hold that many. */
  take(count: number = this.length, skip = 0): Buffer {
    const taken = this.#view(skip, count);
    this.drop(count);
    return taken;
  }

  /** The byte at a place, counted from the first. The queue must hold it. */
  at(place: number): number {
    return this.#memory[this.#start + place] ?? 0;
  }

  /** An unsigned number of `bytes` bytes at a place. The queue must hold them. Beyond the safe integers the result is inexact, but also beyond them. */
  number(place: number, bytes: number, isLittleEndian: boolean): number {
    const memory = this.#memory;
    const from = this.#start + place;
    let value = 0;
    if (isLittleEndian) for (let at = from + bytes - 1; at >= from; at--) value = value * 256 + (memory[at] ?? 0);
    else for (let at = from; at < from + bytes; at++) value = value * 256 + (memory[at] ?? 0);
    return value;
  }

  /** Where some bytes begin, counted from the first; -1 if they are not there. */
  indexOf(bytes: Uint8Array): number {
    return this.peek().indexOf(bytes);
  }

  /** The first bytes, which stay. The queue must hold that many. */
  peek(count: number = this.length): Buffer {
    return this.#view(0, count);
  }

  /** All bytes, which stay, for code that takes parts of them: `subarray` of the result is quick. */
  window(): Buffer {
    return new Window(this.#shared, this.#base + this.#start, this.length);
  }

  /** Removes the first bytes: all of them by default. The queue must hold that many. */
  drop(count: number = this.length): void {
    this.#start += count;
    if (this.#start < this.#end) return;
    this.#use(EMPTY, 0, false);
  }

  /** Gives up memory if the queue holds little of it: a few bytes must not keep the whole of a large read alive. */
  compact(): void {
    const kept = this.#owned ? this.#memory.length : this.#memory.buffer.byteLength;
    if (kept > SMALL && this.length * 4 < kept) this.#move(0);
  }

  #view(from: number, to: number): Buffer {
    return new View(this.#shared, this.#base + this.#start + from, to - from);
  }

  #use(memory: Buffer, length: number, owned: boolean): void {
    this.#memory = memory;
    this.#shared = memory.buffer;
    this.#base = memory.byteOffset;
    this.#start = 0;
    this.#end = length;
    this.#owned = owned;
  }

  /** Moves to memory of its own with room for more bytes: at least as many as it already holds, so that moves stay rare. */
  #move(more: number): void {
    const { length } = this;
    const memory = Buffer.allocUnsafe(length + Math.max(more, more === 0 ? 0 : length));
    this.#memory.copy(memory, 0, this.#start, this.#end);
    this.#use(memory, length, true);
  }
}

/** Whether bytes make up at least a quarter of the memory that they keep alive. */
function fills(bytes: Buffer): boolean {
  return bytes.length * 4 >= bytes.buffer.byteLength;
}
