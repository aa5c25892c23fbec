import type { SendHandle } from 'node:child_process';
import { chmodSync, lstatSync, unlinkSync } from 'node:fs';
import * as net from 'node:net';
import type { AddressInfo } from 'node:net';
import { constants } from 'node:os';
import { PreforkError } from '../errors.js';
import type { ListenAddress } from '../ipc/protocol.js';
import { systemListenError } from './listen-error.js';
import { showTarget, type ListenTarget } from './listen-target.js';

/**
 * The pool's socket: bound by the master, listened and accepted on by workers only, through their own copies.
 * It lives exactly as long as the pool: while every worker is paused or dead, clients wait in its queue.
 */
export interface ListeningSocket {
  /** The address with its port resolved, or the path of a Unix socket. */
  readonly address: ListenAddress;
  /** What `channel.send` takes; the receiver gets a copy of its own. */
  readonly handle: SendHandle;
  /** Gives up the master's copy. Clients are refused once no worker has one. Removes the file of a Unix socket. Harmless twice. */
  close(): void;
}

/** A libuv handle, as far as we need it. */
interface NativeHandle {
  getsockname?(out: object): number;
  close(): void;
}

type CreateHandle = (address: string, port: number, family: 4 | 6 | -1, fd?: number, flags?: number) => NativeHandle | number;

// libuv, include/uv.h: UV_TCP_IPV6ONLY.
const IPV6_ONLY = 1;

/**
 * Binds, and neither listens nor accepts.
 *
 * Workers need copies of one bound socket again and again. The public net.BoundSocket cannot be their source: on
 * Node 24 `child.send` does not take it, on Node 26 sending moves it (the sender's is gone, a second send throws
 * ERR_WORKER_HANDLE_NOT_TRANSFERABLE). So this uses what node:cluster uses for its shared handles:
 * https://github.com/nodejs/node/blob/v20.x/lib/internal/cluster/shared_handle.js
 *
 * @throws ListenError
 */
export async function bindListeningSocket(target: ListenTarget): Promise<ListeningSocket> {
  const createHandle = (net as unknown as { _createServerHandle?: CreateHandle })._createServerHandle;
  if (createHandle === undefined) {
    throw new PreforkError('ERR_PREFORK_LISTEN', `Node ${process.version} offers no way to share a listening socket; use a supported version (20, 22, 24 or 26).`);
  }
  return target.kind === 'unix' ? bindUnix(target, createHandle) : bindTcp(target, createHandle);
}

function bindTcp(target: ListenTarget & { kind: 'tcp' }, createHandle: CreateHandle): ListeningSocket {
  const { address, port, family, ipv6Only } = target;
  const handle = createHandle(address, port, family, undefined, ipv6Only ? IPV6_ONLY : 0);
  if (typeof handle === 'number') throw systemListenError('bind', handle, showTarget(target));
  // uv_tcp_bind keeps EADDRINUSE back until the next call on the handle (libuv, src/unix/tcp.c).
  const bound = {};
  const status = handle.getsockname?.(bound) ?? 0;
  if (status < 0) {
    handle.close();
    throw systemListenError('bind', status, showTarget(target));
  }
  return socketOf(handle, bound as AddressInfo);
}

/** Closing the handle that was bound removes the file (libuv, src/unix/pipe.c); the workers' copies leave it alone. */
async function bindUnix(target: ListenTarget & { kind: 'unix' }, createHandle: CreateHandle): Promise<ListeningSocket> {
  const { path, mode } = target;
  let handle = createHandle(path, -1, -1);
  if (handle === -constants.errno.EADDRINUSE && await isStale(path)) {
    unlinkSync(path);
    handle = createHandle(path, -1, -1);
  }
  if (typeof handle === 'number') throw systemListenError('bind', handle, path);
  if (mode !== undefined) chmodSync(path, mode);
  return socketOf(handle, path);
}

/** Whether a path is a socket that nobody listens on any more: its server ended without removing it. */
async function isStale(path: string): Promise<boolean> {
  if (!lstatSync(path).isSocket()) return false;
  return new Promise((resolve) => {
    const probe = net.connect(path);
    probe.once('connect', () => {
      probe.destroy();
      resolve(false);
    });
    probe.once('error', (error: NodeJS.ErrnoException) => { resolve(error.code === 'ECONNREFUSED'); });
  });
}

function socketOf(handle: NativeHandle, address: ListenAddress): ListeningSocket {
  let open = true;
  return {
    address,
    handle: handle as unknown as SendHandle,
    close() {
      if (open) handle.close();
      open = false;
    },
  };
}
