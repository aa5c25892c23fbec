import { Buffer } from 'node:buffer';
import { SocketAddress, isIPv4, isIPv6 } from 'node:net';
import { describe, expect, it } from 'vitest';
import { ipv4At, ipv6At, isIpv4, toIpv6 } from '../../src/proxy/addresses.js';
import { Seeded } from '../support/seeded.js';

/** Sixteen bytes, most of them zeros, as those of addresses are. */
const ipv6 = (random: Seeded): Buffer => Buffer.from(Array.from({ length: 8 }, () => random.pick([0, 0, 0, 1, 0xffff, random.int(0, 0xffff)]))
  .flatMap((group) => [group >> 8, group & 255]));
const long = (bytes: Buffer): string => (bytes.toString('hex').match(/.{4}/g) ?? []).join(':');
const normal = (address: string): string => new SocketAddress({ address, family: 'ipv6' }).address;

describe('addresses in PROXY headers', () => {
  it('get the text that Node has for them', () => {
    const random = new Seeded(6);
    for (let run = 0; run < 3000; run++) {
      const bytes = ipv6(random);
      const expected = normal(long(bytes));

      expect([ipv6At(bytes, 0), toIpv6(long(bytes)), toIpv6(expected.toUpperCase())]).toEqual([expected, expected, expected]);
    }
    expect(ipv4At(Buffer.from([9, 192, 0, 2, 255]), 1)).toBe('192.0.2.255');
  });

  it('are those that Node takes for addresses, and no others', () => {
    const random = new Seeded(7);
    for (let run = 0; run < 20_000; run++) {
      const text = Array.from({ length: random.int(1, 12) }, () => random.pick([':', ':', '::', '0', '1', 'ffff', 'g', '.', '255', '256', '10.0.0.1'])).join('');

      expect([text, isIpv4(text)]).toEqual([text, isIPv4(text)]);
      // A zone names an interface of the sender's: it means nothing here.
      expect([text, toIpv6(text)]).toEqual([text, isIPv6(text) ? normal(text) : undefined]);
    }
    expect(toIpv6('fe80::1%eth0')).toBeUndefined();
  });
});
