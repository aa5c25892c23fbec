import type { Cluster } from 'node:cluster';
import { besideFor } from '../beside.js';
import { builtIn } from '../built-ins.js';
import { PreforkError } from '../errors.js';
import { isTestProgram } from '../options/main-script.js';
import type { ProcessConfig } from '../options/process-part.js';

/** What could keep pools from running in this process. */
export interface Host {
  /** Bun's version; undefined = Node.js runs this process. */
  readonly bun: string | undefined;
  /** Whether node:cluster started it, as PM2's cluster mode does. */
  readonly isClusterWorker: boolean;
}

/** Whether node:cluster started this process. */
// Its workers have an IPC channel; without one it need not be loaded. (Its types only know it as an import.)
export const isClusterWorker = (): boolean => process.send !== undefined && (builtIn('node:cluster') as unknown as Cluster).isWorker;

const thisHost = (): Host => ({ bun: process.versions['bun'], isClusterWorker: isClusterWorker() });

/**
 * Refuses, before anything is forked, what would fail later with a less helpful error, or would fork processes without end.
 *
 * @throws PreforkError ERR_PREFORK_STATE where no pool can run; ERR_PREFORK_OPTION where it needs Script, or an option needs what is not there
 */
export function checkHost({ script = '', hasOwnScript, admin, watch }: Pick<ProcessConfig, 'script' | 'hasOwnScript' | 'admin' | 'watch'>, { bun, isClusterWorker: isOfCluster }: Host = thisHost()): void {
  if (bun !== undefined) {
    throw new PreforkError('ERR_PREFORK_STATE', `This program is run by Bun ${bun}, which has no listening sockets that processes can share: run it with Node.js 20.19 or later.`);
  }
  if (admin !== undefined) besideFor('Admin', 'admin.js');
  if (hasOwnScript) return;
  if (watch !== undefined) besideFor('HangReport', 'watchdog-thread.js');
  if (isTestProgram(script)) {
    throw new PreforkError('ERR_PREFORK_OPTION', `The main script of this process runs tests (${script}), and workers would run them again: give Script, the file that constructs the server, or use startPool() of prefork-tcp-server/testing.`);
  }
  if (isOfCluster) {
    // In the pool's workers cluster.isPrimary is true: they would fork the cluster once more, whose workers would be masters of pools.
    throw new PreforkError('ERR_PREFORK_OPTION', `This process is a worker of node:cluster, and workers of a pool, which run its main script (${script}) again, would take themselves for the cluster's primary. A pool takes the cluster's place: construct the server in a process of its own (PM2: exec_mode 'fork', instances 1), or give Script, a file that does not use node:cluster.`);
  }
}
