import { Buffer } from 'node:buffer';
import { crc32c } from '../../src/proxy/crc32c.js';
import { HeaderParser, type Parsed } from '../../src/proxy/header-parser.js';

/** The twelve bytes that a header of version 2 begins with. */
export const SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');

/** The bytes of one extension. */
export function tlv(type: number, value: string | Buffer): Buffer {
  const bytes = typeof value === 'string' ? Buffer.from(value) : value;
  return Buffer.concat([Buffer.from([type, bytes.length >> 8, bytes.length & 255]), bytes]);
}

/** The extension for TLS. */
export const ssl = (client: number, verify: number, ...tlvs: readonly Buffer[]): Buffer => {
  const head = Buffer.alloc(5);
  head[0] = client;
  head.writeUInt32BE(verify, 1);
  return tlv(0x20, Buffer.concat([head, ...tlvs]));
};

/** A header of version 2 of these parts. */
export function binary({ command = 0x21, family = 0x11, addresses = IPV4, tlvs = [] }: {
  readonly command?: number; readonly family?: number; readonly addresses?: Buffer; readonly tlvs?: readonly Buffer[];
} = {}): Buffer {
  const rest = Buffer.concat([addresses, ...tlvs]);
  return Buffer.concat([SIGNATURE, Buffer.from([command, family, rest.length >> 8, rest.length & 255]), rest]);
}

/** 192.0.2.1:4711 to 198.51.100.2:443. */
export const IPV4: Buffer = Buffer.from('c0000201c6336402126701bb', 'hex');
/** [2001:db8::1]:4711 to [2001:db8::2]:443. */
export const IPV6: Buffer = Buffer.from('20010db800000000000000000000000120010db8000000000000000000000002126701bb', 'hex');

/** The same header with the right checksum in its last extension. */
export function summed(header: Buffer): Buffer {
  const whole = Buffer.concat([header, tlv(3, Buffer.alloc(4))]);
  whole.writeUInt16BE(whole.length - 16, 14);
  whole.writeUInt32BE(crc32c(whole, whole.length - 4), whole.length - 4);
  return whole;
}

/** What the parser makes of chunks: the header and all that is behind it, the message of its error, or that it needs more. */
export function parsed(chunks: readonly Buffer[], only?: 1 | 2): Parsed | string {
  const parser = new HeaderParser(only);
  let found: Parsed | undefined;
  const behind: Buffer[] = [];
  try {
    for (const chunk of chunks) {
      if (found !== undefined) behind.push(chunk);
      else found = parser.push(chunk);
    }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return code === 'ERR_PREFORK_PROXY' ? message : `another error: ${String(error)}`;
  }
  return found === undefined ? 'incomplete' : { header: found.header, rest: Buffer.concat([found.rest, ...behind]) };
}
