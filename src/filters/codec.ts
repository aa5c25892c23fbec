import type { Buffer } from 'node:buffer';
import type { PreforkError } from '../errors.js';
import { callback, isThenable, positive, show, showRefused } from '../checks.js';
import { limitProblems } from './block-parameters.js';
import { ByteFilter } from './byte-filter.js';
import type { Chunk } from './filter.js';
import { DEFAULT_MAX_LENGTH } from './frame-parameters.js';
import { checkParameters, outputBytes, parameterError } from './parameters.js';
import { mustStop } from './skips.js';

/**
 * What Decode of a {@link CodecFilter} found at the beginning of the input: a record and how many bytes it took; without a
 * record, bytes to skip; or how many bytes there must be before it is worth asking again. `undefined`: it needs more.
 */
export type Decoded<In> =
  | { readonly record: In; readonly bytes: number; readonly need?: undefined }
  | { readonly record?: undefined; readonly bytes: number; readonly need?: undefined }
  | { readonly record?: undefined; readonly bytes?: undefined; readonly need: number }
  | undefined;

/**
 * Parameters of {@link CodecFilter}, after tokio's Decoder and Encoder. All clients share the two functions, so they must
 * not keep anything from one call to the next.
 */
export interface CodecParameters<In, Out> {
  /**
   * Looks for one record at the beginning of the input, which is everything that has come and never empty. It may return
   * parts of it (`input.subarray`), and throws if the input cannot be a record. It is asked again only when there is more
   * input, or as much as it needs; `seen` is how many of the bytes it was given before without finding an end, so that a
   * search can go on from there. That keeps the work linear, however small the reads are.
   */
  readonly Decode: (input: Buffer, seen: number) => Decoded<In>;
  /** Turns a record into the bytes to send; a string is sent as UTF-8. Default: records are Buffers or strings, sent as they are. */
  readonly Encode?: ((record: Out) => Uint8Array | string) | undefined;
  /** Longest record, in bytes. Default 1 MiB, or MaxBuffer if that is less. */
  readonly MaxLength?: number | undefined;
  /** Bytes of earlier reads that may wait when more come. Default MaxLength. */
  readonly MaxBuffer?: number | undefined;
}

const CHECKS = { Decode: callback, Encode: callback, MaxLength: positive, MaxBuffer: positive };

/**
 * Any framing, in two functions: Decode finds records, Encode makes bytes.
 *
 * `get_one` and `get` throw ERR_PREFORK_BAD_RECORD if Decode throws, or returns something impossible (no bytes taken, more
 * bytes than there are), and ERR_PREFORK_RECORD_TOO_LONG if it finds no end within MaxLength bytes or needs more than
 * that; they throw again whenever more input comes: that is discarded, because it is unknown where the next record begins.
 * A whole record that is longer than MaxLength throws ERR_PREFORK_RECORD_TOO_LONG too, and the record after it is
 * delivered. `get_one_start` and `get` throw ERR_PREFORK_BUFFER_FULL, and take nothing, if more than MaxBuffer bytes of
 * earlier reads still wait. Promises are not awaited: an async Decode or Encode is refused with ERR_PREFORK_FILTER.
 *
 * @typeParam In - what Decode finds
 * @typeParam Out - what Encode takes
 */
export class CodecFilter<In, Out = Chunk | Uint8Array> extends ByteFilter<In, Out> {
  readonly #parameters: CodecParameters<In, Out>;
  readonly #maxLength: number;
  /** Length of the queue from which on Decode is asked, and how much of it Decode had seen when it was last asked. */
  #need = 1;
  #seen = 0;

