import type { Clock } from '../clock.js';
import { systemClock } from '../clock.js';
import { writeToStderr } from './stderr.js';

/** How long the output of a starting worker is held back: most failed starts have ended by then. */
const HOLD_MS = 250;
/** A failed start that says the same as another within this time has the same problem. */
const SAME_MS = 5000;
const KEPT_CHARACTERS = 4096;
const MOST_TEXTS = 20;

/** What failed starts said lately, so that five workers with the same problem show it once. */
export class ShownTexts {
  readonly #clock: Clock;
  readonly #at = new Map<string, number>();
  /** The error that ended a worker and that its own stderr has shown, as it is there after its name, and when. */
  #shownBy: { readonly error: string; readonly at: number } | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Takes note of a text. @returns whether the same was said lately, apart from numbers: pids, times, ports */
  isKnown(text: string): boolean {
    const now = this.#clock.now();
    const words = wordsOf(text);
    if (this.#shownBy !== undefined && now - this.#shownBy.at < SAME_MS && words.includes(this.#shownBy.error)) return true;
    const at = this.#at.get(words);
    this.#at.delete(words);
    this.#at.set(words, now);
    for (const oldest of this.#at.keys()) if (this.#at.size > MOST_TEXTS) this.#at.delete(oldest);
    return at !== undefined && now - at < SAME_MS;
  }

  /** A worker has ended by an error, which is on its own stderr. */
  shownByItself(error: string): void {
    if (error !== '') this.#shownBy = { error: wordsOf(`: ${error}`), at: this.#clock.now() };
  }
}

const wordsOf = (text: string): string => text.replace(/\d+/g, '0');

/**
 * What a worker writes to stderr. It passes through this process, so that its last lines can be reported if it fails; if
 * several workers fail at their start with the same words, only the first is shown.
 */
export class StartOutput {
  readonly #shown: ShownTexts;
  readonly #write: (data: Uint8Array) => void;
  readonly #clock: Clock;
  #held: Buffer[] | undefined = [];
  #lastLines: string | undefined;
  #holds = false;

  constructor(shown: ShownTexts, { write = writeToStderr, clock = systemClock }: { readonly write?: (data: Uint8Array) => void; readonly clock?: Clock } = {}) {
    this.#shown = shown;
    this.#write = write;
    this.#clock = clock;
  }

  /** The end of what it has written; undefined = nothing. */
  get lastLines(): string | undefined {
    return this.#lastLines;
  }

  push(data: Buffer): void {
    this.#lastLines = ((this.#lastLines ?? '') + data.toString()).slice(-KEPT_CHARACTERS);
    if (this.#held === undefined) return this.#write(data);
    this.#held.push(data);
    if (this.#holds) return;
    this.#holds = true;
    this.#clock.after(HOLD_MS, () => { this.pass(); }, { idle: true });
  }

  /** It has started, or is taking long: from now on its output is shown at once. */
  pass(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    if (held.length > 0) this.#write(Buffer.concat(held));
  }

  /** It has ended. Its output is not shown if it failed in the same way as others. */
  end(): void {
    const held = this.#held ?? [];
    if (held.length > 0 && this.#shown.isKnown(Buffer.concat(held).toString())) this.#held = undefined;
    else this.pass();
  }
}
