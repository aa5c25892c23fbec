import { describe, expect, it } from 'vitest';
import type { AcceptLoop } from '../../src/worker/accept-loop.js';
import { DescriptorWatch } from '../../src/worker/descriptor-watch.js';
import { DescriptorGuard } from '../../src/worker/descriptors.js';
import { ManualClock } from '../support/manual-clock.js';

/** How many accepts pass until it is time to measure, from now. */
function acceptsUntilDue(guard: DescriptorGuard): number {
  let accepts = 1;
  while (!guard.isDue()) accepts += 1;
  return accepts;
}

describe('a guard of open files', () => {
  it.each([
    ['leaves a reserve to the user\'s own files', { limit: 1024, open: 650, clients: 600 }, 942],
    ['keeps a smaller reserve where there are few', { limit: 64, open: 38, clients: 20 }, 38],
    ['allows no more than there are when the reserve is touched', { limit: 1024, open: 1000, clients: 700 }, 700],
    ['allows no more than there are when all are open', { limit: 1024, open: 1024, clients: 700 }, 700],
    ['lets no more than twice as many come as have proved what they open', { limit: 1024, open: 240, clients: 200 }, 400],
    ['lets some come of which nothing is known, the more the more files are free', { limit: 65_536, open: 240, clients: 2 }, 2 + Math.floor((65_536 - 272) / 64)],
    ['never allows fewer than there are', { limit: 1024, open: 5000, clients: 700 }, 700],
  ])('%s', (_title, { limit, open, clients }, allowed) => {
    expect(new DescriptorGuard({ limit, countOpen: () => open }).measure(clients, 0)).toBe(allowed);
  });

  it('measures nothing where the limit is not known', () => {
    const guard = new DescriptorGuard({ limit: Infinity, countOpen: () => { throw new Error('counted'); } });

    expect(guard.measure(5, 0)).toBeNull();
    expect(guard.isDue()).toBe(false);
  });

  it('measures again well before the files that were free can be used up', () => {
    for (const limit of [32, 256, 1024, 65_536]) {
      for (const open of [8, limit / 2, limit - 60, limit - 1]) {
        const guard = new DescriptorGuard({ limit, countOpen: () => open });
        const free = limit - open - Math.min(limit / 8, 32);
        guard.measure(0, 0);

        expect(acceptsUntilDue(guard), `${open} of ${limit}`).toBeLessThanOrEqual(Math.max(free / 4, 1));
      }
    }
  });

  it('measures rarely while many are free, and with each accept when few are', () => {
    let open = 20;
    const guard = new DescriptorGuard({ limit: 1_000_000, countOpen: () => open });
    guard.measure(0, 0);
    const rarely = acceptsUntilDue(guard);
    open = 999_960;
    guard.measure(0, 0);

    expect(rarely).toBeGreaterThan(100);
    expect(acceptsUntilDue(guard)).toBe(1);
  });

  /** Clients come at once, and each opens its files when the next has come, until no more are allowed. */
  function fill(filesEach: number, { limit, own = 40 }: { readonly limit: number; readonly own?: number }): { readonly clients: number; readonly open: number } {
    let clients = 0;
    let open = own;
    const guard = new DescriptorGuard({ limit, countOpen: () => open });
    let allowed = guard.measure(0, 0) ?? Infinity;
    while (clients < allowed && clients < limit) {
      clients += 1;
      open += 1 + (clients > 1 ? filesEach : 0);
      if (guard.isDue(clients) || clients >= allowed) allowed = guard.measure(clients, 0) ?? Infinity;
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
    guard.measure(0, 0);
    open += 500 + 4;
    let allowed = guard.measure(4, 0) ?? 0;
    for (let clients = 5; clients <= 8; clients++) {
      open += 1;
      expect(allowed).toBeGreaterThanOrEqual(clients);
      allowed = guard.measure(clients, 0) ?? 0;
    }

    expect(allowed).toBe(16);
  });

  it.each([[0, 256], [3, 256], [10, 256], [30, 256], [3, 64], [10, 1024], [50, 1024]])('learns it, too, where they open %d files only after a burst of them has been accepted, with a limit of %d', (filesEach, limit) => {
    const own = 30;
    let clients = 0;
    let open = own;
    const guard = new DescriptorGuard({ limit, countOpen: () => open });
    let allowed = guard.measure(0, 0) ?? Infinity;
    for (let before = -1; before < clients;) {
      before = clients;
      for (; clients < allowed; clients++) {
        open += 1;
        if (guard.isDue(clients)) allowed = guard.measure(clients, clients - Math.max(before, 0)) ?? Infinity;
      }
      open += (clients - before) * filesEach;
      expect(open).toBeLessThanOrEqual(limit);
      allowed = guard.measure(clients, 0) ?? Infinity;
    }

    const most = Math.floor((limit - own - Math.min(32, limit / 8)) / (1 + filesEach));
    expect(clients).toBeGreaterThanOrEqual(most - 1);
  });

  it('counts a burst no more often than it doubles while many are free', () => {
    let counts = 0;
    const guard = new DescriptorGuard({ limit: 1_000_000, countOpen: () => { counts += 1; return 40; } });
    guard.measure(0, 0);

    for (let clients = 1; clients <= 4000; clients++) if (guard.isDue(clients)) guard.measure(clients, clients);

    expect(counts).toBeLessThan(15);
  });
});

