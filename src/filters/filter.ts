import type { Buffer } from 'node:buffer';

/** Bytes on their way in or out. A string is taken as UTF-8. */
export type Chunk = Buffer | string;

/**
 * Cuts a byte stream into records and turns records into bytes. Anyone can write one: it is an interface, not a
 * base class. A filter holds the unfinished input of one client, so every client gets its own (`clone`).
 *
 * The methods are those of POE::Filter. Bad input throws a PreforkError; in a session that closes this one client.
 *
 * @typeParam In - what `get_one` yields
 * @typeParam Out - what `put` takes
 */
export interface Filter<In = unknown, Out = In> {
  /** Adds bytes to the unfinished input. */
  get_one_start(chunks: readonly Chunk[]): void;
  /** Takes the next whole record, as an array of one; an empty array if there is none yet. It is called until then: if it gives millions of records for a few bytes, its client is ended. */
  get_one(): [] | [In];
  /** Adds bytes and takes every whole record. */
  get(chunks: readonly Chunk[]): In[];
  /** Turns records into bytes to send, in order. */
  put(records: readonly Out[]): Buffer[];
  /**
   * The input that is not part of a record yet, or undefined if there is none: bytes, as an array of one. It stays. Another
   * filter can go on with it (`get_one_start`).
   */
  get_pending(): undefined | Buffer[];
  /** A filter with the same parameters and no input. */
  clone(): Filter<In, Out>;
  /**
   * Optional, for a filter that a session replaces: gives up its input and forgets it, so that it can be set again later. A
   * filter without it is asked for `get_pending`; when it is set again, a clone takes its place.
   */
  hand_over?(): Handover;
  /**
   * Optional, to make many small records cheap: what `put` returns, as a text in `text_encoding`, or undefined if that
   * is not possible for these records. A session joins the texts of one turn of the event loop and writes once.
   */
  put_text?(records: readonly Out[]): string | undefined;
  /** How the text of `put_text` becomes bytes. Default 'utf8'. */
  readonly text_encoding?: 'utf8' | 'latin1';
}

/**
 * What a filter leaves to the one that takes its place.
 *
 * @typeParam Fed - what the filter took
 */
export interface Handover<Fed = Buffer> {
  /** The input that is not part of a record yet. */
  readonly pending: readonly Fed[];
  /**
   * Present if the end of the last record may continue in input still to come, as with the LF of a CR LF. It takes each further
   * input and returns the part of it (and of what it kept) that belongs to the next filter. As long as it returns undefined it
   * is given the next input too.
   */
  readonly rest?: ((input: Buffer) => Buffer | undefined) | undefined;
}

/** Any filter, whatever its records. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- the records of an unknown filter can be read as unknown, but only `any` lets a caller put one
export type AnyFilter = Filter<any, any>;

/**
 * A filter in a stack: as Filter, but what it takes and puts may be records of the filter below it instead of bytes. Map,
 * Grep and RecordBlock work on such records.
 */
export interface Layer {
  /** Adds records of the filter below, or bytes, to the unfinished input. */
  get_one_start(records: readonly unknown[]): void;
  /** Takes the next whole record, as an array of one; an empty array if there is none yet. */
  get_one(): [] | [unknown];
  /** Adds input and takes every whole record. */
  get(records: readonly unknown[]): unknown[];
  /** Turns records into those of the filter below, or into bytes, in order. */
  put(records: readonly unknown[]): unknown[];
  /** What was taken from below and has not been part of a record yet, in the form in which it came. */
  get_pending(): undefined | unknown[];
  /** A filter with the same parameters and no input. */
  clone(): Layer;
  /** Optional, as that of a {@link Filter}. */
  hand_over?(): Handover<unknown>;
}
