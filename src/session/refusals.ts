import type { AnyFilter } from '../filters/filter.js';

/**
 * Counts how often a filter has refused its input since it was fed: one that keeps refusing the same bytes must not keep the
 * worker busy with them, but what follows a bad record is handled.
 */
export class Refusals {
  #count = 0;
  /** What was left when that was looked at last, in bytes. */
  #left = 0;

  /** The filter was fed, or is another. */
  reset(): void {
    this.#count = 0;
  }

  /** @returns whether the filter has made no progress since it was looked at last */
  isStuck(filter: AnyFilter): boolean {
    this.#count += 1;
    // What is left is as much as a read, which may hold thousands of bad records: it is looked at after the 1st, 2nd, 4th, 8th of them.
    if ((this.#count & (this.#count - 1)) !== 0) return false;
    const left = pendingBytes(filter);
    if (this.#count > 1 && left === this.#left) return true;
    this.#left = left;
    return false;
  }
}

function pendingBytes(filter: AnyFilter): number {
  try {
    return (filter.get_pending() ?? []).reduce((total, { length }) => total + length, 0);
  } catch {
    // A filter that refuses its input may not even be able to give it back. It counts as one that makes no progress.
    return 0;
  }
}
