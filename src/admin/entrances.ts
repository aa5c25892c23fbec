import { chmodSync, lstatSync, renameSync, statSync, unlinkSync } from 'node:fs';
import { connect, type AddressInfo, type Server } from 'node:net';
import { constants } from 'node:os';
import { resolve } from 'node:path';

/** A way in that is open. */
export interface OpenEntrance {
  /** The port, or the path. */
  readonly where: number | string;
  /** Closes it; open connections go on. */
  close(): void;
}

/** Listens on a TCP port. @throws the system's error */
export async function openPort(server: Server, { port, address }: { readonly port: number; readonly address: string }): Promise<OpenEntrance> {
  await listening(server, () => server.listen({ port, host: address }));
  return { where: (server.address() as AddressInfo).port, close: () => { server.close(); } };
}

/**
 * Listens on a Unix socket that only its owner may open. It is bound beside its path, given its mode and only then
 * moved there: there is no moment in which others could connect, a stale file is replaced, and the file of a server that
 * has taken the path over since is left alone.
 *
 * @throws the system's error; EADDRINUSE if somebody listens there, or the path is a file of another kind
 */
export async function openPath(server: Server, given: string): Promise<OpenEntrance> {
  // The working directory may have changed by the time the file is removed.
  const path = resolve(given);
  // Node before 22 cuts a longer path and binds what is left.
  if (Buffer.byteLength(path) > LONGEST_PATH) throw refusal('ENAMETOOLONG', path);
  if (await isTaken(path)) throw refusal('EADDRINUSE', path);
  const beside = `${path}~${process.pid}`;
  await listening(server, () => server.listen(beside));
  chmodSync(beside, 0o600);
  renameSync(beside, path);
  const { dev, ino } = statSync(path);
  return {
    where: path,
    close: () => {
      server.close();
      removeIf(path, (found) => found.dev === dev && found.ino === ino);
    },
  };
}

/** The bytes that a path may have: sun_path of sockaddr_un (unix(7)) without its NUL and what is put behind it at the bind. */
const LONGEST_PATH = (process.platform === 'linux' ? 108 : 104) - 1 - '~4194304'.length;

const refusal = (code: 'EADDRINUSE' | 'ENAMETOOLONG', address: string): Error => (
  Object.assign(new Error(`listen ${code} ${address}`), { code, errno: -constants.errno[code], syscall: 'listen', address })
);

async function listening(server: Server, listen: () => unknown): Promise<void> {
  await new Promise<void>((onListening, onError) => {
    server.once('error', onError);
    server.once('listening', () => {
      server.off('error', onError);
      // What fails later is one connection that could not be accepted (EMFILE): the next may be.
      server.on('error', () => undefined);
      onListening();
    });
    listen();
  });
}

/** Whether a path is anything but free or the socket of a server that ended without removing it. */
async function isTaken(path: string): Promise<boolean> {
  const file = lstatSync(path, { throwIfNoEntry: false });
  if (file?.isSocket() !== true) return file !== undefined;
  return new Promise((onAnswer) => {
    const probe = connect(path);
    probe.once('connect', () => {
      probe.destroy();
      onAnswer(true);
    });
    probe.once('error', () => { onAnswer(false); });
  });
}

function removeIf(path: string, isOurs: (found: { dev: number; ino: number }) => boolean): void {
  try {
    if (isOurs(lstatSync(path))) unlinkSync(path);
  } catch {
    // It has gone already.
  }
}
