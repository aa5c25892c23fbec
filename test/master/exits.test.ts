import { describe, expect, it } from 'vitest';
import { exitReason, exitText } from '../../src/master/exits.js';
import { Roster } from '../../src/master/roster.js';
import type { WorkerRecord } from '../../src/master/worker-record.js';
import type { Exit } from '../../src/master/worker-process.js';
import { DRAIN_REASONS, EXIT_REASONS, KILL_REASONS } from '../../src/policy/reasons.js';
import type { DrainReason, ExitReason, KillReason } from '../../src/policy/reasons.js';
import { deafProcess } from '../support/roster-facts.js';

/** A worker that is ready, unless something else is given. */
function record(given: Partial<WorkerRecord> = {}): WorkerRecord {
  return { ...new Roster().add({ process: deafProcess(4001), now: 0, wallNow: 0, lifeMs: Infinity, share: null }), phase: 'ready', readyAt: 1, ...given };
}

const starting = (given: Partial<WorkerRecord> = {}): WorkerRecord => record({ phase: 'starting', readyAt: undefined, ...given });
const draining = (reason: DrainReason): Pick<WorkerRecord, 'phase' | 'drain'> => ({ phase: 'draining', drain: { reason, isOurs: true, deadline: 0 } });
const exit = (given: Partial<Exit>): Exit => ({ code: null, signal: null, stderr: undefined, error: undefined, ...given });

describe('why a worker ended', () => {
  it.each<[string, WorkerRecord, Partial<Exit>, ExitReason, string]>([
    ['drained: expired, but it woke up', record(draining('expired')), { code: 0 }, 'expired', 'exit code 0: drained, silent for longer than MaxServerExpireTime'],
    ['ended because it drained before it was ready', starting(draining('shutdown')), { signal: 'SIGKILL' }, 'shutdown', 'SIGKILL: ended before it was ready, the pool shuts down'],
    ['ended while it drained', record(draining('shutdown')), { signal: 'SIGKILL' }, 'shutdown', 'SIGKILL: ended while it drained, the pool shuts down'],
    ['killed: grace', record({ ...draining('shutdown'), killed: 'grace' }), { signal: 'SIGKILL' }, 'killed:grace', 'SIGKILL: killed, still there at the end of GraceExpireTime'],
    ['killed: boot', starting({ killed: 'boot' }), { signal: 'SIGKILL' }, 'killed:boot', 'SIGKILL: killed, not ready within the start limit'],
    ['killed: asked', record({ killed: 'asked' }), { signal: 'SIGKILL' }, 'killed:asked', 'SIGKILL: killed, asked to'],
    ['killed by the kernel', record(), { signal: 'SIGKILL' }, 'crashed', 'SIGKILL, not ours: perhaps out of memory'],
    ['killed by the kernel at its start', starting(), { signal: 'SIGKILL' }, 'boot-failed', 'SIGKILL, not ours: perhaps out of memory, before it was ready'],
    ['aborted', record(), { signal: 'SIGABRT' }, 'crashed', 'SIGABRT, not ours: perhaps its JavaScript heap was full'],
    ['a fault of native code', record(), { signal: 'SIGSEGV' }, 'crashed', 'SIGSEGV, not ours: a fault of native code'],
    ['another fault of native code', record(), { signal: 'SIGBUS' }, 'crashed', 'SIGBUS, not ours: a fault of native code'],
    ['another signal', record(), { signal: 'SIGHUP' }, 'crashed', 'SIGHUP, not ours: somebody sent it'],
    ['aborted behind a shell', record(), { code: 134 }, 'crashed', 'exit code 134 (aborted, perhaps its JavaScript heap was full): its program ended'],
    ['ended by itself', record(), { code: 0 }, 'crashed', 'exit code 0: ended by itself'],
    ['ended by itself at its start', starting(), { code: 0 }, 'boot-failed', 'exit code 0: ended by itself, before it was ready'],
    ['threw', record(), { code: 1 }, 'crashed', 'exit code 1: its program ended'],
    ['threw at its start', starting(), { code: 1 }, 'boot-failed', 'exit code 1: its program ended, before it was ready'],
    ['threw while it drained', record(draining('lifetime')), { code: 1 }, 'crashed', 'exit code 1: its program ended'],
    ['crashed while it drained', record(draining('lifetime')), { signal: 'SIGSEGV' }, 'crashed', 'SIGSEGV, not ours: a fault of native code'],
    ['never was', starting(), { error: new Error('spawn ENOENT') }, 'boot-failed', 'could not be started: spawn ENOENT'],
    ['gone without a trace', starting(), {}, 'boot-failed', 'gone: its program ended, before it was ready'],
  ])('%s', (_title, worker, how, reason, text) => {
    expect(exitReason(worker, exit(how))).toBe(reason);
    expect(exitText(worker, exit(how))).toBe(text);
  });

  it.each(Object.entries(DRAIN_REASONS) as [DrainReason, string][])('is said in words for a drain: %s', (reason, words) => {
    expect(EXIT_REASONS).toContain(reason);
    expect(exitText(record(draining(reason)), exit({ code: 0 }))).toBe(`exit code 0: drained, ${words}`);
  });

  it.each(Object.entries(KILL_REASONS) as [KillReason, string][])('is said in words for a kill: %s', (killed, words) => {
    expect(EXIT_REASONS).toContain(`killed:${killed}`);
    expect(exitText(record({ killed }), exit({ signal: 'SIGKILL' }))).toBe(`SIGKILL: killed, ${words}`);
  });
});
