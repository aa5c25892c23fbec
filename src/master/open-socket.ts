import type { ListenConfig } from '../options/listen-part.js';
import { activatedDescriptor } from './activation.js';
import { resolveTarget, showTarget } from './listen-target.js';
import { bindListeningSocket, inheritListeningSocket, type ListeningSocket } from './listening-socket.js';

/**
 * Opens the pool's socket: the one that systemd has passed, or the address of the options.
 *
 * @returns the socket, and where it is as messages show it
 * @throws ListenError
 */
export async function openSocket({ fd: wanted, target, backlog }: ListenConfig): Promise<{ readonly socket: ListeningSocket; readonly where: string }> {
  const fd = wanted === undefined ? undefined : activatedDescriptor(wanted, process);
  if (fd !== undefined) return { socket: inheritListeningSocket(fd, backlog), where: `descriptor ${fd}` };
  const resolved = await resolveTarget(target);
  return { socket: await bindListeningSocket(resolved, backlog), where: showTarget(resolved) };
}
