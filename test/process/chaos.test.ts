import { describe, expect, it } from 'vitest';
import { holds } from '../load/chaos/bounds.js';

/** A row of a scenario: what, measured, what it must be. */
type Row = readonly [what: string, measured: unknown, bound: unknown];
type Scenario = (options: object) => Promise<readonly Row[]>;

// Plain programs, which are not type-checked: they come as a module of unknown content.
const scenarios = await import(new URL('../load/chaos/scenarios.js', import.meta.url).href) as Readonly<Record<string, Scenario>>;

/** What may take longer on a loaded machine, or weighs more in a short run. Counts are exact everywhere. */
const RELAXED: Readonly<Record<string, string>> = {
  'seconds until the pool was at strength': '<= 10',
  '99th percentile': '<= 1000',
  '99th percentile of ms to the first byte meanwhile': '<= 2000',
  'seconds until the master answered again': '<= 5',
  'heartbeats late, ms at the most': '<= 2000',
  'ms to its first byte': '<= 5000',
  'KiB of a worker for each': '<= 100',
  'MiB more in its worker': '<= 32',
};

const SHORT: readonly [title: string, name: string, options: object][] = [
  ['workers that are killed at random under load cost their own clients only, and nobody is refused', 'killed', { seconds: 2, workers: 4, clients: 12 }],
  ['recycling every worker again and again costs no client', 'recycled', { rounds: 5, perSecond: 200 }],
  ['while four of six workers are blocked by a callback the others serve at once', 'blocked', { seconds: 1.5 }],
  ['clients that connect and reset at once leave nothing behind', 'resets', { count: 2000 }],
  ['open connections that are idle cost little and do not delay heartbeats', 'idle', { connections: 500 }],
  ['clients that ask for much and read nothing are held back', 'slowReaders', { readers: 20, kilobytes: 2000 }],
  ['input without end is cut off', 'endless', { lineMiB: 8 }],
  ['while the master is stopped clients are served, and it harms nobody when it goes on', 'stalled', { seconds: 1.6 }],
  ['a worker that fills its JavaScript heap is one dead worker', 'heap', {}],
];

describe('chaos, in short', () => {
  it('has a short form of every scenario', () => {
    expect(SHORT.map(([, name]) => name).sort()).toEqual(Object.keys(scenarios).sort());
  });

  it.each(SHORT)('%s (%s)', async (_title, name, options) => {
    const rows = await scenarios[name]?.({ seed: 1, ...options }) ?? [];

    expect(rows.length).toBeGreaterThan(0);
    const missed = rows.map(([what, measured, bound]): Row => [what, measured, RELAXED[what] ?? bound])
      .filter(([, measured, bound]) => !holds(measured, bound));
    expect(missed).toEqual([]);
  });
});
