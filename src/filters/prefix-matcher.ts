/**
 * Finds out whether more text could make a match of a regular expression complete or longer. JavaScript's own engine does not say.
 *
 * It is a nondeterministic automaton that is followed in all its states at once (Thompson): its work is at most the
 * length of the text times the size of the expression, whatever the text. Characters are bytes (latin1).
 */
export class PrefixMatcher {
  readonly #states: readonly State[];
  readonly #start: number;

  /** @throws SyntaxError that says which part of the expression depends on what surrounds a match */
  constructor(regexp: RegExp) {
    const states: State[] = [];
    this.#start = compile(new Parser(regexp).parse(), add(states, { chars: NONE, next: [] }), states);
    this.#states = states;
  }

  /**
   * Whether a match that begins at one of some positions could still grow when more text comes.
   *
   * @param from - the first of these positions
   * @param to - the position after the last of them
   */
  couldGrow(text: string, from: number, to: number = from + 1): boolean {
    let live = new Set<number>();
    for (let at = from; at < text.length; at++) {
      if (at < to) this.#enter(this.#start, live);
      else if (live.size === 0) return false;
      const code = text.charCodeAt(at);
      const next = new Set<number>();
      for (const index of live) {
        const state = this.#states[index];
        if (state?.chars?.[code] === 1) for (const one of state.next) this.#enter(one, next);
      }
      live = next;
    }
    for (const index of live) if (this.#states[index]?.chars !== NONE) return true;
    return false;
  }

  /** Adds a state, or those that are reached from it without a character. */
  #enter(index: number, live: Set<number>): void {
    const waiting = [index];
    const seen = new Set<number>();
    for (let one = waiting.pop(); one !== undefined; one = waiting.pop()) {
      const state = this.#states[one];
      if (state === undefined || seen.has(one)) continue;
      seen.add(one);
      if (state.chars === undefined) waiting.push(...state.next);
      else live.add(one);
    }
  }
}

/** With `chars`, it goes on at one of these bytes; without, at once. */
interface State {
  readonly chars?: Uint8Array | undefined;
  next: number[];
}

/** No byte: the state where a match is complete. */
const NONE = new Uint8Array(256);

/** A part of an expression. */
type Part =
  | { readonly kind: 'chars'; readonly chars: Uint8Array }
  | { readonly kind: 'all' | 'any'; readonly parts: readonly Part[] }
  | { readonly kind: 'repeat'; readonly part: Part; readonly least: number; readonly most: number };

/** Far more than any terminator needs; repetitions of repetitions multiply. */
const MAX_STATES = 5000;

function add(states: State[], state: State): number {
  if (states.length === MAX_STATES) throw new SyntaxError('too many repetitions');
  return states.push(state) - 1;
}

/** Makes the states of a part that is followed by the state `next`. @returns where it begins */
function compile(part: Part, next: number, states: State[]): number {
  switch (part.kind) {
    case 'chars': return add(states, { chars: part.chars, next: [next] });
    case 'all': return part.parts.reduceRight((after, one) => compile(one, after, states), next);
    case 'any': return add(states, { next: part.parts.map((one) => compile(one, next, states)) });
    case 'repeat': return repeat(part.part, part.least, part.most, next, states);
  }
}

function repeat(part: Part, least: number, most: number, next: number, states: State[]): number {
  let begin = next;
  if (most === Infinity) {
    const loop: State = { next: [next] };
    begin = add(states, loop);
    loop.next.push(compile(part, begin, states));
  } else {
    for (let count = least; count < most; count++) begin = add(states, { next: [next, compile(part, begin, states)] });
  }
  for (let count = 0; count < least; count++) begin = compile(part, begin, states);
  return begin;
}

/** Takes the source of an expression apart. It is known to be valid: a RegExp was made of it. */
class Parser {
  readonly #source: string;
  readonly #flags: string;
  #at = 0;

  constructor(regexp: RegExp) {
    this.#source = regexp.source;
    this.#flags = regexp.flags.replace(/[gyd]/g, '');
    if (regexp.flags.includes('v')) throw new SyntaxError('the flag v');
  }

  parse(): Part {
    const choices: Part[][] = [[]];
    while (this.#at < this.#source.length && this.#source[this.#at] !== ')') {
      if (this.#take(/\|/y) !== undefined) choices.push([]);
      else choices.at(-1)?.push(this.#repeated(this.#one()));
    }
    return { kind: 'any', parts: choices.map((parts) => ({ kind: 'all', parts })) };
  }

  #one(): Part {
    const surrounding = this.#take(/[\^$]|\\[bBk1-9]|\(\?(?:<?[=!]|[a-z-]+:)/y);
    if (surrounding !== undefined) throw new SyntaxError(surrounding);
    if (this.#take(/\((?:\?:|\?<[^>]*>)?/y) === undefined) return { kind: 'chars', chars: this.#chars(this.#take(ATOM) ?? '') };
    const inner = this.parse();
    this.#at++;
    return inner;
  }

  #repeated(part: Part): Part {
    const given = this.#take(/[*+?]|\{\d+(?:,\d*)?\}/y);
    if (given === undefined) return part;
    this.#take(/\?/y);
    const [, least = given === '+' ? '1' : '0', most] = /^\{(\d+)(?:,(\d*))?\}$/.exec(given) ?? [];
    if (given === '?') return { kind: 'repeat', part, least: 0, most: 1 };
    if (!given.startsWith('{')) return { kind: 'repeat', part, least: Number(least), most: Infinity };
    // {2}, {2,} and {2,3}.
    const end = !given.includes(',') ? Number(least) : most === '' ? Infinity : Number(most);
    return { kind: 'repeat', part, least: Number(least), most: end };
  }

  /** The bytes that a class, an escape or a character stands for. */
  #chars(atom: string): Uint8Array {
    const one = new RegExp(`^(?:${atom})$`, this.#flags);
    return Uint8Array.from(NONE, (_, code) => (one.test(String.fromCharCode(code)) ? 1 : 0));
  }

  /** Takes what is at the current place, and moves past it; undefined if it does not match. */
  #take(what: RegExp): string | undefined {
    what.lastIndex = this.#at;
    const found = what.exec(this.#source)?.[0];
    this.#at += found?.length ?? 0;
    return found;
  }
}

/** An escape, a class or one character. */
const ATOM = /\\(?:x[\da-fA-F]{2}|u[\da-fA-F]{4}|u\{[\da-fA-F]+\}|c[a-zA-Z]|[pP]\{[^}]*\}|0[0-7]{0,2}|[^])|\[(?:\\[^]|[^\]\\])*\]|[^]/y;
