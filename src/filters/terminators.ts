import { RegexpTerminator, TerminatorPattern } from './regexp-terminator.js';
import type { OpenEnd, Terminator } from './terminator.js';

const LF = 10;
const CR = 13;

/** Prepared when a connection first needs it: in most programs none does. */
let lfCr: TerminatorPattern | undefined;

/** LF, CR LF, CR and LF CR, in any mixture: the default of POE::Filter::Line, `\x0D\x0A?|\x0A\x0D?`. */
export class MixedTerminator implements Terminator {
  start = 0;
  end = 0;
  readonly canBeCut = true;
  /** Positions of the next LF and CR; the length of the text if there is none. */
  #lf = -1;
  #cr = -1;
  /** The byte that would be the second half of the last terminator, if the read ended after the first; otherwise -1. */
  #second = -1;

  get isOpen(): boolean {
    return this.#second !== -1;
  }

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
    const next = start + 1;
    this.start = start;
    this.end = next < length && text.charCodeAt(next) === second ? next + 1 : next;
    if (next === length) this.#second = second;
    return true;
  }

  held(): number {
    return 0;
  }

  release(): OpenEnd | undefined {
    if (this.#second === -1) return undefined;
    const end = new MixedTerminator();
    end.#second = this.#second;
    this.#second = -1;
    return end;
  }
}

const orLength = (position: number, length: number): number => (position === -1 ? length : position);

/** Exact bytes. */
export class LiteralTerminator implements Terminator {
  start = 0;
  end = 0;
  readonly canBeCut = true;
  readonly isOpen = false;
  readonly #literal: string;

  /** @param literal - one character per byte (latin1); not empty */
  constructor(literal: string) {
    this.#literal = literal;
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

  release(): undefined {
    return undefined;
  }
}

/**
 * The first terminator of the connection decides what ends every later record: LF, CR LF or CR. After LF CR it is LF,
 * and a CR that follows it is swallowed: whether the CR belongs to the terminator shows only after the second line, and
 * until then no record may be held back and the connection must not get stuck.
 */
export class DetectedTerminator implements Terminator {
  start = 0;
  end = 0;
  readonly canBeCut = true;
  /** Finds the first terminator, then the kind that it has decided on. */
  #current: Terminator = new MixedTerminator();
  #fixed = false;
  /** The first terminator, if the read ended after it, so that its second half may follow. */
  #first = '';

  get isOpen(): boolean {
    return this.#first !== '' || this.#current.isOpen;
  }

  begin(text: string): number {
    if (this.#first === '') return this.#current.begin(text);
    const from = this.#current.begin(text);
    this.#fix(this.#first + text.slice(0, from));
    return from;
  }

  find(text: string, from: number): boolean {
    if (!this.#current.find(text, from)) return false;
    ({ start: this.start, end: this.end } = this.#current);
    if (this.#fixed) return true;
    const found = text.slice(this.start, this.end);
    if (found.length === 1 && this.end === text.length) this.#first = found;
    else this.#fix(found);
    return true;
  }

  held(text: string, from: number): number {
    return this.#current.held(text, from);
  }

  release(): OpenEnd | undefined {
    const first = this.#first;
    const end = this.#current.release();
    if (first === '' || end === undefined) return end;
    this.#first = '';
    return {
      isOpen: false,
      begin: (text: string): number => {
        const from = end.begin(text);
        if (!this.#fixed) this.#fix(first + text.slice(0, from));
        return from;
      },
    };
  }

  #fix(found: string): void {
    this.#first = '';
    this.#fixed = true;
    this.#current = found === '\n\r' ? new RegexpTerminator(lfCr ??= new TerminatorPattern(/\n\r?/)) : new LiteralTerminator(found);
  }
}
