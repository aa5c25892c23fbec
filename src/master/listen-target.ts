import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { builtIn } from '../built-ins.js';
import type { ListenName } from '../options/listen-part.js';
import { ListenError } from './listen-error.js';

/** Where to listen, resolved. */
export type ListenTarget =
  | { readonly kind: 'tcp'; readonly address: string; readonly family: 4 | 6; readonly port: number; readonly ipv6Only: boolean }
  | { readonly kind: 'unix'; readonly path: string; readonly mode: number | undefined };

/**
 * Finds the address and port that the options name.
 *
 * @throws ListenError if a name cannot be resolved
 */
export async function resolveTarget(named: ListenName): Promise<ListenTarget> {
  if (named.kind === 'unix') return named;
  const port = typeof named.port === 'string' ? servicePort(named.port) : named.port;
  const { address, family } = await resolveAddress(named, port);
  return { kind: 'tcp', address, family, port, ipv6Only: named.ipv6Only };
}

/** The target as messages show it. */
export function showTarget(target: ListenTarget): string {
  // As the kernel shows an abstract name, whose first byte is NUL (unix(7)).
  if (target.kind === 'unix') return target.path.replaceAll('\0', '@');
  return target.family === 6 ? `[${target.address}]:${target.port}` : `${target.address}:${target.port}`;
}

/** Whether a Unix socket has a name in Linux's abstract namespace: no file, and nothing to remove. */
export const isAbstract = (target: ListenTarget): boolean => target.kind === 'unix' && target.path.startsWith('\0');

async function resolveAddress({ host, family: wanted }: ListenName & { kind: 'tcp' }, port: number): Promise<{ address: string; family: 4 | 6 }> {
  if (host === undefined) return wanted === 6 ? { address: '::', family: 6 } : { address: '0.0.0.0', family: 4 };
  const family = isIP(host);
  if (family === 4 || family === 6) return { address: host, family };
  try {
    const found = await builtIn('node:dns/promises').lookup(host, { family: wanted ?? 0 });
    return { address: found.address, family: found.family === 6 ? 6 : 4 };
  } catch (cause) {
    const { code = 'ENOTFOUND', errno = 0 } = cause as NodeJS.ErrnoException;
    throw new ListenError({ operation: 'resolve', code, errno: Math.abs(errno), where: `${host}:${port}`, cause });
  }
}

/** The port of a TCP service by its name or an alias (services(5)). */
function servicePort(name: string): number {
  let text = '';
  try {
    text = readFileSync('/etc/services', 'utf8');
  } catch {
    // A system without the file knows no services: the error below says what to do.
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
