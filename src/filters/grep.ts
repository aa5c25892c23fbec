import type { Buffer } from 'node:buffer';
import { isThenable, showRefused } from '../checks.js';
import { PreforkError } from '../errors.js';
import { CodeFilter } from './code-filter.js';
import { mustStop } from './skips.js';

/** Parameters of {@link GrepFilter}: Code, or both Get and Put. Each returns a true value for records that pass. */
export interface GrepParameters<Passed> {
  /** Get and Put in one. */
  readonly Code?: ((record: Passed) => unknown) | undefined;
  /** Chooses among the records from below. */
  readonly Get?: ((record: Passed) => unknown) | undefined;
  /** Chooses among the records that are put. */
  readonly Put?: ((record: Passed) => unknown) | undefined;
}

/**
 * Lets through the records that the user's code chooses; the others are dropped. It stands above another filter in a
 * Stackable; alone it works on the chunks of bytes as they come. `get_pending` returns the records that Get has not seen.
 *
 * @typeParam Passed - records in both directions
 */
export class GrepFilter<Passed = Buffer> extends CodeFilter<
  Passed, Passed, (record: Passed) => unknown, (record: Passed) => unknown, (record: Passed) => unknown
> {
  /** @throws PreforkError ERR_PREFORK_FILTER if there is neither Code nor both Get and Put, or something else */
  constructor(parameters: GrepParameters<Passed>) {
    super('GrepFilter', parameters);
  }

  /** @throws PreforkError ERR_PREFORK_FILTER if Get returns a promise */
  protected override cut(): [] | [Passed] {
    for (;;) {
      const next = this.waiting.take();
      if (next.length === 0 || passes('Get', this.directions.get(next[0]))) return next;
      if (mustStop()) return [];
    }
  }

  /** @throws PreforkError ERR_PREFORK_FILTER if Put returns a promise */
  put(records: readonly Passed[]): Passed[] {
    return records.filter((record) => passes('Put', this.directions.put(record)));
  }

  get_pending(): undefined | Passed[] {
    const pending = this.waiting.peek();
    return pending.length === 0 ? undefined : pending;
  }

  clone(): GrepFilter<Passed> {
    return new GrepFilter<Passed>({ Get: this.directions.get, Put: this.directions.put });
  }
}

// Any promise is true, so everything would pass.
function passes(name: string, answer: unknown): boolean {
  if (isThenable(answer)) throw new PreforkError('ERR_PREFORK_FILTER', `${name} of GrepFilter must return whether a record passes, not ${showRefused(answer)}.`);
  return Boolean(answer);
}
