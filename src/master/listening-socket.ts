import type { SendHandle } from 'node:child_process';
import type { AddressInfo } from 'node:net';
import { constants } from 'node:os';
import { systemClock } from '../clock.js';
import type { ListenAddress } from '../ipc/protocol.js';
import { removeFile, type SocketFile } from '../unix-path.js';
import { adoptDescriptor } from './activation.js';
import { ListenError, systemListenError } from './listen-error.js';
import { showTarget, type ListenTarget } from './listen-target.js';
import { handleFactory, holdQueue, sendable, type CreateHandle, type NativeHandle } from './native-handle.js';
import { portInUse } from './port-holders.js';
import { bindUnix } from './unix-socket.js';

/**
 * The pool's socket: bound by the master; only workers accept on it, through copies of their own.
 * It lives exactly as long as the pool: while no worker accepts, clients wait in its queue.
 */
export interface ListeningSocket {
  /** The address with its port resolved, or the path of a Unix socket. */
  readonly address: ListenAddress;
  /** What `channel.send` takes; the receiver gets a copy of its own. */
  readonly handle: SendHandle;
  /** The descriptor, to start another process with. */
  readonly fd: number;
  /** The file that is removed with the socket; undefined if there is none, or it is not ours. */
  file: SocketFile | undefined;
  /** Whether another process has bound it. */
  readonly isInherited: boolean;
  /** Gives up the master's copy. Clients are refused once no worker has one. Removes its file if that is still the same. Harmless twice. */
  close(): void;
}

// libuv, include/uv.h: UV_TCP_IPV6ONLY.
const IPV6_ONLY = 1;

/**
 * Binds and listens, and never accepts.
 *
 * @param backlog - connections that wait in the kernel's queue
 * @throws ListenError
 */
export async function bindListeningSocket(target: ListenTarget, backlog: number): Promise<ListeningSocket> {
  const createHandle = handleFactory();
  for (let attempt = 1; ; attempt++) {
    try {
      return await bindTo(target, backlog, createHandle);
    } catch (error) {
      if (attempt === ATTEMPTS || !(error instanceof ListenError && error.isUnowned)) throw error;
    }
    await new Promise((resolve) => { systemClock.after(ATTEMPT_MS, () => { resolve(undefined); }); });
  }
}

async function bindTo(target: ListenTarget, backlog: number, createHandle: CreateHandle): Promise<ListeningSocket> {
  if (target.kind === 'tcp') return bindTcp(target, backlog, createHandle);
  const { handle, file } = await bindUnix(target, backlog, createHandle);
  return socketOf(handle, target.path, file);
}

/**
 * Takes over a socket that another process has bound.
 *
 * @param known - its address, if the other process has told it
 * @throws ListenError
 */
export function inheritListeningSocket(fd: number, backlog: number, known?: ListenAddress): ListeningSocket {
  const { handle, address } = adoptDescriptor(fd, backlog);
  return { ...socketOf(handle, known ?? address), isInherited: true };
}

const UV_EADDRINUSE = -constants.errno.EADDRINUSE;

/**
 * A port or path may be in use although no process has it: the kernel takes a while to close copies of the listening handle that
 * were under way when a server was killed, and the next server may be started sooner.
 */
const ATTEMPTS = 11;
const ATTEMPT_MS = 50;

function bindTcp(target: ListenTarget & { kind: 'tcp' }, backlog: number, createHandle: CreateHandle): ListeningSocket {
  const { address, port, family, ipv6Only } = target;
  const handle = createHandle(address, port, family, undefined, ipv6Only ? IPV6_ONLY : 0);
  if (typeof handle === 'number') throw systemListenError('bind', handle, showTarget(target));
  // uv_tcp_bind holds back EADDRINUSE until the next call on the handle (libuv, src/unix/tcp.c).
  const bound = {};
  const status = handle.getsockname?.(bound) ?? 0;
  const [operation, failure] = status < 0 ? ['bind', status] : ['listen', holdQueue(handle, backlog)];
  if (failure >= 0) return socketOf(handle, bound as AddressInfo);
  handle.close();
  throw systemListenError(operation, failure, showTarget(target), failure === UV_EADDRINUSE ? portInUse(port) : undefined);
}

function socketOf(handle: NativeHandle, address: ListenAddress, file?: SocketFile): ListeningSocket {
  let open = true;
  return {
    address,
    handle: sendable(handle),
    fd: handle.fd,
    file,
    isInherited: false,
    close() {
      if (!open) return;
      open = false;
      if (this.file !== undefined) removeFile(this.file);
      handle.close();
    },
  };
}
