/** How long, in total, the master did not listen: its event loop was blocked although a timer was due. */
export interface Deafness {
  /** Milliseconds in all. */
  readonly deafMs: number;
  /** When the next timer is due, whose lateness shows whether the loop was blocked; Infinity = none is set. */
  readonly dueAt: number;
}

export const NEVER_DEAF: Deafness = { deafMs: 0, dueAt: Infinity };

/** Up to this, a timer is late only because of the machine's load. */
const LATE_MS = 50;

/** The master's loop is running now: a timer that should have fired long ago shows since when it was not. */
export function listens({ deafMs, dueAt }: Deafness, now: number): Deafness {
  // Until the timer is set again, the time up to now is accounted for.
  return now - dueAt > LATE_MS ? { deafMs: deafMs + (now - dueAt), dueAt: now } : { deafMs, dueAt };
}
