import { isIP } from 'node:net';
import { resolve } from 'node:path';
import type { AdminConfig } from '../admin/admin-options.js';
import type { ListenConfig, ListenName } from './listen-part.js';

/** Finds addresses of Admin at which the pool itself, or another part of Admin, is to listen: only the first to bind would get it. */
export function adminPlaceProblems({ port, agentPort, path, address }: AdminConfig, { fd, target }: ListenConfig): string[] {
  const problems: string[] = [];
  if (isFixed(port) && port === agentPort) problems.push(`Admin: Port and AgentPort are both ${port}; give one of them a different port.`);
  // systemd's socket may listen anywhere.
  if (fd !== undefined) return problems;
  if (target.kind === 'unix') {
    return path !== undefined && resolve(path) === resolve(target.path) ? [...problems, `Admin: Path ${path} is the server's own Address; give another path.`] : problems;
  }
  for (const [name, taken] of [['Port', port], ['AgentPort', agentPort]] as const) {
    if (isFixed(taken) && taken === target.port && overlap(target, address)) problems.push(`Admin: ${name} ${taken} is the server's own Port; give another.`);
  }
  return problems;
}

const isFixed = (port: number | undefined): port is number => port !== undefined && port !== 0;

/** Whether two listeners with the same port would conflict, as far as their names show. */
function overlap({ host, family, ipv6Only }: ListenName & { kind: 'tcp' }, address: string): boolean {
  const own = host ?? (family === 6 ? '::' : '0.0.0.0');
  if (isIP(own) === 0) return own === 'localhost' && (address === '127.0.0.1' || address === '::1');
  if (isIP(own) !== isIP(address)) return (own === '::' && !ipv6Only) || address === '::';
  return own === address || isAny(own) || isAny(address);
}

const isAny = (address: string): boolean => address === '::' || address === '0.0.0.0';