describe('a watch of open files', () => {
  interface Watched {
    readonly clock: ManualClock;
    readonly errors: string[];
    readonly loop: { clients: number; allowed: number | null; readonly isShortOfFiles: boolean };
    readonly watch: DescriptorWatch;
    open: number;
    /** Clients come at once, as many as may; returns how many. */
    come(): number;
  }

  function watched(limit: number): Watched {
    const clock = new ManualClock();
    const errors: string[] = [];
    const loop = {
      clients: 0,
      allowed: null as number | null,
      get isShortOfFiles(): boolean { return this.clients >= (this.allowed ?? Infinity); },
      setLimits({ descriptors }: { readonly descriptors: number | null }): void { this.allowed = descriptors; },
    };
    const watch = new DescriptorWatch({
      clock, loop: loop as unknown as AcceptLoop,
      guard: new DescriptorGuard({ limit, countOpen: () => scene.open }),
      failed: ({ message }) => { errors.push(message); },
    });
    const scene: Watched = {
      clock, errors, loop, watch, open: 40,
      come() {
        const before = loop.clients;
        while (!loop.isShortOfFiles && loop.clients < limit) {
          loop.clients += 1;
          scene.open += 1;
          watch.accepted();
        }
        return loop.clients - before;
      },
    };
    watch.measure();
    return scene;
  }

  it('lets a burst in by and by, until each client has opened what it opens, and says once that files run short', () => {
    const scene = watched(256);

    for (let at = 0; at < 500; at += 20) {
      const came = scene.come();
      scene.open += came * 3;
      scene.clock.advance(20);
      expect(scene.open).toBeLessThanOrEqual(256);
      if (at < 60) expect(scene.errors).toEqual([]);
    }

    expect(scene.loop.clients).toBe(46);
    expect(scene.errors).toEqual([expect.stringMatching(/^A worker with 46 clients is close to its limit of 256 open files/)]);
  });

  it.each([[0, 1024, 300, 500], [6, 1024, 50, 130], [6, 256, 8, 26], [30, 256, 4, 8]])('lets more in when clients prove by their leaving what they open, though others come at once: %d files each, with a limit of %d', (filesEach, limit, least, most) => {
    const scene = watched(limit);
    let clients = 0;

    for (let at = 0; at < 3000; at += 10) {
      clients = scene.come();
      scene.clock.advance(5);
      scene.open += clients * filesEach;
      expect(scene.open).toBeLessThanOrEqual(limit);
      scene.clock.advance(4);
      for (let client = 0; client < clients; client++) {
        scene.watch.leaving();
        scene.loop.clients -= 1;
        scene.open -= 1 + filesEach;
      }
      scene.clock.advance(1);
    }

    expect(clients).toBeGreaterThanOrEqual(least);
    expect(clients).toBeLessThanOrEqual(most);
    if (limit === 1024) expect(scene.errors).toEqual([]);
  });

  it('does not take files that the program opens with its first clients for theirs, though others come at once', () => {
    const scene = watched(1024);
    let clients = 0;

    for (let at = 0; at < 3000; at += 10) {
      if (at === 0) scene.open += 100;
      clients = scene.come();
      scene.clock.advance(9);
      for (let client = 0; client < clients; client++) {
        scene.watch.leaving();
        scene.loop.clients -= 1;
        scene.open -= 1;
      }
      scene.clock.advance(1);
    }

    expect(clients).toBeGreaterThan(300);
    expect(scene.errors).toEqual([]);
  });

  it('says it again only after files have been free', () => {
    const scene = watched(64);
    const fill = (): void => {
      for (let at = 0; at < 500; at += 20) {
        scene.come();
        scene.clock.advance(20);
      }
    };
    const leave = (count: number): void => {
      scene.loop.clients -= count;
      scene.open -= count;
    };
    fill();
    leave(1);
    fill();
    const said = scene.errors.length;
    leave(10);
    scene.watch.measure();
    fill();

    expect([said, scene.errors.length]).toEqual([1, 2]);
    expect(scene.clock.delays).toEqual([]);
  });
});
