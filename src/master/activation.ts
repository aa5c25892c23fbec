import { fstatSync, readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { constants } from 'node:os';
import type { ListenAddress } from '../ipc/protocol.js';
import { codeListenError, systemListenError } from './listen-error.js';
import { handleFactory, holdQueue, type NativeHandle } from './native-handle.js';

/** What a service manager says about the sockets that it passes on; see sd_listen_fds(3). */
type Environment = Readonly<Record<string, string | undefined>>;

// sd-daemon.h: SD_LISTEN_FDS_START.
const FIRST_FD = 3;

/**
 * Finds the descriptor that the option Fd means among those that systemd has passed to this process.
 *
 * @returns undefined if none were passed, or they were passed to another process: a program between systemd and this one
 * @throws ListenError if there is none with that number or name
 */
export function activatedDescriptor(wanted: number | string, { env, pid }: { readonly env: Environment; readonly pid: number }): number | undefined {
  const count = Number(env['LISTEN_FDS'] ?? 0);
  if (env['LISTEN_PID'] !== String(pid) || !Number.isSafeInteger(count) || count < 1) return undefined;
  const names = (env['LISTEN_FDNAMES'] ?? '').split(':');
  const index = typeof wanted === 'number' ? wanted - FIRST_FD : names.indexOf(wanted);
  if (index >= 0 && index < count) return FIRST_FD + index;
  const passed = Array.from({ length: count }, (_none, at) => `${FIRST_FD + at}${names[at] === undefined || names[at] === '' ? '' : ` (${names[at]})`}`);
  throw codeListenError({
    operation: 'open', code: 'EBADF', errno: constants.errno.EBADF, where: `Fd ${wanted}`,
    advice: `; systemd has passed ${passed.join(', ')}: give one of them as Fd, by number or FileDescriptorName.`,
  });
}

/** A socket that was bound by another process. */
export interface AdoptedSocket {
  readonly handle: NativeHandle;
  readonly address: ListenAddress;
}

/**
 * Takes over a bound socket. Closing it does not remove the file of a Unix socket, which belongs to whoever made it.
 *
 * @throws ListenError if it is not a stream socket, or one that cannot listen
 */
export function adoptDescriptor(fd: number, backlog: number): AdoptedSocket {
  const where = `descriptor ${fd}`;
  let handle: NativeHandle | number;
  try {
    handle = handleFactory()(null, null, null, fd);
  } catch {
    // Node throws for a kind of file that no server can have.
    handle = -constants.errno.ENOTSOCK;
  }
  if (typeof handle === 'number') throw systemListenError('open', handle, where);
  const status = holdQueue(handle, backlog);
  if (status < 0) {
    handle.close();
    throw systemListenError('listen', status, where);
  }
  return { handle, address: addressOf(handle, fd) };
}

function addressOf(handle: NativeHandle, fd: number): ListenAddress {
  const bound = {};
  if (handle.getsockname === undefined) return unixAddress(fd);
  handle.getsockname(bound);
  return bound as AddressInfo;
}

/** A Pipe has no getsockname; the kernel lists the path beside the socket's inode (proc(5), /proc/net/unix). */
function unixAddress(fd: number): string {
  const inode = String(fstatSync(fd).ino);
  try {
    for (const line of readFileSync('/proc/net/unix', 'utf8').split('\n')) {
      // Num RefCount Protocol Flags Type St Inode Path
      const [, , , , , , found, ...path] = line.split(' ').filter((column) => column !== '');
      if (found === inode && path.length > 0) return path.join(' ').replace(/^@/, '\0');
    }
  } catch {
    // A system without the list: the socket works nevertheless.
  }
  return `fd:${fd}`;
}
