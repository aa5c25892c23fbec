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
  // systemctl kill also sends it to all of them, and a process that does not handle this signal dies of it.
  if (upgradeSignal !== undefined) process.on(upgradeSignal, ignore);
  wrapProcessSend(runtime.messages);
  // A service manager may have sent it to every process, or an operator to this one. The master can tell.
  process.on('SIGTERM', () => { runtime.signalled(); });
  // The process ends as any other would; the master learns why.
  process.on('uncaughtExceptionMonitor', (error: unknown, origin) => { if (!isOutlived(error, origin)) runtime.failed(asError(error), 'uncaught'); });
  // A stderr that goes through the master breaks when the master ends; that must not end the worker before its clients
  // are finished.
  if (captured) process.stderr.on('error', ignore);
}

function ignore(): void {
  // See above.
}
