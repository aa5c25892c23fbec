import type { Buffer } from 'node:buffer';
import { PreforkError } from '../errors.js';
import { showRefused } from '../checks.js';
import { CodeFilter } from './code-filter.js';
import { RecordQueue } from './record-queue.js';
import { mustStop } from './skips.js';

/** Parameters of {@link MapFilter}: Code, or both Get and Put. */
export interface MapParameters<In, Below> {
  /** Get and Put in one: a function that works in both directions. */
  readonly Code?: ((record: In | Below) => readonly (In & Below)[]) | undefined;
  /** Turns a record from below into any number of records. */
  readonly Get?: ((record: Below) => readonly In[]) | undefined;
  /** Turns a record that is put into any number of records for the filter below. */
  readonly Put?: ((record: In) => readonly Below[]) | undefined;
}

/**
 * Turns each record of the filter below into any number of records, and back. An empty list drops the record. It stands
 * above another filter in a Stackable; alone it works on the chunks of bytes as they come.
 *
 * `get_pending` returns the records from below that Get has not seen. If Get made several records of one and some have not
 * been taken, those come first, turned back by Put.
 *
 * @typeParam In - what `get_one` yields and `put` takes
 * @typeParam Below - records of the filter below
 */
export class MapFilter<In = unknown, Below = Buffer> extends CodeFilter<
  In, Below, (record: Below) => readonly In[], (record: In) => readonly Below[], (record: In | Below) => readonly (In & Below)[]
> {
  /** Records that Get made and that have not been taken yet. */
  readonly #made = new RecordQueue<In>();

  /** @throws PreforkError ERR_PREFORK_FILTER if there is neither Code nor both Get and Put, or something else */
  constructor(parameters: MapParameters<In, Below>) {
    super('MapFilter', parameters);
  }

  /** @throws PreforkError ERR_PREFORK_FILTER if Get returns no array */
  protected override cut(): [] | [In] {
    for (;;) {
      const made = this.#made.take();
      if (made.length > 0) return made;
      const next = this.waiting.take();
      if (next.length === 0) return [];
      const list = listOf('Get', this.directions.get(next[0]));
      this.#made.push(list);
      if (list.length === 0 && mustStop()) return [];
    }
  }

  /** @throws PreforkError ERR_PREFORK_FILTER if Put returns no array */
  put(records: readonly In[]): Below[] {
    return records.flatMap((record) => listOf('Put', this.directions.put(record)));
  }

  get_pending(): undefined | Below[] {
    const pending = [...this.put(this.#made.peek()), ...this.waiting.peek()];
    return pending.length === 0 ? undefined : pending;
  }

  protected override forget(): void {
    super.forget();
    this.#made.clear();
  }

  clone(): MapFilter<In, Below> {
    return new MapFilter<In, Below>({ Get: this.directions.get, Put: this.directions.put });
  }
}

// Accepting a single record in place of a list would be a guess: a record may itself be an array.
function listOf<T>(name: string, given: readonly T[]): readonly T[] {
  const isList: boolean = Array.isArray(given);
  if (isList) return given;
  throw new PreforkError('ERR_PREFORK_FILTER', `${name} of MapFilter must return an array of records, not ${showRefused(given)}.`);
}
