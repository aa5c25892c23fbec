import { resolve } from 'node:path';
import type { HandedSocket } from '../ipc/upgrade-protocol.js';
import type { ListenConfig } from '../options/listen-part.js';
import { activatedDescriptor } from './activation.js';
import { resolveTarget, showTarget, type ListenTarget } from './listen-target.js';
import { bindListeningSocket, inheritListeningSocket, type ListeningSocket } from './listening-socket.js';

/** An open socket, and where it is as messages show it. */
export interface OpenSocket {
  readonly socket: ListeningSocket;
  readonly where: string;
}

/** What a predecessor hands over. */
export interface Handed {
  readonly socket: HandedSocket;
  /** It is of no use: the options name another address. */
  decline(): void;
}

/** The address that the options name, as a text that two masters can compare. */
export const nameOf = ({ target, fd }: Pick<ListenConfig, 'target' | 'fd'>): string => (
  JSON.stringify({ fd, target: target.kind === 'unix' ? target.path : target })
);

/**
 * Opens the pool's socket: the one of a predecessor, unless the options name another address, the one that systemd has passed,
 * or a new one.
 *
 * @throws ListenError
 */
export async function openSocket(config: ListenConfig, handed?: Handed): Promise<OpenSocket> {
  const { fd: wanted, target, backlog } = config;
  if (handed?.socket.target === nameOf(config)) return inherit(handed.socket, backlog);
  const fd = wanted === undefined ? undefined : activatedDescriptor(wanted, process);
  if (fd !== undefined) return { socket: inheritListeningSocket(fd, backlog), where: `descriptor ${fd}` };
  const resolved = await resolveTarget(target);
  if (handed !== undefined && isAt(resolved, handed.socket)) return inherit(handed.socket, backlog);
  handed?.decline();
  return { socket: await bindListeningSocket(resolved, backlog), where: showTarget(resolved) };
}

const inherit = ({ fd, address }: HandedSocket, backlog: number): OpenSocket => (
  { socket: inheritListeningSocket(fd, backlog, address), where: `descriptor ${fd} of the predecessor` }
);

/** Whether another name leads to the same address. */
function isAt(target: ListenTarget, { address, file }: HandedSocket): boolean {
  if (target.kind === 'unix') return typeof address === 'string' && (target.path === address || resolve(target.path) === file?.path);
  return typeof address === 'object' && target.port === address.port && target.address === address.address;
}
