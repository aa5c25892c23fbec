import { chmodSync, lstatSync, renameSync, statSync, unlinkSync } from 'node:fs';
import * as net from 'node:net';
import { constants } from 'node:os';
import { dirname, resolve } from 'node:path';
import { builtIn } from '../built-ins.js';
import type { SocketFile } from '../ipc/upgrade-protocol.js';
import { codeListenError, ListenError, systemListenError } from './listen-error.js';
import { isAbstract, showTarget, type ListenTarget } from './listen-target.js';
import { holdQueue, type CreateHandle, type NativeHandle } from './native-handle.js';

/** A Unix socket that listens. */
export interface BoundUnixSocket {
  readonly handle: NativeHandle;
  /** The file that was made; undefined for an abstract name, which goes with its socket. */
  readonly file: SocketFile | undefined;
}

type UnixTarget = ListenTarget & { kind: 'unix' };

/**
 * Binds a Unix socket at `path~`, makes it listen, and renames it to `path`.
 *
 * libuv unlinks the name that a handle was bound to when the handle is closed and when the process ends (src/unix/pipe.c),
 * whatever file has that name by then: a successor's, or after a chdir a stranger's. By that time `path~` is the name of
 * nothing. A rename is atomic, so clients find either the old socket or the new one, with its permissions; and `path~` is
 * a lock: of two servers that start together, one finds it taken.
 *
 * @throws ListenError
 */
export async function bindUnix(target: UnixTarget, backlog: number, createHandle: CreateHandle): Promise<BoundUnixSocket> {
  if (isAbstract(target)) return { handle: listenAt(target.path, target, backlog, createHandle), file: undefined };
  const path = resolve(target.path);
  checkLength(path);
  for (let tries = 1; ; tries++) {
    const handle = await bindBeside(path, { target, backlog, createHandle });
    try {
      if (await isTaken(path)) throw inUse(target);
      renameSync(beside(path), path);
      const { dev, ino } = lstatSync(path, { bigint: true });
      return { handle, file: { path, dev: String(dev), ino: String(ino) } };
    } catch (error) {
      handle.close();
      // A server that has just ended took `path~` with it.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT' && tries < MOST_TRIES) continue;
      throw asListenError(error, target);
    }
  }
}

const MOST_TRIES = 3;

const beside = (path: string): string => `${path}~`;

/** Binds at `path~`, with the mode that the file is to have, and listens: from then on others see that it is not stale. */
async function bindBeside(path: string, { target, backlog, createHandle }: { target: UnixTarget; backlog: number; createHandle: CreateHandle }): Promise<NativeHandle> {
  const name = beside(path);
  try {
    return listenAt(name, target, backlog, createHandle);
  } catch (error) {
    if (!(error instanceof ListenError) || error.errno !== constants.errno.EADDRINUSE || await isTaken(name)) throw error;
  }
  // What is left of a server that was killed while it bound.
  unlinkSync(name);
  return listenAt(name, target, backlog, createHandle);
}

function listenAt(name: string, target: UnixTarget, backlog: number, createHandle: CreateHandle): NativeHandle {
  const handle = createHandle(name, -1, -1);
  if (typeof handle === 'number') throw bindError(handle, target);
  try {
    if (target.mode !== undefined) chmodSync(name, target.mode);
    const status = holdQueue(handle, backlog);
    if (status < 0) throw systemListenError('listen', status, showTarget(target));
    return handle;
  } catch (error) {
    handle.close();
    throw asListenError(error, target);
  }
}

/** Whether a path is anything but free or the socket of a server that ended without removing it. */
async function isTaken(path: string): Promise<boolean> {
  const file = lstatSync(path, { throwIfNoEntry: false });
  if (file === undefined) return false;
  if (!file.isSocket()) return true;
  return new Promise((taken) => {
    const probe = net.connect(path);
    probe.once('connect', () => {
      probe.destroy();
      taken(true);
    });
    // EAGAIN: its queue is full. ENOENT: it has gone meanwhile.
    probe.once('error', ({ code }: NodeJS.ErrnoException) => { taken(code !== 'ECONNREFUSED' && code !== 'ENOENT'); });
  });
}

/**
 * Removes the file of a socket, if the file at its path is still the same by device and inode: another server may have taken
 * the path meanwhile, and it is its then.
 */
export function removeFile({ path, dev, ino }: SocketFile): void {
  try {
    const now = lstatSync(path, { bigint: true, throwIfNoEntry: false });
    if (String(now?.ino) === ino && String(now?.dev) === dev) unlinkSync(path);
  } catch {
    // The folder may have changed its owner. A file that stays is stale, and the next server takes its place.
  }
}

/** The bytes that a path may have: sun_path of sockaddr_un (unix(7)) without the terminating NUL and without `~`. */
const LONGEST_PATH = (process.platform === 'linux' ? 108 : 104) - 2;

/** Node before 22 cuts a longer path and binds what is left. */
function checkLength(path: string): void {
  const length = Buffer.byteLength(path);
  if (length <= LONGEST_PATH) return;
  throw codeListenError({
    operation: 'bind', code: 'ENAMETOOLONG', errno: constants.errno.ENAMETOOLONG, where: path,
    advice: `; the path of a Unix socket may have ${LONGEST_PATH} bytes on this system, and this one has ${length}: choose a shorter one.`,
  });
}

function inUse(target: UnixTarget): ListenError {
  return systemListenError('bind', -constants.errno.EADDRINUSE, showTarget(target));
}

/** libuv says EACCES for a folder that there is not, as Windows does (src/unix/pipe.c). */
function bindError(status: number, target: UnixTarget): ListenError {
  const where = showTarget(target);
  const code = builtIn('node:util').getSystemErrorName(status);
  if (isAbstract(target) || (code !== 'EACCES' && code !== 'ENOTDIR')) return systemListenError('bind', status, where);
  const folder = dirname(resolve(target.path));
  const [reason, advice] = FOLDER_FAULTS[folderKind(folder)](folder);
  return codeListenError({ operation: 'bind', code: reason, errno: constants.errno[reason], where, advice: `; ${advice}` });
}

const FOLDER_FAULTS = {
  missing: (folder) => ['ENOENT', `there is no folder ${folder}: create it or choose another path.`],
  other: (folder) => ['ENOTDIR', `${folder} is no folder: choose another path.`],
  folder: (folder) => ['EACCES', `this account may not write in ${folder}: choose another folder or start with that right.`],
} as const satisfies Record<string, (folder: string) => readonly ['ENOENT' | 'ENOTDIR' | 'EACCES', string]>;

function folderKind(path: string): keyof typeof FOLDER_FAULTS {
  try {
    return statSync(path).isDirectory() ? 'folder' : 'other';
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' ? 'missing' : code === 'ENOTDIR' ? 'other' : 'folder';
  }
}

/** What chmod and rename say, in the same form. */
function asListenError(error: unknown, target: UnixTarget): ListenError {
  if (error instanceof ListenError) return error;
  const { syscall = 'bind', errno = 0, code = builtIn('node:util').getSystemErrorName(errno) } = error as NodeJS.ErrnoException;
  return new ListenError({ operation: syscall, code, errno: Math.abs(errno), where: showTarget(target), cause: error });
}
