import { PreforkError } from '../errors.js';

/** Why a successor did not take over. */
export const UPGRADE_FAILURES = {
  boot: 'failed before its pool was ready',
  crashed: 'failed after its pool was ready',
  timeout: 'did not accept in time',
  version: 'speaks another version of the protocol for upgrades',
} as const;

/** Why a successor did not take over: a key of the table that has the words. */
export type UpgradeFailure = keyof typeof UPGRADE_FAILURES;

/** What is known about a successor that did not take over. */
export interface UpgradeEvidence {
  readonly reason: UpgradeFailure;
  /** undefined if it could not be started. */
  readonly pid: number | undefined;
  /** How it ended, as far as that is known. */
  readonly exit: { readonly code: number | null; readonly signal: NodeJS.Signals | null } | undefined;
  /** Its last lines on stderr. */
  readonly stderr: string;
  /** What it said about itself, or which of its servers is missing. */
  readonly detail?: string | undefined;
  readonly cause?: unknown;
}

/** An upgrade failed, and the old master goes on. */
export class UpgradeError extends PreforkError {
  /** 'boot': it ended, or could not listen, before its pool was ready; 'crashed': after that; 'timeout': it took too long; 'version': it cannot take over from this version. */
  readonly reason: UpgradeFailure;
  /** The process that failed; undefined if it could not be started. */
  readonly pid: number | undefined;
  /** How it ended; undefined if that is not known. */
  readonly exit: UpgradeEvidence['exit'];
  /** The last that it wrote to stderr, up to 4096 characters; all of it went to the stderr of the service, too. */
  readonly stderr: string;

  constructor({ reason, pid, exit, stderr, detail, cause }: UpgradeEvidence) {
    const who = pid === undefined ? 'The successor' : `The successor ${pid}`;
    const how = exit === undefined ? '' : exit.signal === null ? ` (exit code ${exit.code ?? 'unknown'})` : ` (${exit.signal})`;
    const why = detail ?? (cause instanceof Error ? cause.message : undefined);
    const lines = stderr === '' ? '' : `\nIts last lines on stderr:\n${stderr.trimEnd()}`;
    super('ERR_PREFORK_UPGRADE', `${who} ${UPGRADE_FAILURES[reason]}${how}${why === undefined ? '' : `: ${why.replace(/\.$/, '')}`}. The old pool goes on.${lines}`, cause === undefined ? undefined : { cause });
    this.reason = reason;
    this.pid = pid;
    this.exit = exit;
    this.stderr = stderr;
  }
}
