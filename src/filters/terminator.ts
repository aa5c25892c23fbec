import { EMPTY } from './byte-queue.js';
import type { Handover } from './filter.js';

/** The end of the last record, which may not be the end of its terminator. */
export interface OpenEnd {
  /** Whether the last terminator may go on, in the bytes that follow it or in the next read. */
  readonly isOpen: boolean;
  /** Begins a new read, and returns where its first record begins: after what still belongs to the last terminator. */
  begin(text: string): number;
}

/**
 * Finds what ends a record. It works on the text of one read, in which every character is one byte (latin1), so a
 * position is the same in the text and in the bytes. After `find` the terminator found is from `start` to `end`.
 *
 * A terminator that touches the end of a read might go on in the next one. Its record does not wait for that: `begin`
 * swallows the rest of the terminator when it comes.
 */
export interface Terminator extends OpenEnd {
  /** Position of the first byte of the terminator found: the record ends before it. */
  readonly start: number;
  /** Position after the terminator found: the next record begins there. */
  readonly end: number;
  /** Whether it finds the same terminators wherever the input is cut, however long they are. */
  readonly canBeCut: boolean;
  /** Looks for the first terminator from a position on; in one read positions never go back. */
  find(text: string, from: number): boolean;
  /** How many bytes at the end of a text, in which none was found, could belong to a terminator. */
  held(text: string, from: number): number;
  /** Hands over an open end, so that another object can find out how it goes on; undefined if there is none. */
  release(): OpenEnd | undefined;
}

/** What a filter leaves: if its last record may go on, only what follows its end. @param end - that end; undefined if it cannot */
export function handoverAfter(end: OpenEnd | undefined, pending: readonly Buffer[]): Handover {
  if (end === undefined) return { pending };
  const rest = afterTerminator(end);
  const [input] = pending;
  const now = input === undefined ? undefined : rest(input);
  return now === undefined ? { pending: [], rest } : { pending: [now] };
}

/** Takes input as long as it may belong to the last terminator, and returns what follows that. */
function afterTerminator(end: OpenEnd): (input: Buffer) => Buffer | undefined {
  let undecided: Buffer = EMPTY;
  return (input) => {
    if (input.length === 0) return undefined;
    const bytes = Buffer.concat([undecided, input]);
    undecided = bytes.subarray(end.begin(bytes.toString('latin1')));
    return end.isOpen || undecided.length === 0 ? undefined : undecided;
  };
}
