import { readFileSync } from 'node:fs';
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { PreforkError } from '../errors.js';
import type { PreforkTcpServerOptions } from '../options/options.js';
import { ListenError } from './listen-error.js';

/** Where to listen, resolved. */
export type ListenTarget =
  | { readonly kind: 'tcp'; readonly address: string; readonly family: 4 | 6; readonly port: number; readonly ipv6Only: boolean }
  | { readonly kind: 'unix'; readonly path: string; readonly mode: number | undefined };

/** What the options say about it. */
export type ListenOptions = Pick<PreforkTcpServerOptions, 'Address' | 'Hostname' | 'Port' | 'Domain' | 'Ipv6Only' | 'SocketMode'>;

/**
 * Finds the address and port that the options mean.
 *
 * @throws ListenError if a name cannot be resolved; PreforkError ERR_PREFORK_OPTION if Address is not of the Domain
 */
export async function resolveTarget(options: ListenOptions): Promise<ListenTarget> {
  if (options.Domain === 'unix') return { kind: 'unix', path: options.Address ?? '', mode: options.SocketMode };
  const port = typeof options.Port === 'string' ? servicePort(options.Port) : options.Port ?? 0;
  const { address, family } = await resolveAddress(options, port);
  return { kind: 'tcp', address, family, port, ipv6Only: options.Ipv6Only === true || options.Ipv6Only === 1 };
}

/** The target as messages show it. */
export function showTarget(target: ListenTarget): string {
  // As the kernel shows an abstract name, whose first byte is NUL (unix(7)).
  if (target.kind === 'unix') return target.path.replaceAll('\0', '@');
  return target.family === 6 ? `[${target.address}]:${target.port}` : `${target.address}:${target.port}`;
}

/** Whether a Unix socket has a name of Linux's abstract namespace: no file, and nothing to remove. */
export const isAbstract = (target: ListenTarget): boolean => target.kind === 'unix' && target.path.startsWith('\0');

async function resolveAddress({ Address, Hostname, Domain }: ListenOptions, port: number): Promise<{ address: string; family: 4 | 6 }> {
  const name = Address ?? Hostname;
  if (name === undefined) return Domain === 'inet6' ? { address: '::', family: 6 } : { address: '0.0.0.0', family: 4 };
  const family = isIP(name);
  if (family === 4 || family === 6) {
    if (Domain === undefined || (Domain === 'inet6') === (family === 6)) return { address: name, family };
    throw new PreforkError('ERR_PREFORK_OPTION', `Address ${name} is not of Domain '${Domain}'; leave Domain out or give an address of it.`);
  }
  try {
    const found = await lookup(name, { family: Domain === undefined ? 0 : Domain === 'inet6' ? 6 : 4 });
    return { address: found.address, family: found.family === 6 ? 6 : 4 };
  } catch (cause) {
    const { code = 'ENOTFOUND', errno = 0 } = cause as NodeJS.ErrnoException;
    throw new ListenError({ operation: 'resolve', code, errno: Math.abs(errno), where: `${name}:${port}`, cause });
  }
}

/** The port of a TCP service by its name or an alias (services(5)). */
function servicePort(name: string): number {
  let text = '';
  try {
    text = readFileSync('/etc/services', 'utf8');
  } catch {
    // A system without the file knows no service: the error below says what to do.
  }
  for (const line of text.split('\n')) {
    const [official, port, ...aliases] = (line.split('#')[0] ?? '').trim().split(/\s+/);
    if (port?.endsWith('/tcp') === true && (official === name || aliases.includes(name))) return Number.parseInt(port, 10);
  }
  throw new ListenError({
    operation: 'getservbyname', code: 'ENOENT', errno: 2, where: `the port of the service '${name}'`,
    cause: new Error(`/etc/services has no TCP service '${name}'`),
  });
}
