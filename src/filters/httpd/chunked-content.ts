import type { Buffer } from 'node:buffer';
import { ByteQueue } from '../byte-queue.js';
import { HttpdFault } from './response.js';

/** Longest line between chunks, in bytes: a size with extensions, or a trailer field. */
const MAX_LINE = 4096;
/** How many trailer fields are passed over. */
const MAX_TRAILERS = 100;

/** Takes the content of one request out of its chunks (RFC 9112 §7.1). Extensions and trailer fields are passed over. */
export class ChunkedContent {
  /** The content so far that nobody has taken. */
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
   * Reads what it can, at most to the end of the content. Throws an HttpdFault for what are no chunks, and for too many.
   *
   * @returns how many bytes it has read; the others must come again, with more behind them
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
      this.#line(input.toString('latin1', at, at + lf).replace(/\r$/, ''));
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
    else if (++this.#trailers > MAX_TRAILERS) throw new HttpdFault(400, 'Too many trailer fields.');
  }

  #size(line: string): void {
    const digits = /^([\da-f]{1,13})[\t ]*(;|$)/i.exec(line)?.[1];
    if (digits === undefined) throw new HttpdFault(400, 'Chunk size parse failure.');
    this.#left = Number.parseInt(digits, 16);
    this.#length += this.#left;
    if (this.#length > this.#maxContent) throw new HttpdFault(413, `Content of ${this.#length} octets not accepted.`);
    this.#state = this.#left === 0 ? 'trailer' : 'data';
  }
}

const LF = 10;
