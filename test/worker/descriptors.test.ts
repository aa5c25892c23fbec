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
});
