import { chmodSync, lstatSync, renameSync, statSync, unlinkSync } from 'node:fs';
import { connect, type AddressInfo, type Server } from 'node:net';
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
 * @throws the system's error; EADDRINUSE if somebody listens there
 */
export async function openPath(server: Server, given: string): Promise<OpenEntrance> {
  // The working directory may have changed by the time the file is removed.
  const path = resolve(given);
  if (await isAnswered(path)) throw Object.assign(new Error(`listen EADDRINUSE: address already in use ${path}`), { code: 'EADDRINUSE' });
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

async function isAnswered(path: string): Promise<boolean> {
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
