import { chmodSync } from 'node:fs';
import type { AddressInfo, Server } from 'node:net';
import { placeSocket, removeFile } from '../unix-path.js';

/** An open entrance. */
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
 * Listens on a Unix socket that only its owner may open, from the moment at which it has its path.
 *
 * @throws the system's error, see placeSocket()
 */
export async function openPath(server: Server, given: string): Promise<OpenEntrance> {
  const close = (): void => { server.close(); };
  const make = async (name: string): Promise<void> => {
    await listening(server, () => server.listen(name));
    try {
      chmodSync(name, 0o600);
    } catch (error) {
      close();
      throw error;
    }
  };
  const { file } = await placeSocket(given, { make, close });
  return {
    where: file.path,
    close: () => {
      removeFile(file);
      close();
    },
  };
}

async function listening(server: Server, listen: () => unknown): Promise<void> {
  await new Promise<void>((onListening, onError) => {
    const failed = (error: Error): void => {
      server.off('listening', listens);
      onError(error);
    };
    const listens = (): void => {
      server.off('error', failed);
      // A later error is about one connection that could not be accepted (EMFILE); the next may be.
      server.on('error', () => undefined);
      onListening();
    };
    server.once('error', failed);
    server.once('listening', listens);
    listen();
  });
}
