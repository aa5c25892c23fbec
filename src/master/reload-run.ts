import type { Timer } from '../clock.js';
import { asError } from '../errors.js';
import type { GivenOptions } from '../options/given.js';
import type { ReloadResult } from '../server-events.js';
import { patiently } from './patience.js';
import type { Release } from './release.js';
import { ReloadError, type ReloadEvidence, type ReloadFailure } from './reload-error.js';
import type { ReloadHost, ReloadOptions, Adoption } from './reload-host.js';
import { Trial, type TrialOutcome } from './trial.js';
import type { Exit } from './worker-process.js';

/** How many starts may fail in a row after the first worker has passed its trial; then the release fails after all. */
const MOST_FAILED_STARTS = 3;

/** How long a check, and a start without a limit of its own, may take unless `timeout` says otherwise; the same as for an upgrade. */
const TIMEOUT_S = 60;

/** The shortest interval between the heartbeats of a worker on trial. */
const SHORTEST_HEARTBEAT_MS = 50;

/** What is known about a failure while the pool changes over. */
type ChangeFailure = Pick<ReloadEvidence, 'reason' | 'pid' | 'exit' | 'stderr' | 'cause'>;

/** What the run is waiting for. */
type Stage =
  | { readonly kind: 'trial'; readonly id: number; readonly trial: Trial; readonly stop: (error: Error) => void }
  | { readonly kind: 'change'; readonly release: number; readonly end: (failure?: ChangeFailure) => void; readonly stop: (error: Error) => void };

/** What one reload is made of. */
export interface ReloadRunParts {
  readonly host: ReloadHost;
  /** That of the release on trial. */
  readonly number: number;
  readonly options: ReloadOptions;
  /** The options that the script of a release gave; undefined until one of its workers is ready. */
  readonly given: (release: number) => GivenOptions | undefined;
  /** How often a reload has been asked for so far. */
  readonly asked: () => number;
}

/** One reload, from resolving the links until the last old worker begins to drain. */
export class ReloadRun {
  /** @throws ReloadError with what is known about a release that failed; or what `stop()` was given */
  readonly result: Promise<ReloadResult>;
  readonly #parts: ReloadRunParts;
  #stage: Stage | undefined;
  /** How many workers of the previous release have yet to begin to drain, and what waits for the next one to do so. */
  #serving = Infinity;
  #timer: Timer | undefined;
  #stopped: Error | undefined;

  constructor(parts: ReloadRunParts) {
    this.#parts = parts;
    this.result = this.#reload();
  }

  // --- What happens meanwhile ---------------------------------------------------------------------------------------

  /** The trial of a worker, if it is on trial. */
  trialOf(id: number): Trial | undefined {
    return this.#stage?.kind === 'trial' && this.#stage.id === id ? this.#stage.trial : undefined;
  }

