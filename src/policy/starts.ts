/** How starts have gone. */
export interface StartHistory {
  /** Failed rounds since a worker last became ready. Workers forked together fail together: one round. */
  readonly failures: number;
  /** When this series of failures began, and when the last round failed. */
  readonly since: number;
  readonly failedAt: number;
  /** When the next start may be tried; undefined while none failed. */
  readonly retryAt: number | undefined;
  /** Whether any worker has ever become ready. */
  readonly everReady: boolean;
}

export const NO_STARTS: StartHistory = { failures: 0, since: -Infinity, failedAt: -Infinity, retryAt: undefined, everReady: false };

/** Failed rounds after which a pool that never worked gives up. */
export const MOST_FAILURES = 3;

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 30_000;

/**
 * A worker is ready: if it was started since the last failure, others may start too. Failures are forgotten only when a
 * worker has proved useful.
 */
export const workerReady = (history: StartHistory, { bornAt }: { readonly bornAt: number }): StartHistory => (
  { ...history, retryAt: bornAt >= history.failedAt ? undefined : history.retryAt, everReady: true }
);

/** A worker that was started since the failures has proved useful: all is well again. */
export const startSucceeded = (): StartHistory => ({ ...NO_STARTS, everReady: true });

/**
 * A worker ended before it was of any use: the next try has to wait, twice as long each time, up to 30 s, less a random part
 * (`chance`, 0 to 1) of up to half of it, so that servers that failed together do not retry together.
 */
export function startFailed(
  history: StartHistory,
  { bornAt, now, chance }: { readonly bornAt: number; readonly now: number; readonly chance: number },
): StartHistory {
  if (bornAt < history.failedAt) return history;
  const pause = Math.min(FIRST_PAUSE_MS * 2 ** history.failures, LONGEST_PAUSE_MS);
  const since = history.failures === 0 ? now : history.since;
  return { ...history, failures: history.failures + 1, since, failedAt: now, retryAt: now + pause * (1 - chance / 2) };
}

/** Whether the pool has never worked and has tried often enough. */
export const shouldGiveUp = ({ failures, everReady }: StartHistory): boolean => !everReady && failures >= MOST_FAILURES;
