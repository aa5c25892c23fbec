import { PreforkError } from '../errors.js';

/** Why a release was not accepted. */
export const RELOAD_FAILURES = {
  boot: 'ended before it was ready',
  crashed: 'ended after it was ready',
  hung: 'was not heard from in time',
  check: 'did not pass the check',
  options: 'has options that the pool cannot take',
  version: 'speaks another version of the protocol: it has another version of prefork-tcp-server, which needs an upgrade() instead',
} as const;

/** Why a release was not accepted: a key of the table that has the words. */
export type ReloadFailure = keyof typeof RELOAD_FAILURES;

/** What is known about a release that failed. */
export interface ReloadEvidence {
  readonly reason: ReloadFailure;
  readonly release: number;
  readonly script: string;
  /** The worker that failed; undefined if none was started. */
  readonly pid: number | undefined;
  /** How it ended. */
  readonly exit: { readonly code: number | null; readonly signal: NodeJS.Signals | null } | undefined;
  /** Its last lines on stderr. */
  readonly stderr: string;
  /** The script of the previous release was overwritten in place, or removed: new workers of it run different code, or none. */
  readonly mixed: boolean;
  readonly cause?: unknown;
}

/** A reload failed, and the previous release goes on serving. */
export class ReloadError extends PreforkError {
  /** Why, as one word: 'boot', 'crashed', 'hung', 'check', 'options' or 'version'. */
  readonly reason: ReloadFailure;
  /** Counts the releases that were tried, from 1. */
  readonly release: number;
  /** The worker that failed; undefined if none was started. */
  readonly pid: number | undefined;
  /** How it ended; undefined if it did not. */
  readonly exit: ReloadEvidence['exit'];
  /** Its last lines on stderr. */
  readonly stderr: string;
  /** Whether files of the previous release have been overwritten in place: new workers of it may run the new code. */
  readonly mixed: boolean;

  constructor({ reason, release, script, pid, exit, stderr, mixed, cause }: ReloadEvidence) {
    const who = pid === undefined ? '' : `; worker ${pid} ${RELOAD_FAILURES[reason]}${describe(exit)}`;
    const why = cause instanceof Error ? `: ${cause.message.replace(/\.$/, '')}` : '';
    const files = mixed ? ' But its script was overwritten or removed, so workers that start from now on run other code or fail: restore the file.' : '';
    const lines = stderr === '' ? '' : `\nIts last lines on stderr:\n${stderr.trimEnd()}`;
    super('ERR_PREFORK_RELOAD', `Release ${release} (${script}) was not accepted${who}${why}. The previous release goes on serving.${files}${lines}`, cause === undefined ? undefined : { cause });
    this.reason = reason;
    this.release = release;
    this.pid = pid;
    this.exit = exit;
    this.stderr = stderr;
    this.mixed = mixed;
  }
}

function describe(exit: ReloadEvidence['exit']): string {
  if (exit === undefined) return '';
  return exit.signal === null ? ` (exit code ${exit.code ?? 'unknown'})` : ` (${exit.signal})`;
}
