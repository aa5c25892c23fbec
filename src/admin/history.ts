import { pathToFileURL } from 'node:url';
import type { Clock } from '../clock.js';
import { inWords, type PoolEvent } from '../pool-event.js';
import type { HungFrame } from '../server-events.js';
import type { ServerStatus } from '../status.js';
import type { Hang, LogLine, Sample } from './page-data.js';

const KEPT_LINES = 50;
/** Five minutes, with a sample every two seconds. */
const KEPT_SAMPLES = 150;
const KEPT_FRAMES = 12;

/** What a page that is opened now would have missed: the last events, the load of the last minutes, which workers hang. */
export class History {
  readonly #clock: Clock;
  #log: readonly LogLine[] = [];
  #samples: readonly Sample[] = [];
  readonly #hangs = new Map<number, Hang>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Newest first. A new array after each change. */
  get log(): readonly LogLine[] {
    return this.#log;
  }

  /** Oldest first. A new array after each change. */
  get samples(): readonly Sample[] {
    return this.#samples;
  }

  note(event: PoolEvent): void {
    const words = inWords(event);
    if (words !== undefined) this.#log = [{ at: this.#clock.wallNow(), level: words.level, text: shorten(words.text) }, ...this.#log.slice(0, KEPT_LINES - 1)];
    if (event.name === 'worker:exit') this.#hangs.delete(event.detail.pid);
    if (event.name !== 'worker:hung') return;
    const { pid, blockedFor, stack } = event.detail;
    this.#hangs.set(pid, { pid, blockedFor, at: this.#clock.wallNow(), stack: stack.slice(0, KEPT_FRAMES).map((frame) => shorten(showFrame(frame))) });
  }

  sample({ totals }: ServerStatus): void {
    this.#samples = [...this.#samples.slice(1 - KEPT_SAMPLES), [this.#clock.wallNow(), totals.connections, totals.queued ?? null]];
  }

  /** The workers that hang. One that has been heard from since is no longer blocked, and is forgotten. */
  hangs({ workers }: ServerStatus): Hang[] {
    for (const { pid, lastHeartbeatAt } of workers) {
      const hang = this.#hangs.get(pid);
      if (hang !== undefined && lastHeartbeatAt > hang.at) this.#hangs.delete(pid);
    }
    return [...this.#hangs.values()];
  }
}

const showFrame = ({ functionName, url, line, column }: HungFrame): string => (
  `${functionName === '' ? '(anonymous)' : functionName} ${url}:${line}:${column}`
);

/** Shows files of the program by their path within its folder, since lines of the page are short. */
const shorten = (text: string): string => text.replaceAll(`${pathToFileURL(process.cwd()).href}/`, '');
