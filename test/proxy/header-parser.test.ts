import { Buffer } from 'node:buffer';
import { describe, expect, it } from 'vitest';
import { namingNobody } from '../../src/proxy/header.js';
import { Seeded } from '../support/seeded.js';
import { IPV4, IPV6, SIGNATURE, binary, parsed, ssl, summed, tlv } from './headers.js';

const text = (line: string): Buffer => Buffer.from(line, 'latin1');
const TCP4 = { source: { address: '192.0.2.1', port: 4711 }, destination: { address: '198.51.100.2', port: 443 } };
const TCP6 = { source: { address: '2001:db8::1', port: 4711 }, destination: { address: '2001:db8::2', port: 443 } };

const header = (bytes: Buffer, only?: 1 | 2): unknown => {
  const result = parsed([bytes], only);
  return typeof result === 'string' ? result : result.header;
};

/** Headers with what the parser makes of them. */
const GOOD: readonly [title: string, bytes: Buffer, expected: object][] = [
  ['version 1, IPv4', text('PROXY TCP4 192.0.2.1 198.51.100.2 4711 443\r\n'), { ...namingNobody(1, false), ...TCP4 }],
  ['version 1, IPv6', text('PROXY TCP6 2001:DB8:0:0::1 2001:db8::2 4711 443\r\n'), { ...namingNobody(1, false), ...TCP6 }],
  ['version 1, an IPv4 address in IPv6', text('PROXY TCP6 ::ffff:192.0.2.1 ::1 0 65535\r\n'), { source: { address: '::ffff:192.0.2.1', port: 0 }, destination: { address: '::1', port: 65_535 } }],
  ['version 1, UNKNOWN', text('PROXY UNKNOWN\r\n'), namingNobody(1, false)],
  ['version 1, UNKNOWN with anything behind it', text('PROXY UNKNOWN ffff::1 \n\r 65535 x\r\n'), namingNobody(1, false)],
  ['version 2, IPv4', binary(), { ...namingNobody(2, false), ...TCP4 }],
  ['version 2, IPv6', binary({ family: 0x21, addresses: IPV6 }), { ...namingNobody(2, false), ...TCP6 }],
  ['LOCAL without anything', binary({ command: 0x20, family: 0, addresses: Buffer.alloc(0) }), namingNobody(2, true)],
  ['LOCAL with a block to be discarded, whatever its family', binary({ command: 0x20, family: 0xff, addresses: text('anything') }), namingNobody(2, true)],
  ['no family', binary({ family: 0, addresses: Buffer.alloc(0) }), namingNobody(2, false)],
  ['no family, with an address of an unknown kind', binary({ family: 0, addresses: text('anything') }), namingNobody(2, false)],
  ['no family, with extensions', binary({ family: 0, addresses: Buffer.alloc(0), tlvs: [tlv(2, 'example.org')] }), { source: undefined, authority: 'example.org' }],
  ['a Unix socket', binary({ family: 0x31, addresses: Buffer.alloc(216, '/x'), tlvs: [tlv(2, 'example.org')] }), { source: undefined, destination: undefined, authority: 'example.org' }],
  ['UDP', binary({ family: 0x12 }), { source: undefined, destination: undefined }],
  ['an unspecified protocol of IPv6', binary({ family: 0x20, addresses: IPV6 }), { source: undefined }],
  ['all extensions', summed(binary({ tlvs: [
    tlv(1, 'h2'), tlv(2, 'grüße.example'), tlv(4, Buffer.alloc(7)), tlv(5, Buffer.from([0, 255])), tlv(0x30, 'blue'), tlv(0xe0, ''),
    ssl(0b111, 0, tlv(0x21, 'TLSv1.3'), tlv(0x22, 'Ann Example'), tlv(0x23, 'TLS_AES_256_GCM_SHA384'), tlv(0x24, 'RSA-SHA256'), tlv(0x25, 'RSA2048'), tlv(0x28, 'DER')),
  ] })), {
    ...TCP4, alpn: 'h2', authority: 'grüße.example', uniqueId: Buffer.from([0, 255]),
    ssl: { secure: true, certificate: true, verified: true, version: 'TLSv1.3', commonName: 'Ann Example', cipher: 'TLS_AES_256_GCM_SHA384', signatureAlgorithm: 'RSA-SHA256', keyAlgorithm: 'RSA2048' },
    // The name space of the network (0x30) and what others have agreed on (0xe0) are left to the user.
    tlvs: expect.arrayContaining([{ type: 0x30, value: Buffer.from('blue') }, { type: 0xe0, value: Buffer.alloc(0) }]) as unknown,
  }],
  ['a client without a certificate: zero alone verifies nobody', binary({ tlvs: [ssl(1, 0)] }), { ssl: { secure: true, certificate: false, verified: false, commonName: undefined } }],
  ['a client whose certificate is bad', binary({ tlvs: [ssl(0b11, 20)] }), { ssl: { certificate: true, verified: false } }],
  ['a client whose certificate came earlier in its session', binary({ tlvs: [ssl(0b101, 0)] }), { ssl: { certificate: true, verified: true } }],
  ['two names: the first counts', binary({ tlvs: [tlv(2, 'a'), tlv(2, 'b')] }), { authority: 'a' }],
];

