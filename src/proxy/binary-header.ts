import { ipv4At, ipv6At } from './addresses.js';
import { fault } from './fault.js';
import { namingNobody, type ProxyEndpoint, type ProxyHeader } from './header.js';
import { areTlvs, NO_EXTENSIONS, readExtensions } from './tlvs.js';

/** Signature, version and command, family and protocol, length of the rest. */
const FIXED_BYTES = 16;

/**
 * The largest header that is accepted, in bytes, which limits what any connection can make a worker hold. HAProxy's are
 * below 600; one with the client's certificate has a few thousand.
 */
const LARGEST_HEADER = 16 * 1024;

const STREAM = 1;
/** For both ends, by family: none, IPv4, IPv6, Unix. */
const ADDRESS_BYTES = [0, 12, 36, 216] as const;

/** How long a header is, once its first sixteen bytes have come; undefined: not yet. @throws ERR_PREFORK_PROXY */
export function endOfHeader(bytes: Buffer): number | undefined {
  const [command, family] = bytes.subarray(12, 14);
  if (command === undefined) return undefined;
  if (command >> 4 !== 2) throw fault(`The binary PROXY header is of version ${command >> 4}; only 2 is known.`);
  const isLocal = isLocalCommand(command);
  if (!isLocal && command !== 0x21) throw fault(`The PROXY header has the command ${command & 15}; LOCAL (0) and PROXY (1) are known.`);
  if (family === undefined) return undefined;
  // Those of a LOCAL header are to be ignored.
  if (!isLocal && (family >> 4 > 3 || (family & 15) > 2)) throw fault(`The PROXY header has the family and protocol 0x${family.toString(16).padStart(2, '0')}, which are not defined.`);
  if (bytes.length < FIXED_BYTES) return undefined;
  const end = FIXED_BYTES + bytes.readUInt16BE(14);
  if (end > LARGEST_HEADER) throw fault(`The PROXY header has ${end} bytes; ${LARGEST_HEADER} are taken at most.`);
  const least = isLocal ? 0 : addressBytes(family);
  if (end - FIXED_BYTES < least) throw fault(`The PROXY header has ${end - FIXED_BYTES} bytes behind its first ${FIXED_BYTES}; the addresses of its family need ${least}.`);
  return end;
}

/** Reads a whole header. @throws ERR_PREFORK_PROXY */
export function readBinary(bytes: Buffer): ProxyHeader {
  if (isLocalCommand(bytes[12] ?? 0)) return namingNobody(2, true);
  const family = bytes[13] ?? 0;
  const kind = family >> 4;
  const from = FIXED_BYTES + addressBytes(family);
  const hasExtensions = from < bytes.length && (kind !== 0 || areTlvs(bytes.subarray(from)));
  return {
    ...namingNobody(2, false),
    ...endpoints(bytes, family),
    // A copy of its own: the buffer may hold much more, and the client keeps its header.
    ...(hasExtensions ? readExtensions(Buffer.from(bytes), from) : NO_EXTENSIONS),
  };
}

const isLocalCommand = (command: number): boolean => command === 0x20;
const addressBytes = (family: number): number => ADDRESS_BYTES[family >> 4] ?? 0;

/** Only for TCP: for a datagram or a Unix socket, this connection's own address says more. */
function endpoints(bytes: Buffer, family: number): Pick<ProxyHeader, 'source' | 'destination'> | undefined {
  const kind = family >> 4;
  if ((family & 15) !== STREAM || (kind !== 1 && kind !== 2)) return undefined;
  const size = kind === 1 ? 4 : 16;
  const read = kind === 1 ? ipv4At : ipv6At;
  const one = (index: 0 | 1): ProxyEndpoint => ({
    address: read(bytes, FIXED_BYTES + index * size),
    port: bytes.readUInt16BE(FIXED_BYTES + 2 * size + 2 * index),
  });
  return { source: one(0), destination: one(1) };
}
