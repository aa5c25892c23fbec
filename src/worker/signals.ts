import { asError } from '../errors.js';
import { isOutlived } from '../outlived.js';
import { wrapProcessSend } from './process-send.js';
import type { WorkerRuntime } from './runtime.js';

/** Makes this process behave as a worker. */
export function handleWorkerSignals(runtime: WorkerRuntime, { captured, upgradeSignal }: {
  readonly captured: boolean; readonly upgradeSignal: NodeJS.Signals | undefined;
}): void {
  // Ctrl-C in a terminal reaches every process of the group: workers leave it to the master.
  process.on('SIGINT', ignore);
  // (SIGHUP is ignored from the moment that the package is loaded: see role.ts.)
  // systemctl kill sends to all of them as well, and whoever does not handle this signal dies of it.
  if (upgradeSignal !== undefined) process.on(upgradeSignal, ignore);
  wrapProcessSend(runtime.messages);
  // A service manager may send it to every process; an operator may send it to this one. The master knows.
  process.on('SIGTERM', () => { runtime.signalled(); });
  // The process ends of it as any other would; the master learns why.
  process.on('uncaughtExceptionMonitor', (error: unknown, origin) => { if (!isOutlived(error, origin)) runtime.failed(asError(error), 'uncaught'); });
  // A stderr that goes through the master breaks with it; that must not end the worker before its clients.
  if (captured) process.stderr.on('error', ignore);
}

function ignore(): void {
  // See above.
}
