import { asError } from './errors.js';

/** Errors that a process is to outlive, and who hears of one that no one has handled. */
const reports = new WeakMap<Error, () => void>();

/**
 * Hands an attempt on whose failure is to be no reason to end this process with its clients, although the program may not
 * handle it: the call may be the last line of a timer's async function. Node ends a process for that by default; here the
 * failure is reported instead. A handler of the program's own, for `unhandledRejection` or `uncaughtException`, hears of it as usual.
 */
export async function outlived<T>(attempt: Promise<T>, report: (error: Error) => void): Promise<T> {
  try {
    return await attempt;
  } catch (thrown) {
    const error = asError(thrown);
    if (!process.listeners('uncaughtExceptionMonitor').includes(spare)) process.on('uncaughtExceptionMonitor', spare);
    reports.set(error, () => { report(error); });
    throw error;
  }
}

/** Whether an error that Node is about to end this process for is one that it outlives. */
export function isOutlived(error: unknown, origin: NodeJS.UncaughtExceptionOrigin): boolean {
  const isHandled = process.listenerCount('uncaughtException') > 0 || process.hasUncaughtExceptionCaptureCallback();
  return origin === 'unhandledRejection' && reports.has(error as Error) && !isHandled;
}

/**
 * Node asks monitors first, then handlers: with one added in between only this error ends nothing, and all others what they always end.
 *
 * @see https://nodejs.org/api/process.html#event-uncaughtexceptionmonitor
 */
function spare(error: Error, origin: NodeJS.UncaughtExceptionOrigin): void {
  const report = reports.get(error);
  if (report !== undefined && isOutlived(error, origin)) process.once('uncaughtException', report);
}
