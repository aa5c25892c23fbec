import { asError } from '../errors.js';
import { wrapProcessSend } from './process-send.js';
import type { WorkerRuntime } from './runtime.js';

/** Makes this process behave as a worker. */
export function handleWorkerSignals(runtime: WorkerRuntime, { captured }: { readonly captured: boolean }): void {
  // Ctrl-C in a terminal reaches every process of the group: workers leave it to the master.
  process.on('SIGINT', ignore);
  // A closed terminal reaches all of them too; the master decides what that means.
  process.on('SIGHUP', ignore);
  wrapProcessSend(runtime.messages);
  // A service manager may send it to every process; an operator may send it to this one.
  process.on('SIGTERM', () => { runtime.shutdown(); });
  // The process ends of it as any other would; the master learns why.
  process.on('uncaughtExceptionMonitor', (error: unknown) => { runtime.failed(asError(error), 'uncaught'); });
  // A stderr that goes through the master breaks with it; that must not end the worker before its clients.
  if (captured) process.stderr.on('error', ignore);
}

function ignore(): void {
  // See above.
}
