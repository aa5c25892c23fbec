import { DRAIN_REASONS, KILL_REASONS } from '../policy/reasons.js';
import type { ExitReason } from '../policy/reasons.js';
import type { WorkerRecord } from './worker-record.js';
import type { Exit } from './worker-process.js';

/** Why a worker ended, as far as the master knows. */
export function exitReason(record: WorkerRecord, exit: Exit): ExitReason {
  if (record.killed !== undefined) return `killed:${record.killed}`;
  if (record.drain !== undefined && (exit.code === 0 || exit.signal === 'SIGKILL')) return record.drain.reason;
  return record.readyAt === undefined ? 'boot-failed' : 'crashed';
}

/** The same in words. */
export function exitText(record: WorkerRecord, exit: Exit): string {
  const how = howItEnded(exit);
  const phase = record.readyAt === undefined ? ', before it was ready' : '';
  if (record.killed !== undefined) return `${how}: killed, ${KILL_REASONS[record.killed]}`;
  // Workers that cannot obey a drain yet are killed, and so are all others when the time for it is up.
  if (record.drain !== undefined && exit.signal === 'SIGKILL') return `${how}: ended${phase === '' ? ' while it drained' : ' before it was ready'}, ${DRAIN_REASONS[record.drain.reason]}`;
  if (exit.signal !== null) return `${how}, not ours: ${FOREIGN_SIGNALS[exit.signal] ?? 'somebody sent it'}${phase}`;
  if (record.drain !== undefined && exit.code === 0) return `${how}: drained, ${DRAIN_REASONS[record.drain.reason]}`;
  if (exit.code === 0) return `${how}: ended by itself${phase}`;
  return `${how}: ${exit.error === undefined ? `its program ended${phase}` : exit.error.message}`;
}

const FOREIGN_SIGNALS: Readonly<Record<string, string>> = {
  SIGKILL: 'perhaps out of memory',
  SIGABRT: 'perhaps its JavaScript heap was full',
  SIGSEGV: 'a fault of native code',
  SIGBUS: 'a fault of native code',
};

// 134 = 128 + SIGABRT: what a shell in between makes of an abort.
const CODES: Readonly<Record<number, string>> = { 134: 'exit code 134 (aborted, perhaps its JavaScript heap was full)' };

function howItEnded({ code, signal, error }: Exit): string {
  if (signal !== null) return signal;
  if (code === null) return error === undefined ? 'gone' : 'could not be started';
  return CODES[code] ?? `exit code ${code}`;
}
