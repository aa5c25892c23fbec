import type { Buffer } from 'node:buffer';
import { PreforkError } from '../errors.js';
import { positive, show } from '../checks.js';
import { checkParameters } from './parameters.js';

/**
 * How a block's length is written before the block. Both functions work on bytes and keep no state.
 *
 * - encode: the header of a block of that many bytes.
 * - decode: reads the header at the beginning of the input, of which it is given up to 64 bytes; undefined if the header is
 *   not complete yet. `headerBytes` is its own length, `length` that of the block behind it. It throws if the input cannot
 *   be a header.
 */
export type LengthCodec = readonly [
  encode: (length: number) => Uint8Array | string,
  decode: (input: Buffer) => { readonly length: number; readonly headerBytes: number } | undefined,
];

/** Parameters of {@link BlockFilter}. */
export interface BlockParameters {
  /** The size of every block, in bytes. Excludes LengthCodec and MaxLength. */
  readonly BlockSize?: number | undefined;
  /** How the length is written before each block. Default: decimal digits and a NUL byte. */
  readonly LengthCodec?: LengthCodec | undefined;
  /** Longest block, in bytes without its header. Default 1 MiB, or what MaxBuffer leaves. */
  readonly MaxLength?: number | undefined;
  /** Bytes of earlier reads that may wait when more come. Default: a block of MaxLength, or BlockSize, with its header. */
  readonly MaxBuffer?: number | undefined;
}

/** The longest header, in bytes: input without the end of a header in this many bytes is not one. */
export const MAX_HEADER = 64;

const CHECKS = {
  BlockSize: positive,
  LengthCodec: (value: unknown): string | undefined => (
    Array.isArray(value) && value.length === 2 && value.every((one) => typeof one === 'function') ? undefined
      : 'must be an array of two functions, [encode, decode]'),
  MaxLength: positive,
  MaxBuffer: positive,
};

/** The limits of a filter whose blocks have headers. */
export interface BlockLimits {
  readonly maxLength: number;
  readonly maxBuffer: number;
}

/** Checks the parameters of a BlockFilter and adjusts the limits to each other. */
export function resolveBlockParameters(given: BlockParameters): BlockLimits {
  checkParameters('BlockFilter', given, CHECKS, () => contradictions(given));
  if (given.BlockSize !== undefined) return { maxLength: given.BlockSize, maxBuffer: given.MaxBuffer ?? given.BlockSize };
  return fitLimits(given);
}

/** Fills in the limits that were not given: a block of MaxLength and its header always fit into MaxBuffer. */
export function fitLimits(given: { readonly MaxLength?: number | undefined; readonly MaxBuffer?: number | undefined }): BlockLimits {
  const maxLength = given.MaxLength ?? Math.min(DEFAULT_MAX_LENGTH, Math.max(1, (given.MaxBuffer ?? Infinity) - MAX_HEADER));
  return { maxLength, maxBuffer: Math.max(given.MaxBuffer ?? 0, maxLength + MAX_HEADER) };
}

/** 1 MiB. */
const DEFAULT_MAX_LENGTH = 1024 * 1024;

function contradictions({ BlockSize, LengthCodec, MaxLength, MaxBuffer }: BlockParameters): string[] {
  const problems: string[] = [];
  if (BlockSize !== undefined && LengthCodec !== undefined) problems.push('BlockSize and LengthCodec exclude each other; give one of them.');
  if (BlockSize !== undefined && MaxLength !== undefined) problems.push('BlockSize and MaxLength exclude each other; give one of them.');
  problems.push(...limitProblems(BlockSize === undefined ? 'MaxLength' : 'BlockSize', BlockSize ?? MaxLength, MaxBuffer));
  return problems;
}

/** Says what is wrong if a record of the greatest length does not fit into MaxBuffer. */
export function limitProblems(name: string, length: number | undefined, buffer: number | undefined): string[] {
  if (length === undefined || buffer === undefined || length <= buffer) return [];
  return [`${name} (${length}) must not exceed MaxBuffer (${buffer}); lower the first or raise the second.`];
}

/** The default codec: decimal digits and a NUL byte. Leading zeros are accepted, as in the original. */
export const DECIMAL_CODEC: LengthCodec = [
  (length) => `${length}\0`,
  (input) => {
    const end = input.indexOf(0);
    const digits = input.toString('latin1', 0, end === -1 ? Math.min(input.length, MAX_HEADER) : Math.min(end, MAX_HEADER));
    const length = Number(digits);
    if (!/^\d*$/.test(digits) || !Number.isSafeInteger(length) || end === 0) {
      throw new PreforkError('ERR_PREFORK_BAD_RECORD', `A block must begin with its length in digits and a NUL byte, not ${show(digits)}.`);
    }
    return end === -1 ? undefined : { length, headerBytes: end + 1 };
  },
];
