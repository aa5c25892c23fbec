import type { Buffer } from 'node:buffer';

let table: Uint32Array | undefined;

/**
 * Castagnoli's polynomial, reflected (RFC 4960, appendix B). Made only for the first header that has a checksum: the loop is
 * hot enough for V8 to load its optimizer, which takes 2 MB.
 */
const sums = (): Uint32Array => Uint32Array.from({ length: 256 }, (_, byte) => {
  let rest = byte;
  for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? (rest >>> 1) ^ 0x82f6_3b78 : rest >>> 1;
  return rest;
});

/** The CRC32C of bytes, with the four from `hole` on, which hold the sum itself, counted as zeros. */
export function crc32c(bytes: Buffer, hole: number): number {
  table ??= sums();
  let sum = 0xffff_ffff;
  for (let at = 0; at < bytes.length; at++) {
    const byte = at >= hole && at < hole + 4 ? 0 : bytes[at] ?? 0;
    sum = (sum >>> 8) ^ (table[(sum ^ byte) & 255] ?? 0);
  }
  return ~sum >>> 0;
}
