import { PreforkError } from '../errors.js';
import type { Chunk } from './filter.js';

/** How many records a filter may give for any input: far more than one that comes to an end would give. */
export const MOST_EXPANSION: number = 2 ** 20;
/** How many more for each byte: a MapFilter may make a list of a line. */
const EXPANSION = 1000;
/** How many in all, however much it is fed. */
const CEILING = 2 ** 26;

/** How many records a filter that is being fed may give before it is fed again. @param left - how many it had left before */
export function budgetOf(chunks: readonly Chunk[], left: number): number {
  const bytes = chunks.reduce((most, { length }) => most + length, 0);
  return Math.min(Math.max(left, MOST_EXPANSION) + EXPANSION * bytes, CEILING + bytes);
}

/** The error for a filter that never says that there is no record: taking records until there are none would never come to an end. */
export const endless = (who: string): PreforkError => (
  new PreforkError('ERR_PREFORK_FILTER', `get_one of ${who} gives records without end; it must give [] when there is no whole one.`));
