/** Something that is due at a time. */
export interface Due {
  readonly id: number;
  dueAt: number;
  /** Where it is in the queue. */
  place: number;
}

/** What is due first, of those due together what has the lower id: a binary heap, so each change costs the logarithm of how many there are. */
export class DueQueue<Item extends Due> {
  /** Each is due no later than the two at twice its place, plus 1 and plus 2. */
  readonly #items: Item[] = [];

  get first(): Item | undefined {
    return this.#items[0];
  }

  add(item: Item): void {
    this.#rise(item, this.#items.length);
  }

  /** Removes what is in the queue; to be called before its time changes. */
  remove(item: Item): void {
    const last = this.#items.pop();
    if (last === undefined || last === item) return;
    if (isBefore(last, item)) this.#rise(last, item.place);
    else this.#sink(last, item.place);
  }

  clear(): void {
    this.#items.length = 0;
  }

  /** Puts an item where it belongs: at a place that is free, or above it. */
  #rise(item: Item, place: number): void {
    for (;;) {
      const above = (place - 1) >> 1;
      const other = this.#items[above];
      if (other === undefined || isBefore(other, item)) { this.#put(item, place); return; }
      this.#put(other, place);
      place = above;
    }
  }

  /** The same at a place that is free, or below it. */
  #sink(item: Item, place: number): void {
    for (;;) {
      let below = 2 * place + 1;
      let other = this.#items[below];
      const second = this.#items[below + 1];
      if (other !== undefined && second !== undefined && isBefore(second, other)) {
        other = second;
        below += 1;
      }
      if (other === undefined || isBefore(item, other)) { this.#put(item, place); return; }
      this.#put(other, place);
      place = below;
    }
  }

  #put(item: Item, place: number): void {
    this.#items[place] = item;
    item.place = place;
  }
}

const isBefore = (one: Due, other: Due): boolean => one.dueAt < other.dueAt || (one.dueAt === other.dueAt && one.id < other.id);
