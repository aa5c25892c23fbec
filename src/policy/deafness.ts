/** For how long in all the master did not listen: its event loop stood still although a timer was due. */
export interface Deafness {
  /** Milliseconds in all. */
  readonly deafMs: number;
  /** When the next timer is due, which shows by its lateness whether the loop stood still; Infinity = none is set. */
  readonly dueAt: number;
}

export const NEVER_DEAF: Deafness = { deafMs: 0, dueAt: Infinity };

/** A timer that is this late is late because of the load of the machine. */
const LATE_MS = 50;

/** The master's loop turns at this moment: a timer that should have fired long ago shows since when it did not. */
export function listens({ deafMs, dueAt }: Deafness, now: number): Deafness {
  // Until the timer is set again, the time up to now is accounted for.
  return now - dueAt > LATE_MS ? { deafMs: deafMs + (now - dueAt), dueAt: now } : { deafMs, dueAt };
}
