import { existsSync } from 'node:fs';
import { builtIn } from '../built-ins.js';
import { systemClock } from '../clock.js';
import { mainScript } from '../options/main-script.js';
import type { ResolvedOptions } from '../options/resolve.js';
import type { PoolObserver } from '../pool-event.js';
import { checkHost } from './host.js';
import { Master } from './master.js';
import { predecessor } from './predecessor-process.js';
import { processUpgrades } from './process-upgrades.js';
import { releaseSource, startOf, type ReleaseSource } from './release.js';
import { workerCommand } from './worker-command.js';
import { forkWorkers } from './worker-process.js';

/** What makes a process a worker of this server and no other. */
interface WorkerMark {
  readonly alias: string;
  readonly ordinal: number;
  readonly token: string;
  readonly captured: boolean;
  readonly watch: { readonly hungMs: number } | undefined;
}

/** How workers find the server that they belong to, and who follows what happens to them. */
export interface Membership {
  /** Which of the constructions with this Alias it is, counted from 1. */
  readonly ordinal: number;
  readonly environment: (mark: WorkerMark) => NodeJS.ProcessEnv;
  readonly observer: PoolObserver | undefined;
}

/** Puts together a master, which begins at once. */
export function createMaster(options: ResolvedOptions, { ordinal: constructions, environment, observer }: Membership): Master {
  const { alias, script = '', directory, hasOwnScript, account, watch, isExecutable } = options.process;
  checkHost(options.process);
  const source = releaseSource({ script, directory });
  const program = programSource();
  const { args, execArgv, env } = workerCommand(options.process, source.directory === program.directory ? undefined : program.directory);
  const token = builtIn('node:crypto').randomBytes(16).toString('hex');
  // A separate script constructs the server once, however often this process does.
  const ordinal = hasOwnScript ? 1 : constructions;
  return new Master({
    options, observer,
    clock: systemClock,
    spawn: forkWorkers({ isExecutable, args, execArgv, env, watched: watch !== undefined, account, token, alias }),
    source, program,
    upgrades: processUpgrades,
    inheritance: predecessor()?.claim({ alias, ordinal: constructions }),
    spawnOptions: (captureStderr, release) => ({ captureStderr, release, env: environment({ alias, ordinal, token, captured: captureStderr, watch }) }),
  });
}

/** The working folder when this library was loaded: programs change theirs only after their imports, and paths in Node's own arguments are relative to this one. */
const startFolder = workingFolder();

function workingFolder(): string | undefined {
  try {
    return process.cwd();
  } catch {
    // It was removed.
    return undefined;
  }
}

/** What this process runs, and where. */
function programSource(): ReleaseSource {
  const script = mainScript();
  const source = releaseSource({ script: script ?? '', directory: undefined }, startOf(startFolder !== undefined && existsSync(startFolder) ? startFolder : undefined));
  return script === undefined ? { ...source, script: '' } : source;
}
