import { flag, isThenable, positive } from '../checks.js';
import type { Buffer } from 'node:buffer';
import { BaseFilter } from './base-filter.js';
import { BlockFilter } from './block.js';
import { fitLimits, limitProblems } from './block-parameters.js';
import type { Chunk } from './filter.js';
import { checkParameters, recordError } from './parameters.js';
import { freeze, SERIALIZERS, thaw, type BodyFormat, type Serializer } from './serializer.js';

/** Parameters of {@link ReferenceFilter}. */
export interface ReferenceParameters {
  /**
   * How objects become bytes: 'json' (default), 'v8' (`node:v8` serialize: Map, Date, Buffer, cycles … survive; only for
   * peers that also use it and that you trust), or an object with `freeze` and `thaw`.
   */
  readonly Serializer?: 'json' | 'v8' | Serializer | undefined;
  /** Whether bodies are compressed (zlib). Default false. */
  readonly Compression?: boolean | 0 | 1 | undefined;
  /** Whether a body that cannot be read yields the error's text, a string, as its record, instead of an error. Default false. */
  readonly NoFatals?: boolean | 0 | 1 | undefined;
  /** Longest body, in bytes, both as it comes and after inflating. Default 1 MiB, or what MaxBuffer leaves. */
  readonly MaxLength?: number | undefined;
  /** Bytes of earlier reads that may wait when more come. Default: a body of MaxLength with its header. */
  readonly MaxBuffer?: number | undefined;
}

/**
 * Carries objects and arrays between programs. A frame is the body's length in decimal digits, a NUL byte and the body,
 * as in the original; Serializer and Compression decide what the body is. A peer in Perl must use JSON too: Storable,
 * the original's default, is neither portable nor safe.
 *
 * Frames fail as blocks do: see {@link BlockFilter}. A body that is not a serialized object throws ERR_PREFORK_BAD_RECORD, one
 * that inflates to more than MaxLength throws ERR_PREFORK_RECORD_TOO_LONG; with NoFatals the text of these two errors is the
 * record. The next frame is delivered as usual.
 *
 * @typeParam In - what `get_one` yields; the peer decides that, so check it. With NoFatals add `string`.
 */
export class ReferenceFilter<In = object> extends BaseFilter<In, object> {
  readonly #parameters: ReferenceParameters;
  readonly #frames: BlockFilter;
  readonly #format: BodyFormat;

  /** @throws PreforkError ERR_PREFORK_FILTER if a parameter is unknown, of a wrong type or contradicts another */
  constructor(parameters: ReferenceParameters = {}) {
    super();
    checkParameters('ReferenceFilter', parameters, CHECKS, () => limitProblems('MaxLength', parameters.MaxLength, parameters.MaxBuffer));
    this.#parameters = { ...parameters };
    const { Serializer: serializer = 'json', Compression } = parameters;
    const { maxLength, maxBuffer } = fitLimits(parameters);
    this.#frames = new BlockFilter({ MaxLength: maxLength, MaxBuffer: maxBuffer });
    this.#format = {
      serializer: typeof serializer === 'string' ? SERIALIZERS[serializer] : serializer,
      isCompressed: Boolean(Compression),
      maxLength,
    };
  }

  get_one_start(chunks: readonly Chunk[]): void {
    this.#frames.get_one_start(chunks);
  }

  protected override cut(): [] | [In] {
    const [body] = this.#frames.get_one();
    return body === undefined ? [] : [this.#thaw(body) as In];
  }

  /** @throws PreforkError ERR_PREFORK_FILTER for what is neither an object nor an array, or what Serializer cannot take */
  put(records: readonly object[]): Buffer[] {
    return this.#frames.put(records.map((record) => {
      // The caller may be JavaScript.
      const given: unknown = record;
      if (typeof given !== 'object' || given === null || isThenable(given)) throw recordError('ReferenceFilter', given, 'objects and arrays');
      return freeze(given, this.#format);
    }));
  }

  get_pending(): undefined | [Buffer] {
    return this.#frames.get_pending();
  }

  protected override forget(): void {
    this.#frames.hand_over();
  }

  clone(): ReferenceFilter<In> {
    return new ReferenceFilter<In>(this.#parameters);
  }

  #thaw(body: Buffer): unknown {
    try {
      return thaw(body, this.#format);
    } catch (error) {
      if (Boolean(this.#parameters.NoFatals) && error instanceof Error) return error.message;
      throw error;
    }
  }
}

const CHECKS = {
  Serializer: (value: unknown): string | undefined => (
    value === 'json' || value === 'v8' || isSerializer(value) ? undefined : "must be 'json', 'v8' or an object with freeze and thaw"),
  Compression: flag,
  NoFatals: flag,
  MaxLength: positive,
  MaxBuffer: positive,
};

function isSerializer(value: unknown): value is Serializer {
  if (typeof value !== 'object' || value === null) return false;
  const { freeze: freezes, thaw: thaws } = value as Readonly<Record<string, unknown>>;
  return typeof freezes === 'function' && typeof thaws === 'function';
}