  /** A worker of the pool failed to start. @param failures - how many have failed in a row */
  startFailed(worker: { readonly pid: number; readonly release: number; readonly wasReady: boolean }, exit: Exit, failures: number): void {
    if (this.#stage?.kind !== 'change' || worker.release !== this.#stage.release || failures < MOST_FAILED_STARTS) return;
    this.#stage.end({ reason: worker.wasReady ? 'crashed' : 'boot', pid: worker.pid, exit: { code: exit.code, signal: exit.signal }, stderr: exit.stderr ?? '' });
  }

  /** Something in the pool has changed. */
  progress(): void {
    if (this.#stage?.kind !== 'change') return;
    const { serving } = this.#parts.host.outdated();
    if (serving === 0) return this.#stage.end();
    if (serving !== this.#serving) this.#awaitNext(serving, this.#stage.end);
  }

  /** The pool ends: from now on its workers are left to the drain. */
  stop(error: Error): void {
    this.#stopped = error;
    this.#stage?.stop(error);
  }

  // --- Step by step -------------------------------------------------------------------------------------------------

  async #reload(): Promise<ReloadResult> {
    const { host, number } = this.#parts;
    const { clock, events } = host;
    const startedAt = clock.now();
    const before = host.current();
    try {
      const release = this.#pin(number);
      events.start(release);
      const adoption = await this.#prove(release);
      if (this.#stopped !== undefined) throw this.#stopped;
      const { adopted, takeBack } = this.#adopt(release, adoption);
      host.promote(release);
      const replaced = host.outdated().serving;
      await this.#changeOver(release, before, takeBack);
      const result: ReloadResult = {
        release: number, script: release.script, replaced, draining: host.outdated().draining,
        adopted, needsUpgrade: adoption.needsUpgrade, seconds: (clock.now() - startedAt) / 1000,
      };
      events.done(result);
      return result;
    } catch (error) {
      if (error instanceof ReloadError) events.failed(error);
      throw error;
    } finally {
      this.#stage = undefined;
      this.#timer?.cancel();
    }
  }

  #pin(number: number): Release {
    const { host } = this.#parts;
    try {
      return host.pin(number);
    } catch (error) {
      throw this.#error(host.current(), { reason: 'boot', pid: undefined, exit: undefined, stderr: '', cause: asError(error) });
    }
  }

  /** Tries the release with one worker. @throws ReloadError */
  async #prove(release: Release): Promise<Adoption> {
    for (;;) {
      const asked = this.#parts.asked();
      const { pid, adoption, outcome } = await this.#try(release);
      if (outcome.passed && adoption !== undefined) return adoption;
      if (this.#stopped !== undefined) throw this.#stopped;
      // SIGHUP to the process group: it asks for another reload, and ends a worker that does not ignore it yet.
      const isHangUp = !outcome.passed && outcome.reason === 'boot' && outcome.exit?.signal === 'SIGHUP';
      if (!isHangUp || this.#parts.asked() === asked) throw this.#error(release, { pid, ...(outcome.passed ? NO_EVIDENCE : outcome) });
    }
  }

  async #try(release: Release): Promise<{ readonly pid: number; readonly adoption: Adoption | undefined; readonly outcome: TrialOutcome }> {
    const { host, given, options: { settle, check } } = this.#parts;
    const settleMs = settle === undefined ? host.settleMs() : settle * 1000;
    let adoption: Adoption | undefined;
    const id = host.startTrial(release, Math.max(settleMs / 4, SHORTEST_HEARTBEAT_MS));
    const pid = host.statusOf(id)?.pid ?? 0;
    const trial = new Trial({
      clock: host.clock, startMs: this.#startMs, settleMs, checkMs: this.#timeoutMs,
      kill: () => { host.kill(id); },
      check: () => {
        const status = host.statusOf(id);
        return status === undefined || check === undefined ? true : check(status);
      },
      objection: () => {
        try {
          adoption = host.compare(given(host.current().number), given(release.number) ?? {});
          return undefined;
        } catch (error) {
          return asError(error);
        }
      },
    });
    host.events.canary(release, pid, id);
    const outcome = await new Promise<TrialOutcome>((resolve, stop) => {
      this.#stage = { kind: 'trial', id, trial, stop };
      void trial.outcome.then(resolve);
    });
    return { pid, adoption, outcome };
  }

  /** @throws ReloadError */
  #adopt(release: Release, { apply }: Adoption): ReturnType<Adoption['apply']> {
    try {
      return apply();
    } catch (error) {
      const { host } = this.#parts;
      const id = this.#stage?.kind === 'trial' ? this.#stage.id : 0;
      const pid = host.statusOf(id)?.pid;
      host.kill(id);
      throw this.#error(release, { reason: 'options', pid, exit: undefined, stderr: '', cause: asError(error) });
    }
  }

  /** Waits until the last worker of another release has begun to drain; goes back to the old release if workers of the new one do not start. */
  async #changeOver(release: Release, before: Release, takeBack: () => void): Promise<void> {
    const failed = await new Promise<ChangeFailure | undefined>((end, stop) => {
      this.#stage = { kind: 'change', release: release.number, end, stop };
      this.progress();
    });
    if (failed === undefined) return;
    takeBack();
    this.#parts.host.promote(before);
    throw this.#error(release, failed);
  }

  get #timeoutMs(): number {
    return (this.#parts.options.timeout ?? TIMEOUT_S) * 1000;
  }

  /** How long a worker may take to be ready, if the plan does not limit that. */
  get #startMs(): number {
    return this.#parts.host.bootMs() === Infinity ? this.#timeoutMs : Infinity;
  }

  /** Otherwise nothing would ever end a change whose next worker hangs at its start. */
  #awaitNext(serving: number, end: (failure: ChangeFailure) => void): void {
    this.#serving = serving;
    this.#timer?.cancel();
    const startMs = this.#startMs;
    this.#timer = patiently(this.#parts.host.clock, startMs, () => {
      const cause = new Error(`${serving} workers of the previous release wait for successors, none of which was ready within ${startMs / 1000} s`);
      end({ reason: 'hung', pid: undefined, exit: undefined, stderr: '', cause });
    });
  }

  #error({ script }: Pick<Release, 'script'>, evidence: ChangeFailure): ReloadError {
    const { host, number } = this.#parts;
    return new ReloadError({ ...evidence, release: number, script, mixed: host.current().isMixed() });
  }
}

const NO_EVIDENCE: { readonly reason: ReloadFailure; readonly exit: undefined; readonly stderr: ''; readonly cause: undefined } = (
  { reason: 'crashed', exit: undefined, stderr: '', cause: undefined });
