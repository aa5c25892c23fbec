/**
 * Decides when a worker counts as blocked: its event loop does not turn, so it neither accepts nor serves.
 *
 * No part of a program has to announce that it may block. A ready worker sends a pulse at an interval that it names in its reports,
 * whatever else it does; whatever stops its event loop (a callback before or after an `await`, a timer, a library, garbage
 * collection, SIGSTOP, a debugger) stops the pulse, too. And it answers questions at once, so asking finds out sooner.
 */
export interface SilenceView {
  /** When it was last heard from, on the master's clock. */
  readonly heardAt: number;
  /** The pulse it keeps to, as last reported, in milliseconds. */
  readonly pulseMs: number;
  /** When it was sent the first order that it has yet to confirm; if there is none, the last order. */
  readonly askedAt: number;
  /** Whether its last report came after that order. */
  readonly answered: boolean;
  /** How much later than usual it may be, on an overloaded machine (lateness.ts). Default 0. */
  readonly lateMs?: number;
}

/** The pulse of a worker on which the others depend: it is one of a few that may accept. */
export const WATCHED_PULSE_MS = 20;
/** The pulse of a worker on which the others depend while it has no client. */
export const IDLE_PULSE_MS = 200;
/** The pulse of every other worker: 20 messages a second in a pool of 20. */
export const PULSE_MS = 1000;
/** How late an answer may be. A healthy event loop is later than that only on an overloaded machine. */
export const ANSWER_MS = 35;
/** How late a pulse may be: one on which others depend, and any other. */
const SLACK_MS = 30;
const PULSE_SLACK_MS = 150;

/** When a worker will count as blocked unless it is heard from before. */
export function blockedAt({ heardAt, pulseMs, askedAt, answered, lateMs = 0 }: SilenceView): number {
  const pulse = heardAt + pulseMs + Math.max(pulseMs <= IDLE_PULSE_MS ? SLACK_MS : PULSE_SLACK_MS, lateMs);
  return answered ? pulse : Math.min(pulse, Math.max(askedAt, heardAt) + Math.max(ANSWER_MS, lateMs));
}

export const isBlocked = (view: SilenceView, now: number): boolean => now >= blockedAt(view);

/** How long a worker has to be blocked before more workers are started to make up for it: a late answer on a busy machine is not reason enough. */
const HANGING_MS = 300;

/** Whether it has been blocked long enough to count as hanging. */
export const isHanging = (view: SilenceView, now: number): boolean => now >= blockedAt(view) + HANGING_MS;
