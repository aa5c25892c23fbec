import { constants } from 'node:os';
import { resolve } from 'node:path';
import type { HandedSocket } from '../ipc/upgrade-protocol.js';
import type { ListenConfig } from '../options/listen-part.js';
import { activatedDescriptor } from './activation.js';
import { codeListenError } from './listen-error.js';
import { resolveTarget, showTarget, type ListenTarget } from './listen-target.js';
import { bindListeningSocket, inheritListeningSocket, type ListeningSocket } from './listening-socket.js';

/** An open socket, and its address as shown in messages. */
export interface OpenSocket {
  readonly socket: ListeningSocket;
  readonly where: string;
  /** Which options led to it (Fd, or the address), as a text that two masters can compare. */
  readonly name: string;
}

/** What a predecessor hands over. */
export interface Handed {
  readonly socket: HandedSocket;
  /** Refuses it: the options name another address. */
  decline(): void;
}

/** With a socket of systemd's, Address and Port apply only where there is none: they may change without effect. */
const fdName = (fd: number | string): string => JSON.stringify({ fd });
const addressName = (target: ListenConfig['target']): string => JSON.stringify({ target: target.kind === 'unix' ? target.path : target });
/** The Fd in a name; undefined if it is an address. */
const fdOf = (name: string): number | string | undefined => (JSON.parse(name) as { readonly fd?: number | string }).fd;

/**
 * Opens the pool's socket: the one of a predecessor, unless the options name another address, the one that systemd has passed,
 * or a new one.
 *
 * @throws ListenError
 */
export async function openSocket(config: ListenConfig, handed?: Handed): Promise<OpenSocket> {
  const { fd: wanted, target, backlog } = config;
  const names = [...(wanted === undefined ? [] : [fdName(wanted)]), addressName(target)];
  const inherited = names.find((name) => name === handed?.socket.target);
  if (handed !== undefined && inherited !== undefined) return inherit(handed.socket, { backlog, name: inherited });
  const fd = wanted === undefined ? undefined : activatedDescriptor(wanted, process);
  if (wanted !== undefined && fd !== undefined) return { socket: inheritListeningSocket(fd, backlog), where: `descriptor ${fd}`, name: fdName(wanted) };
  const resolved = await resolveTarget(target);
  const name = addressName(target);
  if (handed !== undefined && isAt(resolved, handed.socket)) return inherit(handed.socket, { backlog, name });
  if (handed !== undefined && wanted !== undefined) refuseOtherFd(wanted, handed.socket);
  handed?.decline();
  return { socket: await bindListeningSocket(resolved, backlog), where: showTarget(resolved), name };
}

/**
 * A socket that systemd passed to the predecessor under another name stayed there: its clients would wait in a queue that no process reads.
 *
 * @throws ListenError
 */
function refuseOtherFd(wanted: number | string, { target }: HandedSocket): void {
  const fd = fdOf(target);
  if (fd === undefined) return;
  throw codeListenError({
    operation: 'open', code: 'EBADF', errno: constants.errno.EBADF, where: `Fd ${wanted}`,
    advice: `; the process before this one has the socket Fd ${fd}, and systemd passes others only when it starts the service: keep Fd ${fd}, or restart the service.`,
  });
}

/** Whether systemd has it too, and keeps it open. */
export const isSystemds = ({ name }: OpenSocket): boolean => fdOf(name) !== undefined;

/** Its address for a message, with the port that the kernel has chosen. */
export const nameOfBound = ({ socket: { address }, where }: OpenSocket): string => (
  typeof address === 'string' ? address : where.replace(/:0$/, `:${address.port}`)
);

const inherit = ({ fd, address }: HandedSocket, { backlog, name }: { readonly backlog: number; readonly name: string }): OpenSocket => (
  { socket: inheritListeningSocket(fd, backlog, address), where: `descriptor ${fd} of the predecessor`, name }
);

/** Whether a target has a different name but the same address. */
function isAt(target: ListenTarget, { address, file }: HandedSocket): boolean {
  if (target.kind === 'unix') return typeof address === 'string' && (target.path === address || resolve(target.path) === file?.path);
  return typeof address === 'object' && target.port === address.port && target.address === address.address;
}
