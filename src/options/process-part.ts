import { resolve } from 'node:path';
import { adminProblems, resolveAdmin, type AdminConfig, type AdminOptions } from '../admin/admin-options.js';
import { isOn } from '../checks.js';
import { resolveAccount, type Account } from './accounts.js';
import { isExecutable, mainScript } from './main-script.js';
import { pathOf } from './place.js';
import type { AnyCallback, Logger, PreforkTcpServerOptions } from './options.js';

/** What runs as workers, and how master and workers depend on each other. */
export interface ProcessConfig {
  readonly alias: string;
  readonly masterAlias: string;
  /** The file that workers run; undefined in a worker, and if this process has none that could be run again. */
  readonly script: string | undefined;
  /** Whether it is a separate file, which this process does not run. */
  readonly hasOwnScript: boolean;
  /** Whether the program is one executable, which takes no script. */
  readonly isExecutable: boolean;
  /** undefined = those of this process. */
  readonly args: readonly string[] | undefined;
  /** undefined = those of this process. */
  readonly execArgv: readonly string[] | undefined;
  /** undefined = that of this process. */
  readonly env: Readonly<Record<string, string | undefined>> | undefined;
  /** What workers run as; undefined = as the master does. Looked up in the master only. */
  readonly account: Account | undefined;
  /** The folder that workers run in, as it was given; undefined = that of this process at its start. */
  readonly directory: string | undefined;
  readonly handlesSignals: boolean;
  /** The signal that asks for an upgrade; undefined = none. */
  readonly upgradeSignal: 'SIGUSR2' | undefined;
  /** Whether to report the server's state to systemd, if it asks for that. */
  readonly notifies: boolean;
  /** Whether workers are killed when the master ends without a drain. */
  readonly endsWorkers: boolean;
  /** Whether a thread in each worker watches its event loop, and after how long it reports a hang; 0 = derived from the heartbeats. */
  readonly watch: { readonly hungMs: number } | undefined;
  /** Where the master shows the pool; undefined = nowhere. */
  readonly admin: AdminConfig | undefined;
  readonly logger: Logger | undefined;
  readonly serverStarted: AnyCallback | undefined;
  readonly serverStopped: AnyCallback | undefined;
}

/** @param problems - gets what is wrong with User and Group, which only a master looks up */
export function processConfig(options: PreforkTcpServerOptions, isMaster: boolean, problems: string[]): ProcessConfig {
  const { Script } = options;
  return {
    alias: options.Alias ?? DEFAULT_ALIAS,
    masterAlias: options.MasterAlias ?? DEFAULT_MASTER_ALIAS,
    // Absolute from now on: the program may change its working folder before the next worker starts.
    script: Script !== undefined ? resolve(pathOf(Script) ?? '') : isMaster ? mainScript() : undefined,
    hasOwnScript: Script !== undefined,
    isExecutable: isMaster && isExecutable(),
    args: options.ScriptArgs,
    execArgv: options.ExecArgv,
    env: options.Env,
    account: isMaster ? resolveAccount(options, problems) : undefined,
    directory: pathOf(options.Directory),
    notifies: isOn(options.Notify, true),
    handlesSignals: typeof options.HandleSignals === 'object' || isOn(options.HandleSignals, true),
    upgradeSignal: typeof options.HandleSignals === 'object' ? options.HandleSignals.upgrade : undefined,
    endsWorkers: isOn(options.ShutdownChildren),
    watch: watchOf(options.HangReport),
    admin: adminOf(options.Admin),
    logger: options.Logger,
    serverStarted: options.ServerStarted as AnyCallback | undefined,
    serverStopped: options.ServerStopped as AnyCallback | undefined,
  };
}

/** What is wrong with it is found elsewhere (contradictions.ts). */
const adminOf = (given: AdminOptions | undefined): AdminConfig | undefined => (
  given === undefined || adminProblems(given).length > 0 ? undefined : resolveAdmin(given)
);

export const DEFAULT_ALIAS = 'prefork_server';
export const DEFAULT_MASTER_ALIAS = 'prefork_master';

const watchOf = (given: boolean | number = false): ProcessConfig['watch'] => (
  given === false || given === 0 ? undefined : { hungMs: given === true ? 0 : given * 1000 }
);
