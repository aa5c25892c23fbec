import { isThenable, showRefused } from '../checks.js';
import { PreforkError } from '../errors.js';
import { bytesOf } from './byte-queue.js';

// Loaded only when they are used: otherwise every worker would load them at its start, and few use them.
const v8 = () => process.getBuiltinModule('node:v8');
const zlib = () => process.getBuiltinModule('node:zlib');

/** How an object becomes bytes and comes back. */
export interface Serializer {
  /** The bytes (or the text, taken as UTF-8) of an object. */
  freeze(value: object): Uint8Array | string;
  /** The object of such bytes. It throws if they are not valid. They come from the peer, so it must limit what it makes of them. */
  thaw(bytes: Buffer): unknown;
}

/** The serializers that can be chosen by name. */
export const SERIALIZERS: Readonly<Record<'json' | 'v8', Serializer>> = {
  json: {
    freeze(value: object): string {
      const text = JSON.stringify(value) as string | undefined;
      // toJSON turns a Date into a string, which would not come back as an object.
      if (text === undefined || !/^[[{]/.test(text)) throw new TypeError('its JSON is neither an object nor an array');
      if (isEmptied(value, text)) throw new TypeError(`JSON keeps nothing of ${kindOf(value)}; put a plain object, or give Serializer: 'v8'`);
      return text;
    },
    thaw: (bytes: Buffer): unknown => JSON.parse(bytes.toString()),
  },
  v8: {
    freeze: (value: object): Uint8Array => v8().serialize(value),
    thaw: (bytes: Buffer): unknown => v8().deserialize(bytes),
  },
};

const kindOf = (value: object): string => Object.prototype.toString.call(value);
const isError = (value: object): boolean => value instanceof Error || kindOf(value) === '[object Error]';

/**
 * A Map, a Set, a URLSearchParams … is `{}` in JSON, an Error has lost its message even where it has a `code`, and bytes become
 * an object with a number for each. An object with a toJSON decides itself what is kept.
 */
function isEmptied(value: object, text: string): boolean {
  if ('toJSON' in value) return false;
  return ArrayBuffer.isView(value) || isError(value) || (text === '{}' && kindOf(value) !== '[object Object]');
}

/** Makes the bytes of an object; throws ERR_PREFORK_FILTER if it cannot be serialized. */
export function freeze(value: object, { serializer, isCompressed }: BodyFormat): Buffer {
  try {
    const frozen: unknown = serializer.freeze(value);
    const bytes = typeof frozen === 'string' ? bytesOf(frozen) : frozen;
    if (!(bytes instanceof Uint8Array)) throw new TypeError(`freeze returned ${showRefused(bytes)}, no bytes and no string`);
    return isCompressed ? zlib().deflateSync(bytes) : Buffer.from(bytes);
  } catch (error) {
    throw new PreforkError('ERR_PREFORK_FILTER', `ReferenceFilter cannot send an object: ${textOf(error)}`, { cause: error });
  }
}

/**
 * Makes the object of such bytes. Throws ERR_PREFORK_BAD_RECORD if they are not valid, and ERR_PREFORK_RECORD_TOO_LONG if
 * it would inflate to more than maxLength bytes: a few compressed bytes can be gigabytes.
 */
export function thaw(body: Buffer, { serializer, isCompressed, maxLength }: BodyFormat): object {
  let value: unknown;
  try {
    value = serializer.thaw(isCompressed ? zlib().inflateSync(body, { maxOutputLength: maxLength }) : body);
  } catch (error) {
    if (error instanceof RangeError && (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      throw new PreforkError('ERR_PREFORK_RECORD_TOO_LONG', `A body inflates to more than MaxLength (${maxLength} bytes).`, { cause: error });
    }
    throw new PreforkError('ERR_PREFORK_BAD_RECORD', `A body is not a serialized object: ${textOf(error)}`, { cause: error });
  }
  if (isThenable(value)) throw new PreforkError('ERR_PREFORK_FILTER', `thaw returned ${showRefused(value)}.`);
  if (typeof value === 'object' && value !== null) return value;
  throw new PreforkError('ERR_PREFORK_BAD_RECORD', `A body is not a serialized object but a ${value === null ? 'null' : typeof value}.`);
}

/** What the body of a frame is. */
export interface BodyFormat {
  readonly serializer: Serializer;
  readonly isCompressed: boolean;
  /** Bytes that a body may inflate to. */
  readonly maxLength: number;
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
