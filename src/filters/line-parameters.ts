import { oneOf, positive } from '../checks.js';
import { PreforkError } from '../errors.js';
import { checkParameters, literal, parameterError, regexp } from './parameters.js';
import { MAX_REGEXP_TERMINATOR, RegexpTerminator, TerminatorPattern } from './regexp-terminator.js';
import type { Terminator } from './terminator.js';
import { DetectedTerminator, LiteralTerminator, MixedTerminator } from './terminators.js';

/** What `put` of a LineFilter takes: text, bytes, or something with an obvious text. null and undefined are ''. */
export type LineRecord = string | Uint8Array | number | bigint | boolean | null | undefined;

/**
 * The Encoding of a LineFilter, given the type of its lines (string or Buffer) or the Encoding itself, so that `new LineFilter`
 * can infer that type from it.
 */
export type LineEncoding<Line extends string | Buffer> =
  | (Line & (string extends Line ? never : 'utf8' | 'latin1' | 'buffer'))
  | ([Line] extends [string] ? 'utf8' | 'latin1' : [Line] extends [Buffer] ? 'buffer' : 'utf8' | 'latin1' | 'buffer');

/** The type of lines: Buffers for 'buffer' and Buffer, otherwise strings. */
export type LineOf<Line extends string | Buffer> = Line extends 'buffer' | Buffer ? Buffer : string;

/** Parameters of {@link LineFilter}. A string literal stands for its bytes in Encoding. */
export interface LineParameters<Line extends string | Buffer = string | Buffer> {
  /** Exact terminator in both directions. Excludes InputLiteral, InputRegexp and OutputLiteral; not empty. */
  readonly Literal?: string | Uint8Array | undefined;
  /**
   * Exact terminator of input. If it is '' or undefined, the first terminator of each connection (LF, CR LF or CR)
   * applies to the whole connection. If it is not given: LF, CR LF, CR and LF CR in any mixture. Excludes InputRegexp.
   */
  readonly InputLiteral?: string | Uint8Array | undefined;
  /**
   * Terminator of input as a regular expression; every character is one byte (latin1). A record is delivered as soon as its
   * terminator matches and no earlier match is possible; later bytes that make the match longer are part of it. So `/\n+/`
   * and `/(\r\n)+/` yield the same records however the input is cut into reads, for terminators of up to 256 bytes. Anchors,
   * `\b`, look-around, back references and the flag v are refused: what surrounds a match may not have arrived. An empty
   * match is not a terminator. Clients choose the input, so the expression must not backtrack without bound.
   */
  readonly InputRegexp?: RegExp | undefined;
  /** Sent after every record. Default CR LF. May be empty. */
  readonly OutputLiteral?: string | Uint8Array | undefined;
  /** How lines are turned into bytes and back. 'latin1' is exact for every byte. Default 'utf8'. */
  readonly Encoding?: LineEncoding<Line> | undefined;
  /** Longest line, in bytes without its terminator. Default 64 KiB, or MaxBuffer if that is less. */
  readonly MaxLength?: number | undefined;
  /** Bytes of earlier reads that may wait when more come. Default 1 MiB, or MaxLength if that is more. */
  readonly MaxBuffer?: number | undefined;
}

/** The parameters, checked, with every default filled in. A class, so that a filter can tell them from parameters. */
export class LineSettings {
  readonly encoding: 'utf8' | 'latin1' | 'buffer';
  /** How text becomes bytes. */
  readonly textEncoding: 'utf8' | 'latin1';
  /** Makes the object that finds the ends of lines; it has state, so every client gets its own. */
  readonly createTerminator: () => Terminator;
  /** What ends each record that is sent. */
  readonly output: Buffer;
  /** The same as text; undefined if it cannot be text in textEncoding. */
  readonly outputText: string | undefined;
  readonly maxLength: number;
  /** MaxBuffer, and room for the unfinished terminator of an unfinished line of MaxLength. */
  readonly maxWaiting: number;

  constructor(settings: Omit<LineSettings, 'textEncoding' | 'outputText'>) {
    ({
      encoding: this.encoding, createTerminator: this.createTerminator, output: this.output,
      maxLength: this.maxLength, maxWaiting: this.maxWaiting,
    } = settings);
    this.textEncoding = this.encoding === 'latin1' ? 'latin1' : 'utf8';
    const text = this.output.toString(this.textEncoding);
    this.outputText = this.output.equals(Buffer.from(text, this.textEncoding)) ? text : undefined;
  }
}

