// What a PROXY header costs: the time to read one, in one piece, as balancers send it.
import { HeaderParser } from '../../../src/proxy/header-parser.js';
import { IPV6, binary, ssl, summed, tlv } from '../../proxy/headers.js';
import { median, printTable } from '../figures.js';
import type { Settings } from './settings.js';

const HEADERS: Readonly<Record<string, Buffer>> = {
  'version 1, IPv4': Buffer.from('PROXY TCP4 192.0.2.1 198.51.100.2 4711 443\r\n'),
  'version 2, IPv4': binary(),
  'version 2, IPv6': binary({ family: 0x21, addresses: IPV6 }),
  'version 2, with TLS, a name and a checksum': summed(binary({ tlvs: [tlv(2, 'example.org'), ssl(1, 0, tlv(0x21, 'TLSv1.3'))] })),
};
const TIMES = 200_000;

export function run({ rounds }: Settings): unknown {
  const results = Object.entries(HEADERS).map(([title, header]) => {
    const micros = Array.from({ length: rounds }, () => {
      const before = performance.now();
      for (let left = TIMES; left > 0; left--) new HeaderParser().push(header);
      return (performance.now() - before) * 1000 / TIMES;
    });
    return { title, micros: median(micros) };
  });
  printTable('A PROXY header', ['', 'µs'], results.map(({ title, micros }) => [title, micros]));
  return results;
}
