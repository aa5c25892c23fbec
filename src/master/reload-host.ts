import type { Clock } from '../clock.js';
import type { GivenOptions } from '../options/given.js';
import type { ReloadResult } from '../server-events.js';
import type { WorkerStatus } from '../status.js';
import type { Release } from './release.js';
import type { ReloadError } from './reload-error.js';

/** How one reload is done. */
export interface ReloadOptions {
  /** Seconds that the first new worker has to live. Default ReloadSettleTime. */
  readonly settle?: number | undefined;
  /** Called with the first new worker when it has settled; false or an error refuses the release. */
  readonly check?: ((canary: WorkerStatus) => boolean | Promise<boolean>) | undefined;
  /**
   * Seconds within which `check` has to settle, or the release is refused. Default 60; Infinity = no limit. If starts have no limit
   * of their own (MaxServerExpireTime: Infinity), the first new worker, and each one after it, has this long to become ready.
   */
  readonly timeout?: number | undefined;
}

/** What the new script's options change, and how to put them into force. */
export interface Adoption {
  readonly needsUpgrade: readonly string[];
  /**
   * Puts the others into force, except for those that `configure()` has changed by now.
   *
   * @returns their names, and a function that takes them back
   * @throws PreforkError if they do not fit what `configure()` has changed since
   */
  readonly apply: () => { readonly adopted: readonly string[]; readonly takeBack: () => void };
}

/** The pool, as far as reloads need it. */
export interface ReloadHost {
  readonly clock: Clock;
  /** The settle time from the options, in milliseconds. */
  readonly settleMs: () => number;
  /** How long a worker may take to be ready before the plan ends it, in milliseconds; Infinity = it does not. */
  readonly bootMs: () => number;
  /** Finds where the links lead now. @throws Error if there is nothing */
  readonly pin: (number: number) => Release;
  /** The release that the pool runs. */
  readonly current: () => Release;
  /** Starts one worker outside the pool, with heartbeats this far apart. @returns its id */
  readonly startTrial: (release: Release, heartbeatMs: number) => number;
  readonly statusOf: (id: number) => WorkerStatus | undefined;
  readonly kill: (id: number) => void;
  /** Compares the options that the scripts of two releases gave; undefined: no worker of the first was ever ready. @throws PreforkError if the pool cannot take them */
  readonly compare: (before: GivenOptions | undefined, after: GivenOptions) => Adoption;
  /** From now on the pool consists of this release; those of others are relieved. */
  readonly promote: (release: Release) => void;
  /** Workers of other releases: those that still serve, and those that drain. */
  readonly outdated: () => { readonly serving: number; readonly draining: number };
  readonly events: {
    start(release: Release): void;
    canary(release: Release, pid: number, id: number): void;
    done(result: ReloadResult): void;
    failed(error: ReloadError): void;
  };
}
