import type { Buffer } from 'node:buffer';
import type { Chunk, Handover, Layer } from './filter.js';
import { withoutLimit } from './skips.js';

/**
 * What the filters of this package share: `get` made of `get_one_start` and `get_one`, without losing the records that
 * come before a fault.
 *
 * @typeParam In - what `get_one` yields
 * @typeParam Out - what `put` takes
 * @typeParam Fed - what `get_one_start` takes
 * @typeParam Sent - what `put` makes
 */
export abstract class BaseFilter<In, Out = In, Fed = Chunk, Sent = Buffer> implements Layer {
  /** A fault that `get` met after records, which it had to return first. */
  #late: { readonly error: unknown } | undefined;

  /** Adds input that is not a record yet. */
  abstract get_one_start(chunks: readonly Fed[]): void;
  /** Turns records into what is sent, in order. */
  abstract put(records: readonly Out[]): Sent[];
  /** The input that is not part of a record yet, as an array; undefined if there is none. It stays. */
  abstract get_pending(): undefined | Sent[];
  /** A filter with the same parameters and no input. */
  abstract clone(): BaseFilter<In, Out, Fed, Sent>;

  /** Takes the next whole record off the input, or throws if that is where the fault is. */
  protected abstract cut(): [] | [In];

  /** What `get_pending` returns, for a filter that takes over: it need not be a copy. A subclass of a user's may have a `get_pending` of its own. */
  protected remains(): Sent[] {
    return this.get_pending() ?? [];
  }

  /** Forgets the input and everything known about it. */
  protected abstract forget(): void;

  /** Gives up the input that is not part of a record yet, so that this filter can be used again. */
  hand_over(): Handover<Sent> {
    const pending = this.remains();
    this.forget();
    this.#late = undefined;
    return { pending };
  }

  /** Takes the next whole record, as an array of one; an empty array if there is none yet. */
  get_one(): [] | [In] {
    if (this.#late !== undefined) {
      const { error } = this.#late;
      this.#late = undefined;
      throw error;
    }
    return this.cut();
  }

  /** Adds input and takes every whole record. If a fault follows some records, these are returned and the next call throws. */
  get(chunks: readonly Fed[]): In[] {
    this.get_one_start(chunks);
    const records: In[] = [];
    try {
      for (;;) {
        const one = withoutLimit(() => this.get_one());
        if (one.length === 0) return records;
        records.push(one[0]);
      }
    } catch (error) {
      if (records.length === 0) throw error;
      this.#late = { error };
      return records;
    }
  }
}
