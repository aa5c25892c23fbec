import { constants } from 'node:os';
import { getSystemErrorMap } from 'node:util';

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
