import type { Buffer } from 'node:buffer';
import { PreforkError } from '../errors.js';

/** The error for an invalid header. */
export const fault = (what: string): PreforkError => new PreforkError('ERR_PREFORK_PROXY', what);

/** Bytes for a message: printable text in quotes, otherwise hexadecimal. */
export function showBytes(bytes: Buffer): string {
  const text = bytes.toString('latin1');
  return /^[ -~]*$/.test(text) ? JSON.stringify(text) : `0x${bytes.toString('hex')}`;
}