/** What is refused, and words of the reason. */
const BAD: readonly [title: string, bytes: Buffer, reason: RegExp][] = [
  ['a request without a header', text('GET / HTTP/1.1\r\n'), /begins with "G", which is not a PROXY header.*send-proxy/],
  ['a request that begins as a header does', text('PROPFIND / HTTP/1.1\r\n'), /begins with "PROP"/],
  ['TLS', Buffer.from('160301', 'hex'), /begins with 0x16/],
  ['lower case', text('proxy tcp4'), /begins with "p"/],
  ['two spaces', text('PROXY  TCP4 192.0.2.1 192.0.2.2 1 2\r\n'), /protocol is ""/],
  ['another protocol', text('PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\n'), /protocol is "UDP4"/],
  ['a word that begins with UNKNOWN', text('PROXY UNKNOWNS\r\n'), /protocol is "UNKNOWNS"/],
  ['a port too few', text('PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n'), /two addresses and two ports/],
  ['a word too many', text('PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n'), /two addresses and two ports/],
  ['a space at the end', text('PROXY TCP4 192.0.2.1 192.0.2.2 1 2 \r\n'), /two addresses and two ports/],
  ['port 99999', text('PROXY TCP4 192.0.2.1 192.0.2.2 99999 2\r\n'), /"99999" is not a port/],
  ['a port with a leading zero', text('PROXY TCP4 192.0.2.1 192.0.2.2 1 02\r\n'), /"02" is not a port/],
  ['a port with a sign', text('PROXY TCP4 192.0.2.1 192.0.2.2 +1 2\r\n'), /"\+1" is not a port/],
  ['a number above 255', text('PROXY TCP4 192.0.2.256 192.0.2.2 1 2\r\n'), /"192.0.2.256" is not an IPv4 address/],
  ['an octal number', text('PROXY TCP4 192.0.2.01 192.0.2.2 1 2\r\n'), /is not an IPv4 address/],
  ['IPv6 where IPv4 is announced', text('PROXY TCP4 ::1 ::1 1 2\r\n'), /"::1" is not an IPv4 address/],
  ['IPv4 where IPv6 is announced', text('PROXY TCP6 192.0.2.1 ::1 1 2\r\n'), /"192.0.2.1" is not an IPv6 address/],
  ['two gaps', text('PROXY TCP6 1::2::3 ::1 1 2\r\n'), /is not an IPv6 address/],
  ['nine groups', text('PROXY TCP6 1:2:3:4:5:6:7:8:9 ::1 1 2\r\n'), /is not an IPv6 address/],
  ['a gap of nothing', text('PROXY TCP6 1:2:3:4::5:6:7:8 ::1 1 2\r\n'), /is not an IPv6 address/],
  ['an IPv4 address before the gap', text('PROXY TCP6 192.0.2.1::1 ::1 1 2\r\n'), /is not an IPv6 address/],
  ['a bare CR in the line', text('PROXY TCP4 192.0.2.1\r 192.0.2.2 1 2\r\n'), /is not an IPv4 address/],
  ['a bare LF', text('PROXY TCP4 192.0.2.1 192.0.2.2 1 2\nGET'), /bare LF/],
  ['a line of 108 bytes', text(`PROXY UNKNOWN ${'x'.repeat(92)}\r\n`), /107 bytes at most/],
  ['version 1 of the binary header', binary({ command: 0x11 }), /of version 1; only 2/],
  ['another command', binary({ command: 0x22 }), /command 2/],
  ['another family', binary({ family: 0x41 }), /family and protocol 0x41/],
  ['another protocol of a family', binary({ family: 0x13 }), /family and protocol 0x13/],
  ['too few bytes for its addresses', binary({ family: 0x21 }), /12 bytes behind its first 16; the addresses of its family need 36/],
  ['too many bytes', binary({ tlvs: [tlv(4, Buffer.alloc(17_000))] }), /17031 bytes; 16384 are taken/],
  ['half an extension', binary({ tlvs: [Buffer.from([4, 0])] }), /three bytes at least.*the last one has 2/],
  ['an extension beyond the end', binary({ tlvs: [Buffer.from([2, 0, 5, 65])] }), /0x02 says that it has 5 bytes, and 1 are left/],
  ['a wrong checksum', binary({ tlvs: [tlv(3, Buffer.from([1, 2, 3, 4]))] }), /CRC32C\) is 0x01020304, and that of the bytes that came is 0x[0-9a-f]{8}/],
  ['a checksum of another length', binary({ tlvs: [tlv(3, Buffer.alloc(3))] }), /CRC32C\) has 3 bytes/],
  ['a unique ID of 129 bytes', binary({ tlvs: [tlv(5, Buffer.alloc(129))] }), /unique ID has 129 bytes; it may have 128/],
  ['an extension for TLS that is too short', binary({ tlvs: [tlv(0x20, 'abcd')] }), /TLS \(0x20\) has 4 bytes; it has 5/],
  ['half an extension of TLS', binary({ tlvs: [ssl(1, 0, Buffer.from([0x21, 0, 9, 65]))] }), /extension of TLS 0x21 says that it has 9 bytes, and 1 are left/],
];

