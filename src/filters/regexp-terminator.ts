import { PrefixMatcher } from './prefix-matcher.js';
import type { OpenEnd, Terminator } from './terminator.js';

/** The longest terminator, in bytes, that a regular expression is sure to find when it is split over reads. */
export const MAX_REGEXP_TERMINATOR = 256;

/**
 * How much of a text is searched at once, in bytes. An expression such as / *\n/ looks, from each space in a run, at the rest
 * of the run, so its work grows with the square of the run's length within the piece; clients choose how long a run is.
 */
const PIECE = 4 * MAX_REGEXP_TERMINATOR;

interface Match {
  readonly index: number;
  readonly length: number;
}

/** A regular expression, prepared once for all clients. */
export class TerminatorPattern {
  readonly #search: RegExp;
  /** The same, but it matches only at its lastIndex. */
  readonly #prolong: RegExp;
  readonly #prefixes: PrefixMatcher;

  /** @throws SyntaxError if the expression depends on what surrounds a match */
  constructor(regexp: RegExp) {
    const flags = regexp.flags.replace(/[gy]/g, '');
    this.#search = new RegExp(regexp, `${flags}g`);
    this.#prolong = new RegExp(regexp, `${flags}y`);
    this.#prefixes = new PrefixMatcher(regexp);
  }

  /** The first match from a position on that is not empty; undefined if there is none. */
  find(text: string, from: number): Match | undefined {
    const step = PIECE - MAX_REGEXP_TERMINATOR;
    let at = from;
    // Pieces overlap: a match that begins after the step may go on after the piece, and is looked for in the next one.
    for (; at + PIECE < text.length; at += step) {
      const match = this.#first(text.slice(at, at + PIECE), 0);
      if (match === undefined || match.index >= step) continue;
      const { index, length } = match;
      return { index: at + index, length: index + length === PIECE ? this.lengthAt(text, at + index) : length };
    }
    return this.#first(text, at);
  }

  /** The length of the match at a position of a text. */
  lengthAt(text: string, index: number): number {
    this.#prolong.lastIndex = index;
    return this.#prolong.exec(text)?.[0].length ?? 0;
  }

  #first(text: string, from: number): Match | undefined {
    this.#search.lastIndex = from;
    for (let match = this.#search.exec(text); match !== null; match = this.#search.exec(text)) {
      if (match[0] !== '') return { index: match.index, length: match[0].length };
      this.#search.lastIndex++;
    }
    return undefined;
  }

  /** Whether a match that begins at or after one position and before another could grow when more text comes. */
  couldGrow(text: string, from: number, to: number): boolean {
    return this.#prefixes.couldGrow(text, from, to);
  }
}

/**
 * A regular expression. An empty match is not a terminator. Where more bytes could make a match longer, or make one that
 * begins earlier, nothing is decided before they are there, so that records do not depend on how the input was cut. A match
 * longer than MAX_REGEXP_TERMINATOR is taken as it is: matching it again and again would be expensive.
 */
export class RegexpTerminator implements Terminator {
  start = 0;
  end = 0;
  readonly canBeCut = false;
  readonly #pattern: TerminatorPattern;
  /** The last terminator, as long as it might still grow. */
  #last = '';

  /** @throws SyntaxError if the expression depends on what surrounds a match */
  constructor(regexp: RegExp | TerminatorPattern) {
    this.#pattern = regexp instanceof TerminatorPattern ? regexp : new TerminatorPattern(regexp);
  }

  get isOpen(): boolean {
    return this.#last !== '';
  }

  begin(text: string): number {
    if (this.#last === '') return 0;
    const length = this.#last.length;
    const whole = this.#last + text;
    const from = Math.max(0, this.#pattern.lengthAt(whole, 0) - length);
    this.#settle(whole, 0, length + from);
    return from;
  }

  find(text: string, from: number): boolean {
    if (this.#last !== '') return false;
    const match = this.#pattern.find(text, from);
    if (match === undefined) return false;
    const { index } = match;
    const earliest = Math.max(from, text.length - MAX_REGEXP_TERMINATOR + 1);
    if (earliest < index && this.#pattern.couldGrow(text, earliest, index)) return false;
    this.start = index;
    this.end = index + match.length;
    this.#settle(text, index, this.end);
    return true;
  }

  held(text: string, from: number): number {
    return this.#last === '' ? Math.min(MAX_REGEXP_TERMINATOR - 1, text.length - from) : text.length - from;
  }

  release(): OpenEnd | undefined {
    if (this.#last === '') return undefined;
    const end = new RegexpTerminator(this.#pattern);
    end.#last = this.#last;
    this.#last = '';
    return end;
  }

  /** Decides whether the terminator between two positions could change if more input came. */
  #settle(text: string, start: number, end: number): void {
    const isOpen = text.length - start < MAX_REGEXP_TERMINATOR && this.#pattern.couldGrow(text, start, start + 1);
    this.#last = isOpen ? text.slice(start, end) : '';
  }
}
