import type { Buffer } from 'node:buffer';
import { PreforkError, type PreforkErrorCode } from '../errors.js';
import { BaseFilter } from './base-filter.js';
import { ByteQueue } from './byte-queue.js';
import type { Chunk } from './filter.js';
import { bufferFull } from './parameters.js';

/**
 * What filters that cut a queue of bytes have in common: a bound on what may wait, discarding a record that is too long, and
 * giving up once it is unknown where the next record begins.
 *
 * @typeParam In - what `get_one` yields
 * @typeParam Out - what `put` takes
 */
export abstract class ByteFilter<In, Out> extends BaseFilter<In, Out> {
  protected readonly queue: ByteQueue = new ByteQueue();
  readonly #name: string;
  readonly #maxBuffer: number;
  /** How many of the bytes still to come belong to a record that was too long. */
  #skip = 0;
  /** Why the input cannot be cut any more. */
  #broken: PreforkError | undefined;
  /** Whether input has been discarded since #broken was last thrown. */
  #hasDiscarded = false;

  constructor(name: string, maxBuffer: number) {
    super();
    this.#name = name;
    this.#maxBuffer = maxBuffer;
  }

  /** Takes the next whole record off the queue. */
  protected abstract next(): [] | [In];

  get_one_start(chunks: readonly Chunk[]): void {
    if (this.#broken !== undefined) {
      this.#hasDiscarded ||= chunks.some(({ length }) => length > 0);
      return;
    }
    if (this.queue.length > this.#maxBuffer) throw bufferFull(this.#name, this.queue.length);
    this.queue.append(chunks);
  }

  protected override cut(): [] | [In] {
    if (this.#broken !== undefined) {
      // Once for each input: a caller that takes records until there are none must come to an end.
      if (!this.#hasDiscarded) return [];
      this.#hasDiscarded = false;
      throw this.#broken;
    }
    if (this.#skip > 0) this.#discard();
    return this.next();
  }

  get_pending(): undefined | [Buffer] {
    this.#discard();
    return this.queue.pending();
  }

  protected override remains(): Buffer[] {
    if (this.get_pending !== ByteFilter.prototype.get_pending) return super.remains();
    this.#discard();
    return this.queue.leave();
  }

  protected override forget(): void {
    this.queue.drop();
    this.#skip = 0;
    // When it is used again its input begins with a record, whatever came before.
    this.#broken = undefined;
    this.#hasDiscarded = false;
  }

  /** There is no whole record yet. */
  protected unfinished(): [] {
    this.queue.compact();
    return [];
  }

  /** Discards the first bytes, including those that have not come yet; returns the error to throw. */
  protected tooLong(bytes: number, message: string): PreforkError {
    this.#skip = bytes;
    this.#discard();
    return new PreforkError('ERR_PREFORK_RECORD_TOO_LONG', message);
  }

  /** Gives up: where the next record begins is unknown. Everything is discarded from now on. Returns the error to throw. */
  protected giveUp(code: PreforkErrorCode, message: string, options?: ErrorOptions): PreforkError {
    this.queue.drop();
    this.#broken = new PreforkError(code, message, options);
    return this.#broken;
  }

  #discard(): void {
    const count = Math.min(this.#skip, this.queue.length);
    this.queue.drop(count);
    this.#skip -= count;
  }
}
