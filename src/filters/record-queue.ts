/** Records in, records out, first come first served, at a cost that does not depend on how many wait. */
export class RecordQueue<T> {
  readonly #records: T[] = [];
  /** Position of the first record that was not taken. */
  #at = 0;

  push(records: readonly T[]): void {
    for (const record of records) this.#records.push(record);
  }

  /** Removes the first record, as an array of one; an empty array if there is none. */
  take(): [] | [T] {
    if (this.#at === this.#records.length) return [];
    const record = this.#records[this.#at++] as T;
    // Half of them at once, so that each record is moved at most once on average.
    if (this.#at * 2 >= this.#records.length) this.#at -= this.#records.splice(0, this.#at).length;
    return [record];
  }

  /** Removes all records. */
  clear(): void {
    this.#records.length = this.#at = 0;
  }

  /** The records that wait, which stay. */
  peek(): T[] {
    return this.#records.slice(this.#at);
  }
}
