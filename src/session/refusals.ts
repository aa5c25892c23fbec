import type { AnyFilter } from '../filters/filter.js';

/**
 * Counts how often a filter has refused its input since it was fed: one that keeps refusing the same bytes must not keep the
 * worker busy with them, but what follows a bad record has to be handled.
 */
export class Refusals {
  #count = 0;
  /** How many bytes were left at the last look. */
  #left = 0;

  /** The filter was fed, or replaced. */
  reset(): void {
    this.#count = 0;
  }

  /** @returns whether the filter has made no progress since the last look */
  isStuck(filter: AnyFilter): boolean {
    this.#count += 1;
    // What is left may be a whole read with thousands of bad records, so it is looked at only after the 1st, 2nd, 4th, 8th … of them.
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
    // A filter that refuses its input may not even be able to give it back. That counts as no progress.
    return 0;
  }
}
