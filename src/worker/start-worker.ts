import { systemClock } from '../clock.js';
import { PreforkError } from '../errors.js';
import type { ResolvedOptions } from '../options/resolve.js';
import { createWorker } from './create-worker.js';
import { processChannel } from './master-channel.js';
import type { WorkerRuntime } from './runtime.js';
import { handleWorkerSignals } from './signals.js';

/** What the master has said about this process in its environment. */
interface GivenMark {
  readonly token: string;
  readonly captured: boolean;
  readonly watch: { readonly hungMs: number } | undefined;
}

/** Makes this process a worker. @param reports - called once it reports to its master by itself @throws PreforkError ERR_PREFORK_STATE if it has no channel to a master */
export function startWorker(options: ResolvedOptions, mark: GivenMark, reports: () => void): WorkerRuntime {
  if (process.send === undefined) {
    throw new PreforkError('ERR_PREFORK_STATE', 'This process has the mark of a worker in its environment but no IPC channel to a master; remove the variable PREFORK_TCP_SERVER_WORKER.');
  }
  const runtime = createWorker({
    options,
    line: processChannel(mark.token),
    clock: systemClock,
    watch: mark.watch,
    exit: (code) => process.exit(code),
  });
  reports();
  handleWorkerSignals(runtime, { captured: mark.captured, upgradeSignal: options.process.upgradeSignal });
  runtime.start();
  return runtime;
}
