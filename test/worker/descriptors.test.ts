import { describe, expect, it } from 'vitest';
import { DescriptorGuard } from '../../src/worker/descriptors.js';

/** How many accepts pass until it is time to measure, from now. */
function acceptsUntilDue(guard: DescriptorGuard): number {
  let accepts = 1;
  while (!guard.isDue()) accepts += 1;
  return accepts;
}

describe('a guard of open files', () => {
  it.each([
    ['leaves a reserve to the user\'s own files', { limit: 1024, open: 500, clients: 100 }, 592],
    ['keeps a smaller reserve where there are few', { limit: 64, open: 20, clients: 2 }, 38],
    ['allows no more than there are when the reserve is touched', { limit: 1024, open: 1000, clients: 700 }, 700],
    ['allows no more than there are when all are open', { limit: 1024, open: 1024, clients: 700 }, 700],
    ['never allows fewer than there are', { limit: 1024, open: 5000, clients: 700 }, 700],
  ])('%s', (_title, { limit, open, clients }, allowed) => {
    expect(new DescriptorGuard({ limit, countOpen: () => open }).measure(clients)).toBe(allowed);
  });

  it('measures nothing where the limit is not known', () => {
    const guard = new DescriptorGuard({ limit: Infinity, countOpen: () => { throw new Error('counted'); } });

    expect(guard.measure(5)).toBeNull();
    expect(guard.isDue()).toBe(false);
  });

  it('measures again well before the files that were free can be used up', () => {
    for (const limit of [32, 256, 1024, 65_536]) {
      for (const open of [8, limit / 2, limit - 60, limit - 1]) {
        const guard = new DescriptorGuard({ limit, countOpen: () => open });
        const free = guard.measure(0) ?? Infinity;

        expect(acceptsUntilDue(guard), `${open} of ${limit}`).toBeLessThanOrEqual(Math.max(free / 4, 1));
      }
    }
  });

  it('measures rarely while many are free, and with each accept when few are', () => {
    let open = 20;
    const guard = new DescriptorGuard({ limit: 1_000_000, countOpen: () => open });
    guard.measure(0);
    const rarely = acceptsUntilDue(guard);
    open = 999_960;
    guard.measure(0);

    expect(rarely).toBeGreaterThan(100);
    expect(acceptsUntilDue(guard)).toBe(1);
  });

  /** Clients come at once, and each opens its files when the next has come, until no more are allowed. */
  function fill(filesEach: number, { limit, own = 40 }: { readonly limit: number; readonly own?: number }): { readonly clients: number; readonly open: number } {
    let clients = 0;
    let open = own;
    const guard = new DescriptorGuard({ limit, countOpen: () => open });
    let allowed = guard.measure(0) ?? Infinity;
    while (clients < allowed && clients < limit) {
      clients += 1;
      open += 1 + (clients > 1 ? filesEach : 0);
      if (guard.isDue(clients) || clients >= allowed) allowed = guard.measure(clients) ?? Infinity;
    }
    return { clients, open: open + filesEach };
  }

  it.each([[0, 256], [3, 256], [10, 256], [30, 256], [10, 1024], [50, 1024]])('learns in time that each client opens %d files of its own, with a limit of %d', (filesEach, limit) => {
    const { clients, open } = fill(filesEach, { limit });

    expect(open).toBeLessThanOrEqual(limit);
    expect(clients).toBeGreaterThanOrEqual(Math.floor((limit - 40 - 32) / (1 + filesEach)) - 1);
  });

  it('does not take files that the program opens with its first clients for those of each client', () => {
    let open = 40;
    const guard = new DescriptorGuard({ limit: 1024, countOpen: () => open });
    guard.measure(0);
    open += 500 + 4;
    let allowed = guard.measure(4) ?? 0;
    for (let clients = 5; clients <= 8; clients++) {
      open += 1;
      expect(allowed).toBeGreaterThanOrEqual(clients);
      allowed = guard.measure(clients) ?? 0;
    }

    expect(allowed).toBe(8 + 1024 - open - 32);
  });
});
