/** How late signs of life come from healthy workers. */
export interface Lateness {
  readonly ms: number;
  readonly at: number;
}

export const NEVER_LATE: Lateness = { ms: 0, at: -Infinity };

const HALF_LIFE_MS = 1000;
/** A worker later than this was blocked by its own work, which says nothing about the machine. */
const MOST_MS = 60;
/** Twice the greatest recent lateness has to be expected. */
const MARGIN = 2;

/** A worker was heard from this much after its pulse was due. */
export function observeLateness(lateness: Lateness, lateMs: number, now: number): Lateness {
  if (lateMs > MOST_MS) return lateness;
  const decayed = decay(lateness, now);
  return lateMs >= decayed ? { ms: lateMs, at: now } : lateness;
}

/**
 * How late a healthy worker may be. In a crowd of short-lived clients a few workers accept, each with much to do in one turn
 * of its event loop. If the machine is overloaded as well, their pulses are late although nothing is wrong; taking them for
 * blocked would wake all the other workers, which would overload it even more.
 */
export const latenessAt = (lateness: Lateness, now: number): number => MARGIN * Math.max(decay(lateness, now), 0);

const decay = ({ ms, at }: Lateness, now: number): number => (at === -Infinity ? 0 : ms * 0.5 ** ((now - at) / HALF_LIFE_MS));
