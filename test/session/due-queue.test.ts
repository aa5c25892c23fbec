import { describe, expect, it } from 'vitest';
import { DueQueue, type Due } from '../../src/session/due-queue.js';
import { Seeded, seeds } from '../support/seeded.js';

const due = (id: number, dueAt: number): Due => ({ id, dueAt, place: 0 });

/** Takes everything out. */
function drain(queue: DueQueue<Due>): Due[] {
  const items: Due[] = [];
  for (let first = queue.first; first !== undefined; first = queue.first) {
    items.push(first);
    queue.remove(first);
  }
  return items;
}

describe('a queue of what is due', () => {
  it.each(seeds(50))('gives what is due first, whatever was removed before: seed %i', (seed) => {
    const random = new Seeded(seed);
    const queue = new DueQueue<Due>();
    const left = new Set<Due>();
    for (let id = 0; id < 200; id++) {
      const item = due(id, random.below(20));
      queue.add(item);
      left.add(item);
      if (random.below(3) > 0) continue;
      const gone = random.pick([...left]);
      queue.remove(gone);
      left.delete(gone);
    }

    expect(drain(queue)).toEqual([...left].sort((one, other) => one.dueAt - other.dueAt || one.id - other.id));
  });

  it('is empty when it has been cleared', () => {
    const queue = new DueQueue<Due>();
    queue.add(due(1, 1));

    queue.clear();

    expect(queue.first).toBeUndefined();
  });

  it.each<[string, (id: number) => number]>([
    ['at the same time', () => 5], ['one after the other', (id) => id], ['one before the other', (id) => -id], ['in any order', (id) => (id * 7919) % 1000],
  ])('looks at few of 16,000 that are due %s to find the place of one', (_title, timeOf) => {
    const queue = new DueQueue<Due>();
    let looks = 0;
    for (let id = 0; id < 16_000; id++) {
      queue.add({ id, place: 0, get dueAt() {
        looks += 1;
        return timeOf(id);
      } });
    }
    drain(queue);

    expect(looks / 16_000).toBeLessThan(200);
  });
});