const CHECKS = {
  Literal: literal,
  InputLiteral: literal,
  InputRegexp: regexp,
  OutputLiteral: literal,
  Encoding: oneOf('utf8', 'latin1', 'buffer'),
  MaxLength: positive,
  MaxBuffer: positive,
};

/** Checks the parameters of a LineFilter; throws one ERR_PREFORK_FILTER with all that is wrong. */
export function resolveLineParameters<Line extends string | Buffer>(parameters: LineParameters<Line> = {}): LineSettings {
  // The type of the lines makes no difference here.
  const given = parameters as unknown as LineParameters;
  checkParameters('LineFilter', parameters, CHECKS, () => contradictions(given));
  const encoding = given.Encoding ?? 'utf8';
  const input = given.Literal ?? given.InputLiteral;
  const inputBytes = input === undefined ? '' : literalBytes(input, encoding).toString('latin1');
  const { createTerminator, slack } = chooseTerminator(given, inputBytes);
  const maxLength = given.MaxLength ?? Math.min(DEFAULT_MAX_LENGTH, given.MaxBuffer ?? Infinity);
  return new LineSettings({
    encoding,
    createTerminator,
    output: literalBytes(given.Literal ?? given.OutputLiteral ?? '\r\n', encoding),
    maxLength,
    maxWaiting: (given.MaxBuffer ?? Math.max(DEFAULT_MAX_BUFFER, maxLength)) + slack,
  });
}

/** A large read is taken up in pieces that grow: a filter that is replaced after a few records must not have looked at all of it. */
export const FIRST_PIECE = 2048;
export const LAST_PIECE: number = 1024 * 1024;

/** The error for a line that is too long. */
export const lineTooLong = (maxLength: number): PreforkError => (
  new PreforkError('ERR_PREFORK_RECORD_TOO_LONG', `A line is longer than MaxLength (${maxLength} bytes); it is discarded.`));

/** 64 KiB: what a line-based protocol needs, and what ten thousand clients may make a process hold. */
const DEFAULT_MAX_LENGTH = 64 * 1024;
/** 1 MiB. */
const DEFAULT_MAX_BUFFER = 1024 * 1024;

function contradictions(given: LineParameters): string[] {
  const problems: string[] = [];
  const exclude = (one: keyof LineParameters, other: keyof LineParameters): void => {
    if (given[one] !== undefined && other in given) problems.push(`${one} and ${other} exclude each other; give one of them.`);
  };
  exclude('Literal', 'InputLiteral');
  exclude('Literal', 'InputRegexp');
  exclude('Literal', 'OutputLiteral');
  exclude('InputRegexp', 'InputLiteral');
  if (given.Literal?.length === 0) problems.push('Literal must not be empty: lines would have no end.');
  if (given.MaxLength !== undefined && given.MaxBuffer !== undefined && given.MaxLength > given.MaxBuffer) {
    problems.push(`MaxLength (${given.MaxLength}) must not exceed MaxBuffer (${given.MaxBuffer}); lower the first or raise the second.`);
  }
  return problems;
}

function chooseTerminator(given: LineParameters, input: string): { createTerminator: () => Terminator; slack: number } {
  const { InputRegexp: pattern } = given;
  if (pattern !== undefined) {
    const prepared = preparedPattern(pattern);
    return { createTerminator: () => new RegexpTerminator(prepared), slack: MAX_REGEXP_TERMINATOR };
  }
  if (input !== '') return { createTerminator: () => new LiteralTerminator(input), slack: input.length };
  if ('InputLiteral' in given) return { createTerminator: () => new DetectedTerminator(), slack: MAX_REGEXP_TERMINATOR };
  return { createTerminator: () => new MixedTerminator(), slack: 0 };
}

function preparedPattern(pattern: RegExp): TerminatorPattern {
  try {
    return new TerminatorPattern(pattern);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw parameterError('LineFilter', [`InputRegexp (${String(pattern)}) must not have ${error.message}: it could not find the same records however the input is cut.`]);
  }
}

function literalBytes(given: string | Uint8Array, encoding: LineSettings['encoding']): Buffer {
  if (typeof given !== 'string') return Buffer.from(given);
  if (encoding === 'latin1' && hasWideCharacters(given)) {
    throw parameterError('LineFilter', ["a literal has characters above U+00FF, which Encoding 'latin1' does not have."]);
  }
  return Buffer.from(given, encoding === 'latin1' ? 'latin1' : 'utf8');
}

/** Whether a text has characters that are not one byte in latin1. Node would truncate them: U+010A would become a line feed. */
export function hasWideCharacters(text: string): boolean {
  return /[^\0-\xff]/.test(text);
}
