import { endOfHeader, readBinary } from './binary-header.js';
import { fault, showBytes } from './fault.js';
import type { ProxyHeader } from './header.js';
import { endOfLine, readLine } from './text-header.js';

/** A header and what came after it. */
export interface Parsed {
  readonly header: ProxyHeader;
  /** The client's own first bytes. */
  readonly rest: Buffer;
}

/** What a header begins with. */
const TEXT = Buffer.from('PROXY ');
const BINARY = Buffer.from([0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a]);

/**
 * Reads the PROXY header at the beginning of a connection, versions 1 and 2
 * (https://www.haproxy.org/download/2.6/doc/proxy-protocol.txt). However the input is cut, the result and the error are the
 * same. It never guesses: what is not a header is an error.
 */
export class HeaderParser {
  readonly #only: 1 | 2 | undefined;
  #bytes: Buffer = Buffer.alloc(0);
  #capacity: Buffer = this.#bytes;

  /** @param only - the only version to accept; undefined = both */
  constructor(only?: 1 | 2) {
    this.#only = only;
  }

  /** How many bytes of a header have come. */
  get octets(): number {
    return this.#bytes.length;
  }

  /** Takes bytes. @returns undefined: more are needed @throws ERR_PREFORK_PROXY with what is wrong */
  push(chunk: Buffer): Parsed | undefined {
    const bytes = this.#append(chunk);
    const version = this.#versionOf(bytes);
    if (version === undefined) return undefined;
    const end = version === 1 ? endOfLine(bytes) : endOfHeader(bytes);
    if (end === undefined || bytes.length < end) return undefined;
    const header = bytes.subarray(0, end);
    return { header: version === 1 ? readLine(header) : readBinary(header), rest: bytes.subarray(end) };
  }

  /** Grows by doubling, so that bytes that come one by one do not cost more. */
  #append(chunk: Buffer): Buffer {
    const { length } = this.#bytes;
    if (length === 0) return this.#bytes = chunk;
    const total = length + chunk.length;
    if (total > this.#capacity.length) {
      const larger = Buffer.alloc(Math.max(2 * total, 256));
      this.#bytes.copy(larger);
      this.#capacity = larger;
    }
    chunk.copy(this.#capacity, length);
    return this.#bytes = this.#capacity.subarray(0, total);
  }

  #versionOf(bytes: Buffer): 1 | 2 | undefined {
    const version = bytes[0] === TEXT[0] ? 1 : 2;
    const signature = version === 1 ? TEXT : BINARY;
    const common = Math.min(bytes.length, signature.length);
    for (let at = 0; at < common; at++) {
      if (bytes[at] !== signature[at]) throw fault(`The connection begins with ${showBytes(bytes.subarray(0, at + 1))}, which is not a PROXY header: does its balancer send one (HAProxy: send-proxy-v2, nginx: proxy_protocol on)?`);
    }
    if (common < signature.length) return undefined;
    if (this.#only !== undefined && this.#only !== version) throw fault(`A PROXY header of version ${version} came, and Proxy.Version takes ${this.#only} only.`);
    return version;
  }
}
