/**
 * Finds what ends a record. It works on the text of one read, in which every character is one byte (latin1), so a
 * position is the same in the text and in the bytes. After `find` the terminator found is from `start` to `end`.
 *
 * A terminator that touches the end of a read might go on in the next one. Its record does not wait for that: `begin`
 * swallows the rest of the terminator when it comes.
 */
export interface Terminator {
  /** Position of the first byte of the terminator found: the record ends before it. */
  readonly start: number;
  /** Position after the terminator found: the next record begins there. */
  readonly end: number;
  /** Text that begins the terminator found, is surely not in the record before it, and is ASCII; '' if there is none. */
  readonly mark: string;
  /** Takes up a new read, and returns where its first record begins: after what still belongs to the last terminator. */
  begin(text: string): number;
  /** Looks for the first terminator from a position on; in one read positions never go back. */
  find(text: string, from: number): boolean;
  /** How many bytes at the end of a text without a terminator could be the beginning of one. */
  held(text: string, from: number): number;
}

const LF = 10;
const CR = 13;

/** LF, CR LF, CR and LF CR, in any mixture: the default of POE::Filter::Line, `\x0D\x0A?|\x0A\x0D?`. */
export class MixedTerminator implements Terminator {
  start = 0;
  end = 0;
  mark = '';
  /** Positions of the next LF and CR; the length of the text if there is none. */
  #lf = -1;
  #cr = -1;
  /** The byte that would be the second half of the last terminator, if the read ended after the first; else -1. */
  #second = -1;

  begin(text: string): number {
    this.#lf = this.#cr = -1;
    const swallowed = this.#second !== -1 && text.charCodeAt(0) === this.#second;
    this.#second = -1;
    return swallowed ? 1 : 0;
  }

  find(text: string, from: number): boolean {
    const { length } = text;
    if (this.#lf < from) this.#lf = orLength(text.indexOf('\n', from), length);
    if (this.#cr < from) this.#cr = orLength(text.indexOf('\r', from), length);
    const start = Math.min(this.#lf, this.#cr);
    if (start === length) return false;
    const isLf = start === this.#lf;
    const second = isLf ? CR : LF;
    this.mark = isLf ? '\n' : '\r';
    const next = start + 1;
    this.start = start;
    this.end = next < length && text.charCodeAt(next) === second ? next + 1 : next;
    if (next === length) this.#second = second;
    return true;
  }

  held(): number {
    return 0;
  }
}

const orLength = (position: number, length: number): number => (position === -1 ? length : position);

/** Exact bytes. */
export class LiteralTerminator implements Terminator {
  start = 0;
  end = 0;
  readonly mark: string;
  readonly #literal: string;

  /** @param literal - one character per byte (latin1); not empty */
  constructor(literal: string) {
    this.#literal = literal;
    this.mark = /^[\0-\x7f]+$/.test(literal) ? literal : '';
  }

  begin(): number {
    return 0;
  }

  find(text: string, from: number): boolean {
    this.start = text.indexOf(this.#literal, from);
    this.end = this.start + this.#literal.length;
    return this.start !== -1;
  }

  held(text: string, from: number): number {
    let count = Math.min(this.#literal.length - 1, text.length - from);
    while (count > 0 && !text.endsWith(this.#literal.slice(0, count))) count--;
    return count;
  }
}

/** The longest terminator that a regular expression is sure to find when it is split over reads, in bytes. */
export const MAX_REGEXP_TERMINATOR = 256;

/** A regular expression. A match of nothing is no terminator. */
export class RegexpTerminator implements Terminator {
  start = 0;
  end = 0;
  /** A record can hold what ends it, where it did not match. */
  readonly mark = '';
  readonly #search: RegExp;
  /** The same, but it matches at its lastIndex only. */
  readonly #prolong: RegExp;
  /** The last terminator, if it touched the end of the read and might go on. */
  #matched = '';

  constructor(regexp: RegExp) {
    const flags = regexp.flags.replace(/[gy]/g, '');
    this.#search = new RegExp(regexp, `${flags}g`);
    this.#prolong = new RegExp(regexp, `${flags}y`);
  }

  begin(text: string): number {
    const matched = this.#matched;
    this.#matched = '';
    if (matched === '') return 0;
    this.#prolong.lastIndex = 0;
    const whole = this.#prolong.exec(matched + text)?.[0] ?? '';
    if (whole.length <= matched.length) return 0;
    if (whole.length === matched.length + text.length) this.#remember(whole);
    return whole.length - matched.length;
  }

  find(text: string, from: number): boolean {
    this.#search.lastIndex = from;
    for (let match = this.#search.exec(text); match !== null; match = this.#search.exec(text)) {
      if (match[0] === '') {
        this.#search.lastIndex++;
        continue;
      }
      this.start = match.index;
      this.end = match.index + match[0].length;
      if (this.end === text.length) this.#remember(match[0]);
      return true;
    }
    return false;
  }

  held(text: string, from: number): number {
    return Math.min(MAX_REGEXP_TERMINATOR - 1, text.length - from);
  }

  /** Keeps the terminator for `begin`, unless it is so long that matching it again and again would take its toll. */
  #remember(terminator: string): void {
    if (terminator.length < MAX_REGEXP_TERMINATOR) this.#matched = terminator;
  }
}

/**
 * The first terminator of the connection fixes what ends every later record: LF, CR LF or CR. After LF CR it is LF with
 * a CR swallowed behind it: whether the CR belongs to the terminator shows only after the second line, and until then
 * neither may a record be held back nor the connection get stuck.
 */
export class DetectedTerminator implements Terminator {
  start = 0;
  end = 0;
  mark = '';
  /** Finds the first terminator, then what it has fixed. */
  #current: Terminator = new MixedTerminator();
  #fixed = false;
  /** The first terminator, if the read ended after it, so that its second half may follow. */
  #first = '';

  begin(text: string): number {
    if (this.#first === '') return this.#current.begin(text);
    const from = this.#current.begin(text);
    this.#fix(this.#first + text.slice(0, from));
    return from;
  }

  find(text: string, from: number): boolean {
    if (!this.#current.find(text, from)) return false;
    ({ start: this.start, end: this.end, mark: this.mark } = this.#current);
    if (this.#fixed) return true;
    const found = text.slice(this.start, this.end);
    if (found.length === 1 && this.end === text.length) this.#first = found;
    else this.#fix(found);
    return true;
  }

  held(text: string, from: number): number {
    return this.#current.held(text, from);
  }

  #fix(found: string): void {
    this.#first = '';
    this.#fixed = true;
    this.#current = found === '\n\r' ? new RegexpTerminator(/\n\r?/) : new LiteralTerminator(found);
  }
}
