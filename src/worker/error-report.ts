import type { WorkerErrorReport } from '../ipc/protocol.js';

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
