import type { Buffer } from 'node:buffer';
import { BaseFilter } from './base-filter.js';
import { ByteQueue } from './byte-queue.js';
import type { Chunk } from './filter.js';
import { checkParameters, outputBytes } from './parameters.js';

/** Parameters of {@link StreamFilter}: there are none. */
export type StreamParameters = Readonly<Record<string, never>>;

/**
 * Passes bytes on as they are: everything that has come is one record. Records are Buffers. It has no limit, because it
 * keeps nothing back.
 */
export class StreamFilter extends BaseFilter<Buffer, Chunk | Uint8Array> {
  readonly #queue = new ByteQueue();

  /** @throws PreforkError ERR_PREFORK_FILTER if there is any parameter */
  constructor(parameters?: StreamParameters) {
    super();
    checkParameters('StreamFilter', parameters, {});
  }

  get_one_start(chunks: readonly Chunk[]): void {
    this.#queue.append(chunks);
  }

  protected override cut(): [] | [Buffer] {
    return this.#queue.length === 0 ? [] : [this.#queue.take()];
  }

  /** @throws PreforkError ERR_PREFORK_FILTER for what is neither bytes nor a string */
  put(records: readonly (Chunk | Uint8Array)[]): Buffer[] {
    return records.map((record) => outputBytes('StreamFilter', record));
  }

  get_pending(): undefined | [Buffer] {
    return this.#queue.pending();
  }

  protected override forget(): void {
    this.#queue.drop();
  }

  clone(): StreamFilter {
    return new StreamFilter();
  }
}
