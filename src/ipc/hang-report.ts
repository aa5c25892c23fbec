import type { HungFrame } from '../server-events.js';

/** What a worker's watchdog thread says about the main thread. It goes over a pipe of its own: the IPC channel belongs to the blocked thread. */
export interface HangReport {
  /** Milliseconds since the event loop last turned. */
  readonly blockedMs: number;
  /** Innermost first. */
  readonly stack: readonly HungFrame[];
}

/** The descriptor of the pipe: the first after stdin, stdout, stderr and the IPC channel. */
export const HANG_FD = 4;

/** One report as a line of text. */
export const hangReport = (report: HangReport): string => `${JSON.stringify(report)}\n`;

/** A longer line is not one of ours. */
const LONGEST_LINE = 1024 * 1024;

/** Returns a function that takes text as it comes, and calls `listener` for each complete report in it. Anything else is ignored. */
export function readHangReports(listener: (report: HangReport) => void): (text: string) => void {
  let rest = '';
  return (text) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > LONGEST_LINE) rest = '';
    for (const line of lines) {
      const report = parseHangReport(line);
      if (report !== undefined) listener(report);
    }
  };
}

function parseHangReport(line: string): HangReport | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  const { blockedMs, stack } = (value ?? {}) as Readonly<Record<string, unknown>>;
  if (typeof blockedMs !== 'number' || !Array.isArray(stack) || !stack.every(isFrame)) return undefined;
  return { blockedMs, stack };
}

function isFrame(value: unknown): value is HungFrame {
  if (typeof value !== 'object' || value === null) return false;
  const { functionName, url, line, column } = value as Readonly<Record<string, unknown>>;
  return typeof functionName === 'string' && typeof url === 'string' && typeof line === 'number' && typeof column === 'number';
}
