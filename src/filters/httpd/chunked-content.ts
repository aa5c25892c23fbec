import type { Buffer } from 'node:buffer';
import { ByteQueue } from '../byte-queue.js';
import { chunkSize, fieldOf } from './grammar.js';
import { HttpdFault } from './fault.js';

/** Longest line between chunks, in bytes: a size with extensions, or a trailer field. */
const MAX_LINE = 4096;
/** How many trailer fields are skipped. */
const MAX_TRAILERS = 100;

/**
 * Takes the content of one request out of its chunks (RFC 9112 §7.1). Lines end with CR LF and nothing else: other programs
 * between client and server do not agree about other line ends. Extensions and trailer fields are checked and then skipped.
 */
export class ChunkedContent {
  /** The content so far that has not been taken. */
  readonly content: ByteQueue = new ByteQueue();
  readonly #maxContent: number;
  #state: 'size' | 'data' | 'end' | 'trailer' | 'whole' = 'size';
  /** Bytes of the current chunk that have not come. */
  #left = 0;
  #length = 0;
  #trailers = 0;

  constructor(maxContent: number) {
    this.#maxContent = maxContent;
  }

  /** Whether the content has ended. */
  get isWhole(): boolean {
    return this.#state === 'whole';
  }

  /**
   * Reads what it can, at most to the end of the content. Throws an HttpdFault for what is not a chunk, and for too much.
   *
   * @returns how many bytes it has read; the others must come again, followed by more
   */
  read(input: Buffer): number {
    let at = 0;
    while (!this.isWhole && at < input.length) {
      if (this.#state === 'data') {
        const data = input.subarray(at, at + this.#left);
        this.content.push(data);
        this.#left -= data.length;
        at += data.length;
        if (this.#left === 0) this.#state = 'end';
        continue;
      }
      const lf = input.subarray(at, at + MAX_LINE).indexOf(LF);
      if (lf === -1 && input.length - at >= MAX_LINE) throw new HttpdFault(400, 'Chunk header or trailer too long.');
      if (lf === -1) return at;
      if (lf === 0 || input[at + lf - 1] !== CR) throw new HttpdFault(400, 'A line between chunks does not end with CR LF.');
      this.#line(input.toString('latin1', at, at + lf - 1));
      at += lf + 1;
    }
    return at;
  }

  #line(line: string): void {
    if (this.#state === 'size') this.#size(line);
    else if (this.#state === 'end') {
      if (line !== '') throw new HttpdFault(400, 'Chunk is longer than its size.');
      this.#state = 'size';
    } else if (line === '') this.#state = 'whole';
    else this.#trailer(line);
  }

  #trailer(line: string): void {
    fieldOf(line);
    if (++this.#trailers > MAX_TRAILERS) throw new HttpdFault(400, 'Too many trailer fields.');
  }

  #size(line: string): void {
    const size = chunkSize(line);
    if (size === undefined) throw new HttpdFault(400, 'Chunk size parse failure.');
    this.#left = size;
    this.#length += size;
    if (this.#length > this.#maxContent) throw new HttpdFault(413, `Content of ${this.#length} octets not accepted.`);
    this.#state = this.#left === 0 ? 'trailer' : 'data';
  }
}

const LF = 10;
const CR = 13;
