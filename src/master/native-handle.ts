import type { SendHandle } from 'node:child_process';
import * as net from 'node:net';
import { PreforkError } from '../errors.js';

/** A libuv handle of a socket, as far as the master needs it. */
export interface NativeHandle {
  /** The descriptor. */
  readonly fd: number;
  /** Only TCP has it. @returns 0, or a negative error number of libuv, as do all of these methods */
  getsockname?(out: object): number;
  open(fd: number): number;
  listen(backlog: number): number;
  readStart(): number;
  readStop(): number;
  close(): void;
}

/** Makes a handle that is bound, or owns the descriptor; returns a negative error number of libuv if it cannot. */
export type CreateHandle = (address: string | null, port: number | null, family: 4 | 6 | -1 | null, fd?: number, flags?: number) => NativeHandle | number;

/**
 * What net.Server and node:cluster make their handles with.
 *
 * Workers need copies of one bound socket again and again. The public net.BoundSocket cannot be their source: on
 * Node 24 `child.send` does not take it, on Node 26 sending moves it (the sender's is gone, a second send throws
 * ERR_WORKER_HANDLE_NOT_TRANSFERABLE). So this uses what node:cluster uses for its shared handles:
 * https://github.com/nodejs/node/blob/v20.x/lib/internal/cluster/shared_handle.js
 *
 * @throws PreforkError ERR_PREFORK_LISTEN on a version of Node that no longer has it
 */
export function handleFactory(): CreateHandle {
  const createHandle = (net as unknown as { _createServerHandle?: CreateHandle })._createServerHandle;
  if (createHandle !== undefined) return createHandle;
  throw new PreforkError('ERR_PREFORK_LISTEN', `Node ${process.version} offers no way to share a listening socket; use a supported version (20, 22, 24 or 26).`);
}

/**
 * Makes the kernel listen although this process takes no clients: they wait in the kernel's queue until a worker takes them.
 *
 * A socket that is bound but does not listen can be bound a second time: a TCP port by any program that sets
 * SO_REUSEADDR as libuv does, the path of a Unix socket by any program that takes it for stale. So one of two servers
 * would find out only when its workers listen, seconds later. A socket that listens excludes both at once.
 *
 * uv_listen also begins to watch for connections, and libuv offers no way to stop that. But uv_read_stop stops watching any
 * stream for input, which is the same thing to the kernel, once uv_read_start has begun it; for that the handle has to be
 * readable, which `open` makes it. All this happens in one turn of the event loop, so that nothing is accepted in between.
 *
 * @returns 0 or a negative error number of libuv
 */
export function holdQueue(handle: NativeHandle, backlog: number): number {
  const opened = handle.open(handle.fd);
  if (opened < 0) return opened;
  const listening = handle.listen(backlog);
  if (listening < 0) return listening;
  const watching = handle.readStart();
  return watching < 0 ? watching : handle.readStop();
}

/** The handle as `channel.send` takes it. */
export const sendable = (handle: NativeHandle): SendHandle => handle as unknown as SendHandle;
