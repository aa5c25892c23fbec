import type { Buffer } from 'node:buffer';
import { crc32c } from './crc32c.js';
import { fault } from './fault.js';
import type { ProxyHeader, ProxySsl, ProxyTlv } from './header.js';

// The registered types (proxy-protocol.txt, 2.2).
const ALPN = 0x01;
const AUTHORITY = 0x02;
const CRC32C = 0x03;
const UNIQUE_ID = 0x05;
const SSL = 0x20;
const SSL_VERSION = 0x21;
const SSL_CN = 0x22;
const SSL_CIPHER = 0x23;
const SSL_SIG_ALG = 0x24;
const SSL_KEY_ALG = 0x25;

/** Type and length. */
const HEAD = 3;
const CRC_BYTES = 4;
const MOST_ID_BYTES = 128;
/** Flags and the result of the verification. */
const SSL_HEAD = 5;

/** The extensions of a header. */
export type Extensions = Pick<ProxyHeader, 'authority' | 'alpn' | 'uniqueId' | 'ssl' | 'tlvs'>;

export const NO_EXTENSIONS: Extensions = { authority: undefined, alpn: undefined, uniqueId: undefined, ssl: undefined, tlvs: [] };

/** Whether bytes are a sequence of whole TLVs, as they need not be after an address of an unknown kind. */
export function areTlvs(bytes: Buffer): boolean {
  let at = 0;
  while (at + HEAD <= bytes.length) at += HEAD + bytes.readUInt16BE(at + 1);
  return at === bytes.length;
}

/** Reads the extensions from `from` to the end of a whole header. @throws ERR_PREFORK_PROXY */
export function readExtensions(header: Buffer, from: number): Extensions {
  if (from === header.length) return NO_EXTENSIONS;
  const tlvs = split(header, from, 'extension');
  verify(header, from);
  const uniqueId = first(tlvs, UNIQUE_ID);
  if (uniqueId !== undefined && uniqueId.length > MOST_ID_BYTES) throw fault(`The unique ID has ${uniqueId.length} bytes; it may have ${MOST_ID_BYTES}.`);
  const ssl = first(tlvs, SSL);
  return {
    authority: first(tlvs, AUTHORITY)?.toString(), alpn: first(tlvs, ALPN)?.toString('latin1'), uniqueId,
    ssl: ssl === undefined ? undefined : readSsl(ssl), tlvs,
  };
}

function split(bytes: Buffer, from: number, what: string): ProxyTlv[] {
  const tlvs: ProxyTlv[] = [];
  for (let at = from; at < bytes.length;) {
    const left = bytes.length - at;
    if (left < HEAD) throw fault(`An ${what} has three bytes at least (type and length), and the last one has ${left}.`);
    const type = bytes[at] ?? 0;
    const length = bytes.readUInt16BE(at + 1);
    if (length > left - HEAD) throw fault(`The ${what} ${showType(type)} says that it has ${length} bytes, and ${left - HEAD} are left.`);
    tlvs.push({ type, value: bytes.subarray(at + HEAD, at + HEAD + length) });
    at += HEAD + length;
  }
  return tlvs;
}

/** Compares the checksum with that of the whole header, if there is one. */
function verify(header: Buffer, from: number): void {
  for (let at = from; at < header.length; at += HEAD + header.readUInt16BE(at + 1)) {
    if (header[at] !== CRC32C) continue;
    const length = header.readUInt16BE(at + 1);
    if (length !== CRC_BYTES) throw fault(`The checksum (CRC32C) has ${length} bytes; it must have ${CRC_BYTES}.`);
    const sum = header.readUInt32BE(at + HEAD);
    const right = crc32c(header, at + HEAD);
    if (sum !== right) throw fault(`The checksum (CRC32C) is ${hex(sum)}, and that of the bytes that came is ${hex(right)}: they were changed on the way.`);
    // There is one already: a second would have to be zero while the first is computed.
    return;
  }
}

function readSsl(value: Buffer): ProxySsl {
  if (value.length < SSL_HEAD) throw fault(`The extension for TLS (0x20) has ${value.length} bytes; it has ${SSL_HEAD} at least.`);
  const flags = value[0] ?? 0;
  const tlvs = split(value, SSL_HEAD, 'extension of TLS');
  const text = (type: number): string | undefined => first(tlvs, type)?.toString();
  const certificate = (flags & 0b110) !== 0;
  return {
    secure: (flags & 1) !== 0, certificate,
    // Zero alone proves nothing: a sender that verifies no clients also leaves zero there.
    verified: certificate && value.readUInt32BE(1) === 0,
    version: text(SSL_VERSION), commonName: text(SSL_CN), cipher: text(SSL_CIPHER), signatureAlgorithm: text(SSL_SIG_ALG), keyAlgorithm: text(SSL_KEY_ALG),
    tlvs,
  };
}

const first = (tlvs: readonly ProxyTlv[], wanted: number): Buffer | undefined => tlvs.find(({ type }) => type === wanted)?.value;
const hex = (sum: number): string => `0x${sum.toString(16).padStart(8, '0')}`;
const showType = (type: number): string => `0x${type.toString(16).padStart(2, '0')}`;
