import { endless, MOST_EXPANSION } from './endless.js';
import type { Handover, Layer } from './filter.js';
import { feed, joined, pendingOf, sentDown, takeRecord } from './layers.js';
import { outputBytes } from './parameters.js';

type Rest = Handover['rest'];

/**
 * The end of the last record of a stack, if a filter other than the lowest knows how it may go on: the filters below have to
 * cut the input before it can be found there. What follows it goes back down, as those filters send it.
 */
export class StackEnd {
  readonly #below: readonly Layer[];
  readonly #rests: Rest[];

  /**
   * @param below - the filters below that one, the lowest first, with what they hold; they are used for nothing else
   * @param rests - what each of them, and the filter above them, has left of its last record
   */
  constructor(below: readonly Layer[], rests: readonly Rest[]) {
    this.#below = below;
    this.#rests = [...rests];
  }

  /** Takes further input. @returns the part of all input that belongs to the next filter; undefined if there is none yet */
  take(input: Buffer): Buffer | undefined {
    const level = this.#below.length;
    const records = this.#below.reduce<readonly unknown[]>(
      (given, layer, at) => cut(layer, this.#after(at, given)), input.length === 0 ? [] : [input],
    );
    const left = this.#after(level, records);
    return this.#rests[level] === undefined ? joined(sentDown(this.#below, this.#below.map(pendingOf), left)) : undefined;
  }

  /** The part of a filter's input that follows the end of its last record. */
  #after(level: number, records: readonly unknown[]): readonly unknown[] {
    for (const [index, record] of records.entries()) {
      const rest = this.#rests[level];
      if (rest === undefined) return records;
      const left = rest(outputBytes('StackableFilter', record));
      if (left === undefined) continue;
      this.#rests[level] = undefined;
      return [left, ...records.slice(index + 1)];
    }
    return [];
  }
}

/** All records that a filter makes of what it holds and what it is given. */
function cut(layer: Layer, given: readonly unknown[]): readonly unknown[] {
  if (given.length > 0) feed(layer, given);
  const records: unknown[] = [];
  for (let one = takeRecord(layer); one.length > 0; one = takeRecord(layer)) {
    if (records.push(one[0]) > MOST_EXPANSION) throw endless(layer.constructor.name);
  }
  return records;
}
