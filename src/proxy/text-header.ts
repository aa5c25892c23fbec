import type { Buffer } from 'node:buffer';
import { isIpv4, toIpv6 } from './addresses.js';
import { fault, showBytes } from './fault.js';
import { namingNobody, type ProxyEndpoint, type ProxyHeader } from './header.js';

/** The longest line, with its CR LF (proxy-protocol.txt, 2.1). */
const LONGEST_LINE = 107;

const LF = 10;
const CR = 13;
const UNKNOWN = 'PROXY UNKNOWN';

/** Where a line that begins with "PROXY " ends, its CR LF included; undefined: not yet. @throws ERR_PREFORK_PROXY */
export function endOfLine(bytes: Buffer): number | undefined {
  const line = bytes.subarray(0, LONGEST_LINE);
  for (let at = line.indexOf(LF); at !== -1; at = line.indexOf(LF, at + 1)) {
    if (line[at - 1] === CR) return at + 1;
    // Whatever follows UNKNOWN is to be ignored.
    if (!line.toString('latin1').startsWith(UNKNOWN)) throw fault(`A PROXY header of version 1 ends with CR LF, and a bare LF came: ${showBytes(line.subarray(0, at))}.`);
  }
  if (line.length === LONGEST_LINE) throw fault(`A PROXY header of version 1 has ${LONGEST_LINE} bytes at most, and this one had no CR LF within them: ${showBytes(line)}.`);
  return undefined;
}

/** Reads a whole line, its CR LF included. @throws ERR_PREFORK_PROXY */
export function readLine(bytes: Buffer): ProxyHeader {
  const line = bytes.toString('latin1', 0, bytes.length - 2);
  if (line === UNKNOWN || line.startsWith(`${UNKNOWN} `)) return namingNobody(1, false);
  const [, family, source, destination, sourcePort, destinationPort, ...more] = line.split(' ');
  if (family !== 'TCP4' && family !== 'TCP6') throw bad(line, `its protocol is ${JSON.stringify(family)}, and TCP4, TCP6 and UNKNOWN are known`);
  if (destinationPort === undefined || more.length > 0) throw bad(line, 'it must have two addresses and two ports, with one space between them');
  return {
    ...namingNobody(1, false),
    source: endpoint(line, family, source ?? '', sourcePort ?? ''),
    destination: endpoint(line, family, destination ?? '', destinationPort),
  };
}

function endpoint(line: string, family: 'TCP4' | 'TCP6', text: string, port: string): ProxyEndpoint {
  const address = family === 'TCP6' ? toIpv6(text) : isIpv4(text) ? text : undefined;
  if (address === undefined) throw bad(line, `${JSON.stringify(text)} is not an ${family === 'TCP4' ? 'IPv4' : 'IPv6'} address`);
  if (!/^(0|[1-9]\d{0,4})$/.test(port) || Number(port) > 65_535) throw bad(line, `${JSON.stringify(port)} is not a port`);
  return { address, port: Number(port) };
}

const bad = (line: string, why: string): Error => fault(`The PROXY header ${JSON.stringify(line)} cannot be read: ${why}.`);
