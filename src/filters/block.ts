import { PreforkError } from '../errors.js';
import { isThenable, show, showRefused } from '../checks.js';
import {
  DECIMAL_CODEC, MAX_HEADER, resolveBlockParameters, type BlockParameters, type LengthCodec,
} from './block-parameters.js';
import { ByteFilter } from './byte-filter.js';
import { bytesOf } from './byte-queue.js';
import type { Chunk } from './filter.js';
import { outputBytes } from './parameters.js';

/**
 * Cuts the byte stream into blocks: of a fixed size (BlockSize), or with their length written before them (LengthCodec, by
 * default decimal digits and a NUL byte). Records are Buffers. `put` writes the length before every record; with BlockSize
 * it sends records as they are.
 *
 * `get_one` and `get` throw ERR_PREFORK_RECORD_TOO_LONG for a block longer than MaxLength: it is discarded as it comes, and the
 * block after it is delivered as usual. They throw ERR_PREFORK_BAD_RECORD for input that is not a header, and again whenever more
 * input comes: that is discarded, because it is unknown where the next block begins. `get_one_start` and `get` throw
 * ERR_PREFORK_BUFFER_FULL, and take nothing, if more than MaxBuffer bytes of earlier reads still wait.
 */
export class BlockFilter extends ByteFilter<Buffer, Chunk | Uint8Array> {
  readonly #parameters: BlockParameters;
  readonly #maxLength: number;
  readonly #codec: LengthCodec;
  /** The block that the input begins with, once its header has been read. The header stays in the queue for `get_pending`. */
  #next: { readonly length: number; readonly headerBytes: number } | undefined;

  /** @throws PreforkError ERR_PREFORK_FILTER if a parameter is unknown, of a wrong type or contradicts another */
  constructor(parameters: BlockParameters = {}) {
    const { maxLength, maxBuffer } = resolveBlockParameters(parameters);
    super('BlockFilter', maxBuffer);
    this.#parameters = { ...parameters };
    this.#maxLength = maxLength;
    this.#codec = parameters.LengthCodec ?? DECIMAL_CODEC;
    this.#next = this.#fixed();
  }

  protected override next(): [] | [Buffer] {
    this.#next ??= this.#header();
    if (this.#next === undefined) return this.unfinished();
    const { length, headerBytes } = this.#next;
    if (length > this.#maxLength) throw this.#tooLong(length, headerBytes);
    if (this.queue.length < headerBytes + length) return this.unfinished();
    this.queue.drop(headerBytes);
    this.#next = this.#fixed();
    return [this.queue.take(length)];
  }

  /** @throws PreforkError ERR_PREFORK_FILTER for what is neither bytes nor a string */
  put(records: readonly (Chunk | Uint8Array)[]): Buffer[] {
    return records.map((record) => {
      const bytes = outputBytes('BlockFilter', record);
      if (this.#parameters.BlockSize !== undefined) return bytes;
      return Buffer.concat([this.#encode(bytes.length), bytes]);
    });
  }

  clone(): BlockFilter {
    return new BlockFilter(this.#parameters);
  }

  protected override forget(): void {
    super.forget();
    this.#next = this.#fixed();
  }

  #fixed(): { length: number; headerBytes: number } | undefined {
    const { BlockSize: length } = this.#parameters;
    return length === undefined ? undefined : { length, headerBytes: 0 };
  }

  #header(): { readonly length: number; readonly headerBytes: number } | undefined {
    if (this.queue.length === 0) return undefined;
    const input = this.queue.peek(Math.min(this.queue.length, MAX_HEADER));
    const header = this.#decode(input);
    if (header === undefined) {
      if (input.length < MAX_HEADER) return undefined;
      throw this.#break(`A block's header has no end within ${MAX_HEADER} bytes; it begins ${show(input.toString('latin1'))}.`);
    }
    if (isThenable(header)) throw this.giveUp('ERR_PREFORK_FILTER', `LengthCodec returned ${showRefused(header)}.`);
    // A codec may find anything in what a client sends; that must never lead to a loop or beyond the input.
    const { length, headerBytes } = header;
    const isUsable = isCount(length) && isCount(headerBytes) && headerBytes > 0 && headerBytes <= input.length;
    if (!isUsable) {
      const hint = headerBytes === 0 ? ' For a length that stands inside a block, use FrameFilter or CodecFilter.' : '';
      throw this.#break(`LengthCodec found a header of ${headerBytes} bytes for a block of ${length}, which is impossible.${hint}`);
    }
    return header;
  }

  #encode(length: number): Uint8Array {
    const header: unknown = this.#codec[0](length);
    if (typeof header === 'string') return bytesOf(header);
    if (header instanceof Uint8Array) return header;
    throw new PreforkError('ERR_PREFORK_FILTER', `LengthCodec must make bytes or a string of a length, not ${showRefused(header)}.`);
  }

  #decode(input: Buffer): { readonly length: number; readonly headerBytes: number } | undefined {
    try {
      return this.#codec[1](input);
    } catch (error) {
      throw this.#break(error instanceof Error ? error.message : String(error), error);
    }
  }

  #break(message: string, cause?: unknown): PreforkError {
    return this.giveUp('ERR_PREFORK_BAD_RECORD', message, cause === undefined ? undefined : { cause });
  }

  #tooLong(length: number, headerBytes: number): PreforkError {
    this.#next = undefined;
    return this.tooLong(headerBytes + length, `A block of ${length} bytes is longer than MaxLength (${this.#maxLength}); it is discarded.`);
  }
}

const isCount = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;
