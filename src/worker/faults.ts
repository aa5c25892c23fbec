import { constants } from 'node:os';
import { getSystemErrorMap } from 'node:util';
import type { WorkerErrorReport } from '../ipc/protocol.js';

/** Whether a callback returned something to wait for. */
export const isThenable = (value: unknown): value is PromiseLike<unknown> => (
  typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
);

/** The system's words for its error numbers. Kept, since Node makes a new map at every call. */
const WORDS = getSystemErrorMap();

/** Number, words and error for a system error, as ClientError gets them. */
export function systemErrorText(code: string | undefined, error?: Error): { errno: number; errstr: string; error: Error } {
  const errno = (constants.errno as Readonly<Record<string, number>>)[code ?? ''] ?? 0;
  const errstr = WORDS.get(-errno)?.[1] ?? error?.message ?? code ?? '';
  return { errno, errstr, error: error ?? Object.assign(new Error(`${code ?? ''}: ${errstr}`), { code, errno: -errno }) };
}

/** The longest text of an error that is worth sending. */
const LONGEST = 16 * 1024;

/** Makes an error fit for the channel. */
export function toReport(error: Error, where: string): WorkerErrorReport {
  const { code } = error as { code?: unknown };
  return {
    name: error.name,
    message: error.message.slice(0, LONGEST),
    stack: error.stack?.slice(0, LONGEST),
    code: typeof code === 'string' ? code : undefined,
    where,
  };
}
