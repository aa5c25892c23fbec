import type { Clock, Timer } from '../clock.js';
import type { WorkerErrorReport } from '../ipc/protocol.js';

/** The longest text of an error that is worth sending. */
const LONGEST = 16 * 1024;

/** Makes an error fit for the channel. Errors may be the user's: what should be a text may be anything, or throw. */
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

/** Faults are counted by kind over this time. */
const WINDOW_MS = 1000;
/** How many of a kind are reported in full in that time. */
const IN_FULL = 3;
/** How many kinds are distinguished in that time; the rest count as one kind. */
const MOST_KINDS = 16;

interface Kind {
  count: number;
  last: { readonly error: Error; readonly where: string };
}

/**
 * Reports faults: in each second, the first of each kind in full, and then how many more there were. A client may cause
 * faults without end, faster than the master can read, and what the channel has not sent yet takes the worker's memory.
 */
export class FaultReports {
  readonly #clock: Clock;
  readonly #send: (report: WorkerErrorReport) => void;
  readonly #kinds = new Map<string, Kind>();
  #timer: Timer | undefined;

  constructor(clock: Clock, send: (report: WorkerErrorReport) => void) {
    this.#clock = clock;
    this.#send = send;
  }

  add(error: Error, where: string): void {
    const kind = this.#kindOf(error, where);
    kind.count += 1;
    kind.last = { error, where };
    if (kind.count <= IN_FULL) this.#send(toReport(error, where));
    this.#timer ??= this.#clock.after(WINDOW_MS, () => { this.flush(); }, { idle: true });
  }

  /** Reports what has been counted. */
  flush(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    for (const { count, last: { error, where } } of this.#kinds.values()) {
      if (count <= IN_FULL) continue;
      const report = toReport(error, where);
      this.#send({ ...report, message: `${report.message} (the last of ${count - IN_FULL} more like it within a second)` });
    }
    this.#kinds.clear();
  }

  #kindOf(error: Error, where: string): Kind {
    const name = `${where} ${textOf(() => error.name) ?? ''}`;
    const key = this.#kinds.has(name) || this.#kinds.size < MOST_KINDS ? name : '';
    let kind = this.#kinds.get(key);
    if (kind === undefined) {
      kind = { count: 0, last: { error, where } };
      this.#kinds.set(key, kind);
    }
    return kind;
  }
}
