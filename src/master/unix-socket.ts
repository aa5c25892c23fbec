import { chmodSync, lstatSync, statSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, resolve } from 'node:path';
import { builtIn } from '../built-ins.js';
import { beside, checkLength, LONGEST_NAME, LONGEST_PATH, placeSocket, type SocketFile } from '../unix-path.js';
import { codeListenError, ListenError, systemListenError } from './listen-error.js';
import { isAbstract, showTarget, type ListenTarget } from './listen-target.js';
import { holdQueue, type CreateHandle, type NativeHandle } from './native-handle.js';
import { nameInUse } from './port-holders.js';

/** A listening Unix socket. */
export interface BoundUnixSocket {
  readonly handle: NativeHandle;
  /** The file that was made; undefined for an abstract name, which vanishes with its socket. */
  readonly file: SocketFile | undefined;
}

type UnixTarget = ListenTarget & { kind: 'unix' };

/** Binds the pool's Unix socket, and makes it listen. @throws ListenError */
export async function bindUnix(target: UnixTarget, backlog: number, createHandle: CreateHandle): Promise<BoundUnixSocket> {
  const make = (name: string): NativeHandle => listenAt(name, target.mode, backlog, createHandle);
  try {
    if (isAbstract(target)) {
      checkLength(target.path, LONGEST_NAME);
      return { handle: make(target.path), file: undefined };
    }
    const { made, file } = await placeSocket(target.path, { make, close: (handle) => { handle.close(); } });
    return { handle: made, file };
  } catch (error) {
    throw pathListenError(error, target.path, showTarget(target));
  }
}

function listenAt(name: string, mode: number | undefined, backlog: number, createHandle: CreateHandle): NativeHandle {
  const handle = createHandle(name, -1, -1);
  if (typeof handle === 'number') throw systemError('bind', handle);
  try {
    if (mode !== undefined) chmodSync(name, mode);
    const status = holdQueue(handle, backlog);
    if (status < 0) throw systemError('listen', status);
    return handle;
  } catch (error) {
    handle.close();
    throw error;
  }
}

function systemError(syscall: string, errno: number): Error {
  const code = builtIn('node:util').getSystemErrorName(errno);
  return Object.assign(new Error(`${syscall} ${code}`), { code, errno, syscall });
}

/** The system's error for a Unix socket at a path, with what can be done about it. */
export function pathListenError(error: unknown, given: string, where: string): ListenError {
  const { syscall = 'bind', errno = 0, code = builtIn('node:util').getSystemErrorName(errno) } = error as NodeJS.ErrnoException;
  const isNew = syscall === 'bind' || syscall === 'listen';
  const isName = given.startsWith('\0');
  const path = isName ? given : resolve(given);
  if (code === 'ENAMETOOLONG') {
    const [what, longest, shown] = isName ? ['an abstract address', LONGEST_NAME, 'this one'] : ['the path of a Unix socket', LONGEST_PATH, path];
    const advice = `; ${what} may have ${longest} bytes on this system, and ${shown} has ${Buffer.byteLength(path)}: choose a shorter one.`;
    return codeListenError({ operation: syscall, code, errno, where, advice });
  }
  const isUsed = code === 'EADDRINUSE';
  if (isName) return systemListenError(syscall, errno, where, isUsed ? nameInUse(given) : undefined);
  // libuv reports EACCES for a missing folder, as Windows does (src/unix/pipe.c).
  if (isNew && (code === 'EACCES' || code === 'ENOTDIR')) {
    const folder = dirname(path);
    const [reason, advice] = FOLDER_FAULTS[folderKind(folder)](folder);
    return codeListenError({ operation: syscall, code: reason, errno: constants.errno[reason], where, advice: `; ${advice}` });
  }
  const other = isUsed ? [path, beside(path)].find(isNoSocket) : undefined;
  const advice = other !== undefined ? `; ${other} is not a socket, and is left alone: remove it or choose another path.`
    : isUsed ? nameInUse(beside(path)) ?? nameInUse(path) : undefined;
  return new ListenError({ operation: syscall, code, errno: Math.abs(errno), where, advice, cause: error });
}

const isNoSocket = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false })?.isSocket() === false;

const FOLDER_FAULTS = {
  missing: (folder) => ['ENOENT', `there is no folder ${folder}: create it or choose another path.`],
  other: (folder) => ['ENOTDIR', `${folder} is not a folder: choose another path.`],
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
