import type { Clock, Timer } from '../clock.js';
import { asError } from '../errors.js';
import type { DrainReason, KillReason } from '../policy/reasons.js';
import { PATIENCE_MS, patiently } from './patience.js';
import type { ReloadFailure } from './reload-error.js';

/** Why the plan drains or kills a worker on trial. Any other reason means that somebody asked for it, or cut its channel. */
const SILENT: ReadonlySet<DrainReason | KillReason> = new Set(['expired', 'boot', 'grace']);

/** How a trial ended. */
export type TrialOutcome =
  | { readonly passed: true }
  | {
    readonly passed: false;
    readonly reason: ReloadFailure;
    readonly exit: { readonly code: number | null; readonly signal: NodeJS.Signals | null } | undefined;
    readonly stderr: string;
    readonly cause: unknown;
  };

/** What a trial is made of. */
export interface TrialParts {
  readonly clock: Clock;
  /** How long it may take to be ready, in milliseconds; Infinity = that is limited elsewhere. */
  readonly startMs: number;
  /** How long it must live once it is ready, in milliseconds. */
  readonly settleMs: number;
  /** The user's own check, made last. */
  readonly check: () => unknown;
  /** How long that may take. */
  readonly checkMs: number;
  /** What is wrong with its options; undefined = nothing. */
  readonly objection: () => Error | undefined;
  /** Ends its process. */
  readonly kill: () => void;
}

/**
 * Watches the first worker of a release: it has to become ready, live for the settle time and be heard from after it, and
 * pass the check. It serves no clients meanwhile, so that its failure costs none.
 *
 * A worker that fails other than by ending itself is killed, and the verdict waits for its exit, which brings its last
 * words. What a worker's exit means depends on how far it had come.
 */
export class Trial {
  readonly outcome: Promise<TrialOutcome>;
  readonly #parts: TrialParts;
  #end!: (outcome: TrialOutcome) => void;
  #settlesAt = Infinity;
  #stage: 'starting' | 'settling' | 'checking' | 'over' = 'starting';
  #verdict: { readonly reason: ReloadFailure; readonly cause: unknown } | undefined;
  #lastWords: Error | undefined;
  #timer: Timer | undefined;

  constructor(parts: TrialParts) {
    this.#parts = parts;
    this.outcome = new Promise((resolve) => { this.#end = resolve; });
    this.#await(parts.startMs, new Error(`it was not ready after ${parts.startMs / 1000} s`));
  }

  /** It is ready. */
  ready(): void {
    if (this.#stage !== 'starting') return;
    const objection = this.#parts.objection();
    if (objection !== undefined) return this.fail('options', objection);
    this.#stage = 'settling';
    this.#settlesAt = this.#parts.clock.now() + this.#parts.settleMs;
    this.#await(this.#parts.settleMs + PATIENCE_MS);
    this.heard();
  }

  /** It said something: a heartbeat, or a report. */
  heard(): void {
    if (this.#stage === 'settling' && this.#parts.clock.now() >= this.#settlesAt) void this.#ask();
  }

  /** It has said why it is about to end. */
  said({ message }: { readonly message: string }): void {
    this.#lastWords ??= new Error(message);
  }

  /** It has failed, whatever becomes of it. */
  fail(reason: ReloadFailure, cause?: unknown): void {
    if (this.#stage === 'over' || this.#verdict !== undefined) return;
    this.#verdict = { reason, cause };
    this.#timer?.cancel();
    this.#parts.kill();
  }

  /** The plan gives it up because it is silent, or it was asked to end or cut off, which says nothing about how it was. */
  givenUp(why: DrainReason | KillReason): void {
    if (SILENT.has(why)) return this.fail('hung');
    this.fail(this.#stage === 'starting' ? 'boot' : 'crashed', new Error("it was asked to end (term(), kill(), SIGTERM, its own 'shutdown'), or its channel was closed"));
  }

  /** Its process is gone. */
  exited(exit: { readonly code: number | null; readonly signal: NodeJS.Signals | null; readonly stderr: string | undefined; readonly error: Error | undefined }): void {
    if (this.#stage === 'over') return;
    const { reason, cause } = this.#verdict ?? { reason: this.#stage === 'starting' ? 'boot' : 'crashed', cause: this.#lastWords ?? exit.error };
    this.#over({ passed: false, reason, exit: { code: exit.code, signal: exit.signal }, stderr: exit.stderr ?? '', cause });
  }

  async #ask(): Promise<void> {
    this.#stage = 'checking';
    this.#timer?.cancel();
    const { clock, checkMs } = this.#parts;
    // Otherwise nothing would ever end it, and every later reload would wait.
    if (checkMs < Infinity) this.#timer = clock.after(checkMs, () => { this.fail('check', new Error(`it had not settled after ${checkMs / 1000} s`)); }, { idle: true });
    try {
      if (await this.#parts.check() === false) this.fail('check');
    } catch (error) {
      this.fail('check', asError(error));
    }
    if (this.#verdict === undefined) this.#over({ passed: true });
  }

  #await(delayMs: number, cause?: Error): void {
    this.#timer?.cancel();
    this.#timer = patiently(this.#parts.clock, delayMs, () => { this.fail('hung', cause); });
  }

  #over(outcome: TrialOutcome): void {
    if (this.#stage === 'over') return;
    this.#stage = 'over';
    this.#timer?.cancel();
    this.#end(outcome);
  }
}