describe('the parser of PROXY headers', () => {
  it.each(GOOD)('reads %s', (_title, bytes, expected) => {
    expect(header(bytes)).toMatchObject(expected);
  });

  it.each(BAD)('refuses %s, and says why', (_title, bytes, reason) => {
    expect(header(bytes)).toMatch(reason);
  });

  it.each([...GOOD, ...BAD].map(([title, bytes]) => [title, Buffer.concat([bytes, text('the client')])] as const))(
    'makes the same of it however it is cut, and loses nothing behind it: %s', (_title, bytes) => {
      const whole = parsed([bytes]);

      expect(parsed(Array.from(bytes, (_byte, at) => bytes.subarray(at, at + 1)))).toEqual(whole);
      for (let at = 0; at < Math.min(bytes.length, 600); at++) expect(parsed([bytes.subarray(0, at), bytes.subarray(at)])).toEqual(whole);
      if (typeof whole !== 'string') expect(whole.rest.toString()).toBe('the client');
    },
  );

  it.each(GOOD)('needs the last byte too: %s', (_title, bytes) => {
    expect(parsed([bytes.subarray(0, -1)])).toBe('incomplete');
  });

  it('takes one version only if it is asked to', () => {
    const line = text('PROXY UNKNOWN\r\n');

    expect(header(line, 1)).toEqual(namingNobody(1, false));
    expect(header(line, 2)).toMatch(/of version 1 came, and Proxy.Version takes 2 only/);
    expect(header(binary(), 2)).toMatchObject(TCP4);
    expect(header(binary(), 1)).toMatch(/of version 2 came, and Proxy.Version takes 1 only/);
  });

  it('keeps an extension apart from the buffer in which it came', () => {
    const bytes = Buffer.concat([binary({ tlvs: [tlv(5, 'id')] }), Buffer.alloc(1000)]);
    const result = parsed([bytes]);
    bytes.fill(0);

    expect(result).toMatchObject({ header: { uniqueId: Buffer.from('id') } });
  });

  it('computes the checksum that is published for "123456789"', async () => {
    const { crc32c } = await import('../../src/proxy/crc32c.js');

    expect(crc32c(text('123456789'), 100)).toBe(0xe306_9283);
    expect(crc32c(text('12\0\0\0\x0056789'), 100)).toBe(crc32c(text('12345656789'), 2));
  });

  // All 500,000 with PREFORK_FUZZ=500000.
  it('says of any bytes what they are or what is wrong, the same however they are cut', () => {
    const random = new Seeded(14);
    const seeds = [...GOOD, ...BAD].map(([, bytes]) => bytes.subarray(0, 700));
    const count = Number(process.env['PREFORK_FUZZ'] ?? 20_000);
    for (let run = 0; run < count; run++) {
      const bytes = Buffer.concat([mutated(random, random.pick(seeds)), random.bytes(random.below(4))]);
      const whole = parsed([bytes]);
      const cut = parsed(random.pieces(bytes, random.pick([1, 3, 40])));

      if (typeof whole === 'string' ? whole !== cut || whole.startsWith('another') : typeof cut === 'string' || !isSame(whole, cut)) {
        expect({ run, bytes: bytes.toString('hex'), result: cut }).toEqual({ run, bytes: bytes.toString('hex'), result: whole });
        expect(whole).not.toMatch(/^another error/);
      }
    }
  }, 600_000);
});

type Whole = Exclude<ReturnType<typeof parsed>, string>;

const isSame = (one: Whole, other: Whole): boolean => one.rest.equals(other.rest) && JSON.stringify(one.header) === JSON.stringify(other.header);

/** The bytes with a few changes, most of them near what decides. */
function mutated(random: Seeded, bytes: Buffer): Buffer {
  if (random.chance(0.05)) return Buffer.concat([SIGNATURE, random.bytes(random.int(0, 60)), IPV4]);
  let changed = Buffer.from(bytes);
  for (let times = random.int(0, 3); times > 0 && changed.length > 0; times--) {
    const at = random.chance(0.5) ? random.below(changed.length) : Math.min(random.int(12, 40), changed.length - 1);
    const kind = random.int(0, 3);
    if (kind === 0) changed[at] = random.int(0, 255);
    else if (kind === 1) changed = Buffer.concat([changed.subarray(0, at), random.bytes(random.int(1, 3)), changed.subarray(at)]);
    else if (kind === 2) changed = Buffer.concat([changed.subarray(0, at), changed.subarray(at + random.int(1, 3))]);
    else changed = changed.subarray(0, at);
  }
  return changed;
}
