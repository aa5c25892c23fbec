import type { Clock } from '../clock.js';
import { asError, PreforkError } from '../errors.js';
import type { GivenOptions } from '../options/given.js';
import type { ReloadResult } from '../server-events.js';
import type { WorkerStatus } from '../status.js';
import type { Release } from './release.js';
import { ReloadError, type ReloadEvidence } from './reload-error.js';
import { Trial } from './trial.js';
import type { Exit } from './worker-process.js';

/** How one reload is done. */
export interface ReloadOptions {
  /** Seconds that the first new worker has to live. Default ReloadSettleTime. */
  readonly settle?: number | undefined;
  /** Asked about the first new worker when it has settled; false or an error refuses the release. */
  readonly check?: ((canary: WorkerStatus) => boolean | Promise<boolean>) | undefined;
}

/** What the new script's options change, and how they are put into force. */
export interface Adoption {
  readonly adopted: readonly string[];
  readonly needsUpgrade: readonly string[];
  /** Puts them into force. @returns a function that takes them back */
  readonly apply: () => () => void;
}

/** What reloads hear of the pool. */
export type ReloadWatcher = Pick<Reloads, 'ready' | 'heard' | 'ended' | 'exited' | 'bootFailed' | 'foreignVersion' | 'startFailed' | 'progress' | 'stop'>;

/** The pool, as far as reloads need it. */
export interface ReloadHost {
  readonly clock: Clock;
  /** The settle time of the options, in milliseconds. */
  readonly settleMs: () => number;
  /** Looks where the links lead now. @throws Error if nothing is there */
  readonly pin: (number: number) => Release;
  /** The release that the pool runs. */
  readonly current: () => Release;
  /** Starts one worker outside the pool, with heartbeats this far apart. @returns its id */
  readonly startTrial: (release: Release, heartbeatMs: number) => number;
  readonly statusOf: (id: number) => WorkerStatus | undefined;
  readonly kill: (id: number) => void;
  /** Compares what the scripts of two releases gave as options. @throws PreforkError if the pool cannot take them */
  readonly compare: (before: GivenOptions, after: GivenOptions) => Adoption;
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

/** A row of starts that fail after the first worker has passed its trial, and with which the release fails after all. */
const MOST_FAILED_STARTS = 3;

/** The shortest interval between the heartbeats of a worker on trial. */
const SHORTEST_HEARTBEAT_MS = 50;

/** What a failure while the pool changes over leaves to know. */
type ChangeFailure = Pick<ReloadEvidence, 'reason' | 'pid' | 'exit' | 'stderr'>;

/** What is under way. */
interface Run {
  readonly release: Release;
  readonly trialId: number;
  readonly trial: Trial | undefined;
  /** Set while the pool changes over. */
  readonly changing: { readonly done: () => void; readonly failed: (failure: ChangeFailure) => void } | undefined;
  /** The pool ends. */
  readonly stop: (error: Error) => void;
}

/**
 * Brings the pool to a new release: tries it with one worker, and lets the plan replace the others, or says why not and
 * leaves the old release in force. One at a time; calls that come meanwhile share one more reload after it.
 */
export class Reloads {
  readonly #host: ReloadHost;
  #tried = 1;
  /** What the scripts of releases gave as options, by number. */
  readonly #given = new Map<number, GivenOptions>();
  #run: Run | undefined;
  #next: { readonly options: ReloadOptions; readonly result: Promise<ReloadResult> } | undefined;
  #current: Promise<unknown> | undefined;
  #stopped: Error | undefined;

  constructor(host: ReloadHost) {
    this.#host = host;
  }

  get isRunning(): boolean {
    return this.#current !== undefined;
  }

  /** @throws ReloadError with what is known of the release that failed; PreforkError ERR_PREFORK_STATE if the pool ends meanwhile */
  request(options: ReloadOptions): Promise<ReloadResult> {
    if (this.#next !== undefined) return this.#next.result;
    if (this.#current === undefined) return this.#begin(options);
    const result = this.#current.then(() => {
      this.#next = undefined;
      return this.#begin(options);
    });
    this.#next = { options, result };
    return result;
  }

  // --- What the supervisor hears ------------------------------------------------------------------------------------

  ready({ id, release }: { readonly id: number; readonly release: number }, options: GivenOptions): void {
    this.#given.set(release, options);
    this.#trial(id)?.ready();
    this.progress();
  }

  heard(id: number): void {
    this.#trial(id)?.heard();
  }

  /** Its ServerStarted failed; its exit follows. */
  bootFailed(id: number, report: { readonly message: string }): void {
    this.#trial(id)?.said(report);
  }

  foreignVersion(id: number): void {
    this.#trial(id)?.fail('version');
  }

  /** The plan drains or kills it: it was silent, or never ready. */
  ended(id: number): void {
    this.#trial(id)?.fail('hung');
  }

  exited(id: number, exit: Exit): void {
    this.#trial(id)?.exited(exit);
    this.progress();
  }

