import { lstatSync, renameSync, unlinkSync } from 'node:fs';
import * as net from 'node:net';
import { constants } from 'node:os';
import { resolve } from 'node:path';

/** The file of a Unix socket, as numbers that JSON can carry whole. */
export interface SocketFile {
  /** Absolute: the working directory may change before it is removed. */
  readonly path: string;
  readonly dev: string;
  readonly ino: string;
}

/** How to make a socket that can be given a name. */
export interface SocketMaker<Made> {
  /** Binds at the name, gives the file its mode, and listens. @throws the system's error, with nothing left open */
  readonly make: (name: string) => Made | Promise<Made>;
  readonly close: (made: Made) => void;
}

/** The bytes that an abstract name may have, its first NUL included: sun_path of sockaddr_un (unix(7)). */
export const LONGEST_NAME: number = process.platform === 'linux' ? 108 : 104;
/** The bytes that a path may have: the terminating NUL and `~` have to fit in, too. */
export const LONGEST_PATH: number = LONGEST_NAME - 2;

/** The name that a socket is bound with. */
export const beside = (path: string): string => `${path}~`;

/**
 * Makes a socket at `path~`, and renames it to `path`.
 *
 * libuv unlinks the name that a handle was bound to when the handle is closed and when the process ends (src/unix/pipe.c),
 * whatever file has that name by then: a successor's, or after a chdir a stranger's. By then no file is named `path~`. A
 * rename is atomic, so clients find either the old socket or the new one, with its permissions; and `path~` is a lock: of
 * two servers that start together, one finds it taken.
 *
 * @throws the system's error with the path as its `address`; EADDRINUSE if some process listens there, or if it is a file of another kind
 */
export async function placeSocket<Made>(given: string, maker: SocketMaker<Made>): Promise<{ readonly made: Made; readonly file: SocketFile }> {
  const path = resolve(given);
  try {
    checkLength(path, LONGEST_PATH);
    for (let tries = 1; ; tries++) {
      const made = await makeBeside(path, maker);
      try {
        if (await isTaken(path)) throw refusal('EADDRINUSE', path);
        renameSync(beside(path), path);
        const { dev, ino } = lstatSync(path, { bigint: true });
        return { made, file: { path, dev: String(dev), ino: String(ino) } };
      } catch (error) {
        maker.close(made);
        // A server that has just ended has removed `path~`.
        if (codeOf(error) !== 'ENOENT' || tries === MOST_TRIES) throw error;
      }
    }
  } catch (error) {
    throw Object.assign(error as Error, { address: path });
  }
}

/** @throws ENAMETOOLONG: Node before 22 cuts a longer name and binds what is left */
export function checkLength(name: string, longest: number): void {
  if (Buffer.byteLength(name) > longest) throw refusal('ENAMETOOLONG', name);
}

/**
 * Removes the file of a socket, if the file at its path is still the same by device and inode: another server may have taken
 * over the path meanwhile.
 */
export function removeFile({ path, dev, ino }: SocketFile): void {
  try {
    const now = lstatSync(path, { bigint: true, throwIfNoEntry: false });
    if (String(now?.ino) === ino && String(now?.dev) === dev) unlinkSync(path);
  } catch {
    // The folder may have changed owner. A file that stays behind is stale, and the next server replaces it.
  }
}

const MOST_TRIES = 3;

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;

/** Makes it at `path~`: from then on others see that the path is not stale. */
async function makeBeside<Made>(path: string, { make }: SocketMaker<Made>): Promise<Made> {
  const name = beside(path);
  try {
    return await make(name);
  } catch (error) {
    if (codeOf(error) !== 'EADDRINUSE' || await isTaken(name)) throw error;
  }
  // Left by a server that was killed while binding.
  unlinkSync(name);
  return make(name);
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
    // EAGAIN: its queue is full. ENOENT: it has since gone.
    probe.once('error', ({ code }: NodeJS.ErrnoException) => { taken(code !== 'ECONNREFUSED' && code !== 'ENOENT'); });
  });
}

const refusal = (code: 'EADDRINUSE' | 'ENAMETOOLONG', path: string): Error => (
  Object.assign(new Error(`bind ${code} ${path}`), { code, errno: -constants.errno[code], syscall: 'bind' })
);
