import { describe, expect, it } from 'vitest';
import { ANSWER_MS, IDLE_PULSE_MS, PULSE_MS, WATCHED_PULSE_MS, blockedAt, isBlocked, type SilenceView } from '../../src/policy/silence.js';

const NOW = 1_000_000;
const view = (given: Partial<SilenceView> = {}): SilenceView => ({ heardAt: NOW, pulseMs: PULSE_MS, askedAt: NOW - 60_000, answered: true, ...given });

describe('a worker counts as blocked', () => {
  it.each([
    ['when its pulse is missed', view(), PULSE_MS + 150],
    ['soon, when others depend on it', view({ pulseMs: WATCHED_PULSE_MS }), WATCHED_PULSE_MS + 30],
    ['a little later, when others depend on it and it has no client', view({ pulseMs: IDLE_PULSE_MS }), IDLE_PULSE_MS + 30],
    ['when it does not answer', view({ askedAt: NOW, answered: false }), ANSWER_MS],
    ['when it has not spoken for so long since it was asked', view({ askedAt: NOW - 40, answered: false }), ANSWER_MS],
    ['from the question on, however long it was silent before', view({ heardAt: NOW - 400, askedAt: NOW, answered: false }), ANSWER_MS],
    ['at its pulse at the latest, whatever it was asked', view({ heardAt: NOW - PULSE_MS - 140, askedAt: NOW, answered: false }), 10],
  ])('%s', (_title, silence, afterMs) => {
    expect(blockedAt(silence)).toBe(NOW + afterMs);
    expect([isBlocked(silence, NOW + afterMs - 1), isBlocked(silence, NOW + afterMs)]).toEqual([false, true]);
  });
});
