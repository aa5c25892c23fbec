import type { Clock } from '../clock.js';
import type { WorkerErrorEvent } from '../server-events.js';

/** Errors of one place are shown this far apart; those in between are only counted. */
const APART_MS = 1000;
/** Starts that fail with the same error are one problem, for as long as the longest pause between them (policy/starts.ts). */
const STARTS_APART_MS = 30_000;

/** How many places are remembered. */
const MOST_PLACES = 100;

/** Shows errors of workers if nothing listens for them: an error must leave a trace. */
export class UnheardErrors {
  readonly #clock: Clock;
  readonly #write: (text: string) => void;
  readonly #places = new Map<string, { unshown: number }>();

  constructor(clock: Clock, write: (text: string) => void) {
    this.#clock = clock;
    this.#write = write;
  }

  /** Shows an error, unless one of the same place was shown less than a second ago. */
  show({ pid, where, error }: WorkerErrorEvent): void {
    // Node has shown it in the worker; and errors that the program itself caught are left to it.
    if (where === 'uncaught') return;
    const isStart = where === 'start';
    const place = isStart ? `${where} ${troubleOf(error)}` : where;
    const known = this.#places.get(place);
    if (known !== undefined) {
      known.unshown += 1;
      return;
    }
    this.#write(`prefork-tcp-server: worker ${pid}, ${where}: ${isStart ? firstLine(error) : textOf(error)}\n`);
    if (this.#places.size >= MOST_PLACES) return;
    const fresh = { unshown: 0 };
    this.#places.set(place, fresh);
    this.#clock.after(isStart ? STARTS_APART_MS : APART_MS, () => {
      this.#places.delete(place);
      if (fresh.unshown > 0) this.#write(`prefork-tcp-server: ${where}: ${fresh.unshown} more within ${isStart ? '30 seconds' : 'a second'}\n`);
    }, { idle: true });
  }
}

/** What keeps a worker from starting: an error, or how it ended, whatever its pid and however many tries there were. */
function troubleOf({ cause, message }: Error): string {
  return cause instanceof Error ? cause.message : message.replace(/\).*/s, '').replace(/\d+/g, '0');
}

/** For a failed start only the first line: its stderr follows, which has been shown already, and its stack leads to no code of the user's. */
function firstLine({ message }: Error): string {
  const [line = ''] = message.split('\n', 1);
  return line;
}

/** Node's own text of an error: its stack, and its code. */
function textOf(error: Error): string {
  const { code } = error as { code?: unknown };
  return `${error.stack ?? `${error.name}: ${error.message}`}${typeof code === 'string' ? ` (${code})` : ''}`;
}
