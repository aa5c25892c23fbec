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

/** Makes an error fit for the channel. Errors are the user's too: what ought to be a text may be anything, or throw. */
export function toReport(error: Error, where: string): WorkerErrorReport {
  const code = attempt(() => (error as { code?: unknown }).code);
  return {
    name: textOf(() => error.name) ?? 'Error',
    message: textOf(() => error.message) ?? 'an error without a message',
    stack: textOf(() => error.stack),
    code: typeof code === 'string' ? code : undefined,
    where,
  };
}

function textOf(read: () => unknown): string | undefined {
  return attempt(() => {
    const value = read();
    return value === undefined ? undefined : (value as { toString(): string }).toString().slice(0, LONGEST);
  });
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
