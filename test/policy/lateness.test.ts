import { describe, expect, it } from 'vitest';
import { NEVER_LATE, latenessAt, observeLateness } from '../../src/policy/lateness.js';

describe('the lateness of workers that are well', () => {
  it('is none as long as they are in time', () => {
    expect(latenessAt(NEVER_LATE, 1000)).toBe(0);
    expect(latenessAt(observeLateness(NEVER_LATE, -5, 1000), 1000)).toBe(0);
  });

  it('is twice what was seen, and less with every second without another', () => {
    const late = observeLateness(NEVER_LATE, 40, 1000);

    expect([latenessAt(late, 1000), latenessAt(late, 2000), latenessAt(late, 3000)]).toEqual([80, 40, 20]);
  });

  it('follows the latest of late, not the last', () => {
    const late = observeLateness(observeLateness(NEVER_LATE, 40, 1000), 5, 1010);

    expect(latenessAt(late, 1000)).toBe(80);
  });

  it('learns nothing from one that was blocked by its own work', () => {
    expect(observeLateness(NEVER_LATE, 61, 1000)).toBe(NEVER_LATE);
  });
});
