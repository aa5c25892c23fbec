/** How many records may be passed over at once. */
const MOST = 16;

/** How many more of them until filters stop, and whether they have. */
const state = { left: Infinity, haveStopped: false };

/**
 * Lets filters pass over some records and no more: code of the user's may drop thousands that have come in one read, and in
 * between it may be others' turn. Used without a session, filters know no such limit. To be lifted after the record.
 */
export function limitSkips(): void {
  state.left = MOST;
  state.haveStopped = false;
}

export function liftLimit(): void {
  state.left = Infinity;
}

/** Whether filters have stopped since the limit was set, so that a filter which has no record is to be asked again. */
export const haveStopped = (): boolean => state.haveStopped;

/** A filter has passed over a record. @returns whether it has to stop, as if it had no more */
export function mustStop(): boolean {
  state.left -= 1;
  state.haveStopped ||= state.left < 0;
  return state.left < 0;
}

/** Takes all records: nothing may come in between. */
export function withoutLimit<T>(take: () => T): T {
  const { left } = state;
  state.left = Infinity;
  try {
    return take();
  } finally {
    state.left = left;
  }
}
