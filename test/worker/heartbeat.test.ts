import { afterEach, describe, expect, it, vi } from 'vitest';
import type { WorkerVitals } from '../../src/ipc/protocol.js';
import { Heartbeat } from '../../src/worker/heartbeat.js';
import { ManualClock } from '../support/manual-clock.js';

afterEach(() => { vi.restoreAllMocks(); });

/** What it reports in three beats while memory cannot be read the last two times. */
function beats(code: string): { readonly vitals: readonly WorkerVitals[]; readonly errors: readonly Error[] } {
  const clock = new ManualClock();
  const vitals: WorkerVitals[] = [];
  const errors: Error[] = [];
  new Heartbeat(clock, (one) => { vitals.push(one); }, (error) => { errors.push(error); }).start(100);
  clock.advance(100);
  vi.spyOn(process, 'memoryUsage').mockImplementation(() => { throw Object.assign(new Error(`${code}: uv_resident_set_memory`), { code }); });
  clock.advance(200);
  return { vitals, errors };
}

describe('heartbeats', () => {
  it('of all workers come together, whenever each began, and never further apart than the interval', () => {
    const clock = new ManualClock();
    const times: Record<string, number[]> = { first: [], second: [] };
    const begin = (name: string): Heartbeat => {
      const heartbeat = new Heartbeat(clock, () => { times[name]?.push(clock.now()); }, () => undefined);
      heartbeat.start(5000);
      return heartbeat;
    };

    begin('first');
    clock.advance(1234);
    begin('second');
    clock.advance(20_000);

    expect(times['first']).toHaveLength(4);
    expect(times['second']).toEqual(times['first']);
  });
});

describe('a heartbeat whose process cannot read how much memory it has', () => {
  it('says so once, says what it knew last, and goes on', () => {
    const { vitals, errors } = beats('ENOENT');

    expect(vitals).toHaveLength(3);
    expect(vitals[0]?.rss).toBeGreaterThan(0);
    expect(vitals.map(({ rss }) => rss)).toEqual([vitals[0]?.rss, vitals[0]?.rss, vitals[0]?.rss]);
    expect(errors.map(({ message }) => message)).toEqual([
      'The memory of this worker cannot be read, so MaxServerMemory has no effect: ENOENT: uv_resident_set_memory',
    ]);
  });

  it('says nothing while it is only out of descriptors', () => {
    expect(beats('EMFILE').errors).toEqual([]);
  });
});
