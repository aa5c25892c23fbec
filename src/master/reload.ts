import { AsyncResource } from 'node:async_hooks';
import { PreforkError } from '../errors.js';
import type { GivenOptions } from '../options/given.js';
import type { DrainReason, KillReason } from '../policy/reasons.js';
import type { ReloadResult } from '../server-events.js';
import type { ReloadHost, ReloadOptions } from './reload-host.js';
import { ReloadRun } from './reload-run.js';
import type { Exit } from './worker-process.js';

/** What reloads are told about the pool. */
export type ReloadWatcher = Pick<Reloads, 'ready' | 'heard' | 'givenUp' | 'exited' | 'bootFailed' | 'foreignVersion' | 'startFailed' | 'progress' | 'stop'>;

/**
 * Moves the pool to a new release: tries it with one worker, then lets the plan replace the others; or reports why not,
 * and leaves the old release in force. One at a time; calls that come meanwhile share one more reload after it.
 */
export class Reloads {
  readonly #host: ReloadHost;
  #tried = 1;
  #asked = 0;
  /** The options that the scripts of releases gave, by number. */
  readonly #given = new Map<number, GivenOptions>();
  #run: ReloadRun | undefined;
  #next: { readonly result: Promise<ReloadResult> } | undefined;
  /** Settles when the reload under way, and the tidying up after it, are over. */
  #current: Promise<void> | undefined;
  #stopped: Error | undefined;

  constructor(host: ReloadHost) {
    this.#host = host;
  }

  get isRunning(): boolean {
    return this.#current !== undefined;
  }

  /** @throws ReloadError with what is known about the release that failed; PreforkError ERR_PREFORK_STATE if the pool ends meanwhile */
  request(options: ReloadOptions): Promise<ReloadResult> {
    this.#asked += 1;
    const bound = inItsContext(options);
    if (this.#next !== undefined) return this.#next.result;
    if (this.#current === undefined) return this.#begin(bound);
    const result = this.#current.then(() => {
      this.#next = undefined;
      return this.#begin(bound);
    });
    this.#next = { result };
    return result;
  }

  #begin(options: ReloadOptions): Promise<ReloadResult> {
    if (this.#stopped !== undefined) return Promise.reject(this.#stopped);
    this.#tried += 1;
    const run = new ReloadRun({ host: this.#host, number: this.#tried, options, given: (release) => this.#given.get(release), asked: () => this.#asked });
    this.#run = run;
    const over = run.result.then(() => undefined, () => undefined).then(() => {
      this.#run = undefined;
      if (this.#current === over) this.#current = undefined;
      const { number } = this.#host.current();
      for (const release of this.#given.keys()) if (release !== number) this.#given.delete(release);
    });
    this.#current = over;
    return run.result;
  }

  // --- What the supervisor hears ------------------------------------------------------------------------------------

  ready({ id, release }: { readonly id: number; readonly release: number }, options: GivenOptions): void {
    this.#given.set(release, options);
    this.#run?.trialOf(id)?.ready();
    this.progress();
  }

  heard(id: number): void {
    this.#run?.trialOf(id)?.heard();
  }

  /** Its ServerStarted failed; its exit follows. */
  bootFailed(id: number, report: { readonly message: string }): void {
    this.#run?.trialOf(id)?.said(report);
  }

  foreignVersion(id: number): void {
    this.#run?.trialOf(id)?.fail('version');
  }

  /** A worker is being drained or killed. */
  givenUp(id: number, why: DrainReason | KillReason): void {
    this.#run?.trialOf(id)?.givenUp(why);
  }

  exited(id: number, exit: Exit): void {
    this.#run?.trialOf(id)?.exited(exit);
    this.progress();
  }

  /** A worker of the pool failed to start. @param failures - how many have failed in a row */
  startFailed(worker: { readonly pid: number; readonly release: number; readonly wasReady: boolean }, exit: Exit, failures: number): void {
    this.#run?.startFailed(worker, exit, failures);
  }

  /** Something in the pool has changed. */
  progress(): void {
    this.#run?.progress();
  }

  /** The pool ends. */
  stop(): void {
    this.#stopped = new PreforkError('ERR_PREFORK_STATE', 'The server is shut down, so the reload comes to nothing.');
    const run = this.#run;
    this.#run = undefined;
    run?.stop(this.#stopped);
  }
}

/** Makes `check` see the async context of its call of reload(): it runs much later, when a worker has settled. */
function inItsContext(options: ReloadOptions): ReloadOptions {
  const { check } = options;
  return check === undefined ? options : { ...options, check: AsyncResource.bind(check) };
}