  /** @throws PreforkError ERR_PREFORK_FILTER if Decode is missing, or a parameter is unknown, of a wrong type or contradicts another */
  constructor(parameters: CodecParameters<In, Out>) {
    checkParameters('CodecFilter', parameters, CHECKS, () => limitProblems('MaxLength', parameters.MaxLength, parameters.MaxBuffer));
    const { Decode, MaxLength, MaxBuffer } = (parameters as Partial<CodecParameters<In, Out>> | undefined) ?? {};
    if (Decode === undefined) throw parameterError('CodecFilter', ['they must have Decode, a function (input) that returns { record, bytes }.']);
    const maxLength = MaxLength ?? Math.min(DEFAULT_MAX_LENGTH, MaxBuffer ?? Infinity);
    super('CodecFilter', Math.max(MaxBuffer ?? 0, maxLength));
    this.#parameters = { ...parameters };
    this.#maxLength = maxLength;
  }

  protected override next(): [] | [In] {
    for (;;) {
      if (this.queue.length < this.#need) return this.unfinished();
      const input = this.queue.window();
      const decoded = this.#decode(input);
      if (decoded?.bytes === undefined) return this.#wait(input.length, decoded);
      const { bytes, record } = decoded;
      if (!isWithin(bytes, 1, input.length)) throw this.#impossible(decoded, input.length);
      this.#need = 1;
      this.#seen = 0;
      if (record !== undefined && bytes > this.#maxLength) {
        throw this.tooLong(bytes, `A record of ${bytes} bytes is longer than MaxLength (${this.#maxLength}); it is discarded.`);
      }
      // Records are plain Buffers, even if one is the whole input.
      const found = record === input as unknown ? this.queue.peek() as In : record;
      this.queue.drop(bytes);
      if (found !== undefined) return [found];
      if (mustStop()) return [];
    }
  }

  /** @throws PreforkError ERR_PREFORK_FILTER if Encode returns no bytes and no string; whatever Encode throws */
  put(records: readonly Out[]): Buffer[] {
    const { Encode } = this.#parameters;
    return records.map((record) => outputBytes('CodecFilter', Encode === undefined ? record : Encode(record)));
  }

  clone(): CodecFilter<In, Out> {
    return new CodecFilter(this.#parameters);
  }

  protected override forget(): void {
    super.forget();
    this.#need = 1;
    this.#seen = 0;
  }

  #decode(input: Buffer): Decoded<In> {
    try {
      const decoded: unknown = this.#parameters.Decode(input, this.#seen);
      if (decoded === undefined || (typeof decoded === 'object' && decoded !== null)) return decoded as Decoded<In>;
      throw new TypeError(`Decode returned ${show(decoded)}; it must return { record, bytes }, { bytes }, { need } or undefined.`);
    } catch (error) {
      throw this.giveUp('ERR_PREFORK_BAD_RECORD', error instanceof Error ? error.message : String(error), { cause: error });
    }
  }

  /** Decode is not asked again until it can know more. */
  #wait(length: number, decoded: { readonly need?: unknown } | undefined): [] {
    const need = decoded === undefined ? length + 1 : decoded.need;
    if (!isWithin(need, length + 1, Infinity)) throw this.#impossible(decoded, length);
    if (need > this.#maxLength) {
      throw this.giveUp('ERR_PREFORK_RECORD_TOO_LONG', `A record has no end within MaxLength (${this.#maxLength}) bytes${decoded === undefined ? '' : `: it needs ${need}`}.`);
    }
    this.#need = need;
    this.#seen = length;
    return this.unfinished();
  }

  #impossible(decoded: { readonly bytes?: unknown; readonly need?: unknown } | undefined, length: number): PreforkError {
    if (isThenable(decoded)) return this.giveUp('ERR_PREFORK_FILTER', `Decode returned ${showRefused(decoded)}.`);
    return this.giveUp(
      'ERR_PREFORK_BAD_RECORD',
      `Decode returned { bytes: ${show(decoded?.bytes)}, need: ${show(decoded?.need)} } for an input of ${length} bytes; `
      + '`bytes` must be a whole number above 0 and within the input, or `need` one beyond it.',
    );
  }
}

const isWithin = (value: unknown, least: number, most: number): value is number => (
  Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most);
