import { count, expect, flag, oneOf, positive, type Check } from '../checks.js';
import { limitProblems } from './block-parameters.js';
import { checkParameters, literal } from './parameters.js';

/**
 * Parameters of {@link FrameFilter}: where the length of a frame is and what it counts. The terms are those of tokio's
 * LengthDelimitedCodec and of Netty's LengthFieldBasedFrameDecoder.
 */
export interface FrameParameters {
  /** Size of the length field, in bytes: an unsigned number. Default 4. */
  readonly LengthBytes?: 1 | 2 | 3 | 4 | 8 | undefined;
  /** Bytes of a frame before its length field. Default 0. */
  readonly LengthOffset?: number | undefined;
  /** Which byte of the length comes first: the most ('BE', default) or the least significant one ('LE'). */
  readonly ByteOrder?: 'BE' | 'LE' | undefined;
  /**
   * Added to the number in the length field, it gives the bytes that follow the field. Use -4 if the length includes the
   * length field itself, of 4 bytes, and 2 if it does not include a checksum of 2 bytes at the end. Default 0.
   */
  readonly LengthAdjustment?: number | undefined;
  /**
   * Bytes dropped from the front of each record. Default LengthOffset + LengthBytes: what follows the length field. With
   * 0, records are whole frames, as needed for protocols whose headers carry more than a length. With less than the
   * default, `put` takes whole frames.
   */
  readonly Skip?: number | undefined;
  /** Bytes that every frame begins with, before its length field. Other input is refused. A string must be ASCII. */
  readonly Start?: string | Uint8Array | undefined;
  /** With Start: what cannot be a frame of at most MaxLength bytes is skipped, up to the next Start. Default false. */
  readonly Resync?: boolean | undefined;
  /** Longest frame of the input, in bytes with its header; `put` is not limited. Default 1 MiB, or MaxBuffer if that is less. */
  readonly MaxLength?: number | undefined;
  /** Bytes of earlier reads that may wait when more come. Default MaxLength. */
  readonly MaxBuffer?: number | undefined;
}

/** The parameters, checked, with every default filled in. */
export interface FrameSettings {
  readonly lengthBytes: number;
  readonly lengthOffset: number;
  readonly isLittleEndian: boolean;
  readonly adjustment: number;
  readonly skip: number;
  readonly start: Buffer;
  readonly resync: boolean;
  readonly maxLength: number;
  readonly maxBuffer: number;
  /** Bytes up to the end of the length field. */
  readonly head: number;
  /** The greatest number that the length field can hold and that is a safe integer. */
  readonly greatest: number;
}

const LENGTH_BYTES = [1, 2, 3, 4, 8];

const start: Check = (value) => (
  literal(value)
  ?? ((value as { length: number }).length === 0 ? 'must not be empty: leave it out if frames begin with anything' : undefined)
  // A string is UTF-8, so '\xff' would be two bytes, which is seldom what was meant.
  ?? (typeof value === 'string' && /[^\0-\x7f]/.test(value) ? 'must be a Buffer if it has bytes above 0x7f: Buffer.from([0xff, …])' : undefined)
);

const CHECKS = {
  LengthBytes: expect((value) => LENGTH_BYTES.includes(value as number), '1, 2, 3, 4 or 8'),
  LengthOffset: count(0),
  ByteOrder: oneOf('BE', 'LE'),
  LengthAdjustment: expect(Number.isSafeInteger, 'a whole number'),
  Skip: count(0),
  Start: start,
  Resync: flag,
  MaxLength: positive,
  MaxBuffer: positive,
};

/** 1 MiB. */
export const DEFAULT_MAX_LENGTH: number = 1024 * 1024;

/** Checks the parameters of a FrameFilter; throws one ERR_PREFORK_FILTER with all that is wrong. */
export function resolveFrameParameters(given: FrameParameters = {}): FrameSettings {
  checkParameters('FrameFilter', given, CHECKS, () => contradictions(given, settingsOf(given)));
  return settingsOf(given);
}

function settingsOf(given: FrameParameters): FrameSettings {
  const { LengthBytes: lengthBytes = 4, LengthOffset: lengthOffset = 0 } = given;
  const head = lengthOffset + lengthBytes;
  const maxLength = given.MaxLength ?? Math.min(DEFAULT_MAX_LENGTH, given.MaxBuffer ?? Infinity);
  return {
    lengthBytes, lengthOffset, head, maxLength,
    isLittleEndian: given.ByteOrder === 'LE',
    adjustment: given.LengthAdjustment ?? 0,
    skip: given.Skip ?? head,
    start: Buffer.from(given.Start ?? ''),
    resync: Boolean(given.Resync),
    maxBuffer: Math.max(given.MaxBuffer ?? 0, maxLength),
    greatest: Math.min(256 ** lengthBytes - 1, Number.MAX_SAFE_INTEGER),
  };
}

function contradictions(given: FrameParameters, settings: FrameSettings): string[] {
  const { head, skip, maxLength, lengthOffset, lengthBytes, adjustment, greatest } = settings;
  const problems = limitProblems('MaxLength', given.MaxLength, given.MaxBuffer);
  if (settings.start.length > lengthOffset) {
    problems.push(`Start (${settings.start.length} bytes) must end before the length field; raise LengthOffset (${lengthOffset}) or shorten Start.`);
  }
  if (settings.resync && given.Start === undefined) problems.push('Resync needs Start: without it no frame can be found again.');
  if (Math.max(head, skip) > maxLength) {
    problems.push(`No frame could be as short as MaxLength (${maxLength}): its header has ${head} bytes and Skip is ${skip}; raise MaxLength.`);
  }
  if (greatest + adjustment < 0) {
    problems.push(`LengthAdjustment (${adjustment}) leaves nothing of any length that LengthBytes (${lengthBytes}) can hold; raise it.`);
  }
  return problems;
}
