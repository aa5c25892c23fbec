import { asError } from './errors.js';

/** What is to come of an error that no one has handled. */
interface Report {
  readonly send: () => void;
  readonly isWorthIt: () => boolean;
}

/** Errors that a process is to outlive. */
const reports = new WeakMap<Error, Report>();

/**
 * Hands an attempt on whose failure is to be no reason to end this process with its clients, although the program may not
 * handle it: the call may be the last line of a timer's async function. Node ends a process for that by default; here the
 * failure is reported instead. A handler of the program's own, for `unhandledRejection` or `uncaughtException`, hears of it as usual.
 *
 * @param isWorthIt - whether there is something to outlive it for, asked when the process would end
 */
export async function outlived<T>(attempt: Promise<T>, report: (error: Error) => void, isWorthIt = (): boolean => true): Promise<T> {
  try {
    return await attempt;
  } catch (thrown) {
    const error = asError(thrown);
    if (!process.listeners('uncaughtExceptionMonitor').includes(spare)) process.on('uncaughtExceptionMonitor', spare);
    reports.set(error, { send: () => { report(error); }, isWorthIt });
    throw error;
  }
}

/** Whether an error that Node is about to end this process for is one that it outlives. */
export function isOutlived(error: unknown, origin: NodeJS.UncaughtExceptionOrigin): boolean {
  const isHandled = process.listenerCount('uncaughtException') > 0 || process.hasUncaughtExceptionCaptureCallback();
  return origin === 'unhandledRejection' && !isHandled && reports.get(error as Error)?.isWorthIt() === true;
}

/**
 * Node asks monitors first, then handlers: with one added in between only this error ends nothing, and all others what they always end.
 *
 * @see https://nodejs.org/api/process.html#event-uncaughtexceptionmonitor
 */
function spare(error: Error, origin: NodeJS.UncaughtExceptionOrigin): void {
  const report = reports.get(error);
  if (report !== undefined && isOutlived(error, origin)) process.once('uncaughtException', report.send);
}
