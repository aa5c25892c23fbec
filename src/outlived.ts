import { asError } from './errors.js';

/** What to do with an error that nothing has handled. */
interface Report {
  readonly send: () => void;
  readonly isWorthIt: () => boolean;
}

/** Errors that must not end this process. */
const reports = new WeakMap<Error, Report>();

/**
 * Passes on an attempt whose failure must not end this process with its clients, even if the program does not handle it: the call may
 * be the last line of a timer's async function. By default Node ends the process then; here the failure is reported instead. A
 * handler of the program's own, for `unhandledRejection` or `uncaughtException`, hears of it as usual.
 *
 * @param isWorthIt - whether the process is worth keeping alive, asked when it would end
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
 * Node calls monitors first, then handlers: a handler added in between keeps this error from ending the process, and no other.
 *
 * @see https://nodejs.org/api/process.html#event-uncaughtexceptionmonitor
 */
function spare(error: Error, origin: NodeJS.UncaughtExceptionOrigin): void {
  const report = reports.get(error);
  if (report !== undefined && isOutlived(error, origin)) process.once('uncaughtException', report.send);
}
