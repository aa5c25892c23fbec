import { flag, positive } from '../checks.js';
import type { Buffer } from 'node:buffer';
import { BaseFilter } from './base-filter.js';
import { checkParameters, parameterError, recordError } from './parameters.js';
import { RecordQueue } from './record-queue.js';

/** Parameters of {@link RecordBlockFilter}. */
export interface RecordBlockParameters {
  /** How many records make a block. Required. */
  readonly BlockSize: number;
  /** Whether `put` sends whole blocks only, and keeps the rest for the next `put`. Default false. */
  readonly CheckPut?: boolean | 0 | 1 | undefined;
}

/**
 * Gathers records of the filter below into arrays of BlockSize; `put` takes arrays and sends their records one by one. It
 * stands above another filter in a Stackable; alone it works on the chunks of bytes as they come. At most BlockSize - 1
 * records wait for the rest of their block: with the limit of a record, that bounds its memory. `get_pending` returns them.
 *
 * @typeParam Below - records of the filter below
 */
export class RecordBlockFilter<Below = Buffer> extends BaseFilter<Below[], readonly Below[], Below, Below> {
  readonly #waiting = new RecordQueue<Below>();
  /** The block that is being gathered. */
  readonly #block: Below[] = [];
  /** With CheckPut, records put that do not fill a block yet. */
  readonly #unsent: Below[] = [];
  #blockSize: number;
  #checkPut: boolean;

  /** @throws PreforkError ERR_PREFORK_FILTER if BlockSize is missing, or a parameter is unknown or of a wrong type */
  constructor(parameters: RecordBlockParameters) {
    super();
    checkParameters(NAME, parameters, CHECKS);
    const { BlockSize, CheckPut } = (parameters as Partial<RecordBlockParameters> | undefined) ?? {};
    if (BlockSize === undefined) throw parameterError(NAME, ['BlockSize is required.']);
    this.#blockSize = BlockSize;
    this.#checkPut = Boolean(CheckPut);
  }

  get_one_start(records: readonly Below[]): void {
    this.#waiting.push(records);
  }

  protected override cut(): [] | [Below[]] {
    while (this.#block.length < this.#blockSize) {
      const next = this.#waiting.take();
      if (next.length === 0) return [];
      this.#block.push(next[0]);
    }
    // More than one block if BlockSize was lowered meanwhile.
    return [this.#block.splice(0, this.#blockSize)];
  }

  /** @throws PreforkError ERR_PREFORK_FILTER for a record that is not an array */
  put(records: readonly (readonly Below[])[]): Below[] {
    for (const record of records) if (!Array.isArray(record)) throw recordError(NAME, record, 'arrays of records');
    // What waits is not moved at every call: it may be much, and each call may put little.
    for (const record of records) for (const one of record) this.#unsent.push(one);
    const { length } = this.#unsent;
    return this.#unsent.splice(0, this.#checkPut ? length - length % this.#blockSize : length);
  }

  /** With CheckPut, the records put that wait for the rest of their block; undefined if there are none. They stay. */
  put_pending(): undefined | Below[] {
    return this.#unsent.length === 0 ? undefined : [...this.#unsent];
  }

  get_pending(): undefined | Below[] {
    const pending = [...this.#block, ...this.#waiting.peek()];
    return pending.length === 0 ? undefined : pending;
  }

  protected override forget(): void {
    this.#block.length = 0;
    this.#waiting.clear();
  }

  /**
   * How many records make a block, and, with an argument, will make one from now on.
   *
   * @throws PreforkError ERR_PREFORK_FILTER if it is not a whole number above 0
   */
  blocksize(count?: number): number {
    checkParameters(NAME, { BlockSize: count }, CHECKS);
    this.#blockSize = count ?? this.#blockSize;
    return this.#blockSize;
  }

  /**
   * Whether `put` sends whole blocks only, and, with an argument, will from now on. Switched off, the next `put` sends what
   * waits.
   *
   * @throws PreforkError ERR_PREFORK_FILTER if it is neither true, false, 1 nor 0
   */
  checkput(on?: boolean | 0 | 1): boolean {
    checkParameters(NAME, { CheckPut: on }, CHECKS);
    if (on !== undefined) this.#checkPut = Boolean(on);
    return this.#checkPut;
  }

  clone(): RecordBlockFilter<Below> {
    return new RecordBlockFilter<Below>({ BlockSize: this.#blockSize, CheckPut: this.#checkPut });
  }
}

const NAME = 'RecordBlockFilter';
const CHECKS = { BlockSize: positive, CheckPut: flag };