  /** A worker of the pool failed to start, for the so-manieth time in a row. */
  startFailed(worker: { readonly pid: number; readonly release: number; readonly wasReady: boolean }, exit: Exit, failures: number): void {
    const { changing, release } = this.#run ?? {};
    if (changing === undefined || worker.release !== release?.number || failures < MOST_FAILED_STARTS) return;
    changing.failed({ reason: worker.wasReady ? 'crashed' : 'boot', pid: worker.pid, exit: { code: exit.code, signal: exit.signal }, stderr: exit.stderr ?? '' });
  }

  /** Something in the pool has changed. */
  progress(): void {
    const { changing } = this.#run ?? {};
    if (changing !== undefined && this.#host.outdated().serving === 0) changing.done();
  }

  /** The pool ends. */
  stop(): void {
    this.#stopped = new PreforkError('ERR_PREFORK_STATE', 'The server is shut down, so the reload comes to nothing.');
    const run = this.#run;
    // What becomes of its worker now is the drain's affair.
    this.#run = undefined;
    run?.stop(this.#stopped);
  }

  #trial(id: number): Trial | undefined {
    return this.#run?.trialId === id ? this.#run.trial : undefined;
  }

  // --- One reload ---------------------------------------------------------------------------------------------------

  #begin(options: ReloadOptions): Promise<ReloadResult> {
    if (this.#stopped !== undefined) return Promise.reject(this.#stopped);
    const result = this.#reload(options);
    const over = result.then(() => undefined, () => undefined).then(() => {
      this.#run = undefined;
      if (this.#current === over) this.#current = undefined;
    });
    this.#current = over;
    return result;
  }

  async #reload({ settle, check }: ReloadOptions): Promise<ReloadResult> {
    const { clock, events } = this.#host;
    const startedAt = clock.now();
    const before = this.#host.current();
    this.#tried += 1;
    try {
      const release = this.#pin(this.#tried);
      events.start(release);
      const adoption = await this.#prove(release, settle === undefined ? this.#host.settleMs() : settle * 1000, check);
      const takeBack = adoption.apply();
      this.#host.promote(release);
      const replaced = this.#host.outdated().serving;
      await this.#changeOver(release, before, takeBack);
      const result: ReloadResult = {
        release: release.number, script: release.script, replaced, draining: this.#host.outdated().draining,
        adopted: adoption.adopted, needsUpgrade: adoption.needsUpgrade, seconds: (clock.now() - startedAt) / 1000,
      };
      events.done(result);
      return result;
    } catch (error) {
      if (error instanceof ReloadError) events.failed(error);
      throw error;
    }
  }

  #pin(number: number): Release {
    try {
      return this.#host.pin(number);
    } catch (error) {
      throw this.#error({ number, script: this.#host.current().script }, { reason: 'boot', pid: undefined, exit: undefined, stderr: '', cause: asError(error) });
    }
  }

  /** Tries the release with one worker. @throws ReloadError */
  async #prove(release: Release, settleMs: number, check: ReloadOptions['check']): Promise<Adoption> {
    const host = this.#host;
    let adoption: Adoption | undefined;
    const id = host.startTrial(release, Math.max(settleMs / 4, SHORTEST_HEARTBEAT_MS));
    const pid = host.statusOf(id)?.pid ?? 0;
    const trial = new Trial({
      clock: host.clock, settleMs,
      kill: () => { host.kill(id); },
      check: () => {
        const status = host.statusOf(id);
        return status === undefined || check === undefined ? true : check(status);
      },
      objection: () => {
        try {
          const current = this.#given.get(host.current().number) ?? {};
          adoption = host.compare(current, this.#given.get(release.number) ?? current);
          return undefined;
        } catch (error) {
          return asError(error);
        }
      },
    });
    host.events.canary(release, pid, id);
    const outcome = await this.#unlessStopped((stop) => {
      this.#run = { release, trialId: id, trial, changing: undefined, stop };
      return trial.outcome;
    });
    if (outcome.passed && adoption !== undefined) return adoption;
    throw this.#error(release, { pid, ...(outcome.passed ? NO_EVIDENCE : outcome) });
  }

  /** Waits until the last worker of another release has begun to drain; goes back if those of the new one do not start. */
  async #changeOver(release: Release, before: Release, takeBack: () => void): Promise<void> {
    const failed = await this.#unlessStopped((stop) => new Promise<ChangeFailure | undefined>((resolve) => {
      this.#run = { release, trialId: 0, trial: undefined, changing: { done: () => { resolve(undefined); }, failed: resolve }, stop };
      this.progress();
    }));
    if (failed === undefined) return;
    takeBack();
    this.#host.promote(before);
    throw this.#error(release, { ...failed, cause: undefined });
  }

  /** Rejects when the pool ends. */
  #unlessStopped<T>(wait: (stop: (error: Error) => void) => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => { wait(reject).then(resolve, reject); });
  }

  #error({ number, script }: Pick<Release, 'number' | 'script'>, evidence: ChangeFailure & { readonly cause: unknown }): ReloadError {
    return new ReloadError({ ...evidence, release: number, script, mixed: this.#host.current().isMixed() });
  }
}

const NO_EVIDENCE = { reason: 'crashed', exit: undefined, stderr: '', cause: undefined } as const;
