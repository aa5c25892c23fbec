import { builtIn } from './built-ins.js';

/** A TCP socket of this machine: what is needed of it here. */
export interface TcpRow {
  /** The state of the connection, as the table writes it (include/net/tcp_states.h). */
  readonly state: string;
  readonly localPort: number;
  /** Octets that the other side has not confirmed yet. */
  readonly unsent: number;
  /** Octets that have not been read; for a listening socket, the clients that wait to be accepted. */
  readonly unread: number;
  readonly inode: string;
}

/** The state of a listening socket. These rows come first. */
export const TCP_LISTEN = '0A';

/** How the kernel's tables are read; tests pass their own. */
export interface ProcFiles {
  /** The first bytes of a file, then the next ones at each call; empty at its end. Throws if there is no such file. */
  open(path: string): { next(): string; close(): void };
}

/** A page: what the kernel fills at once, and more than the listening sockets of most machines take. */
const CHUNK_BYTES = 4096;

const systemFiles: ProcFiles = {
  open(path) {
    const { closeSync, openSync, readSync } = builtIn('node:fs');
    const fd = openSync(path, 'r');
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    return {
      next: () => chunk.toString('latin1', 0, readSync(fd, chunk)),
      close: () => { closeSync(fd); },
    };
  },
};

/** The kernel's tables of TCP sockets (proc(5)): IPv4, and IPv6. */
export const TCP_TABLES = ['/proc/net/tcp', '/proc/net/tcp6'] as const;

/** The rows of a table, read as far as they are asked for; none if there is no /proc, or no IPv6. */
export function* tcpRows(path: (typeof TCP_TABLES)[number], files: ProcFiles = systemFiles): Generator<TcpRow, void, undefined> {
  let file: ReturnType<ProcFiles['open']> | undefined;
  try {
    file = files.open(path);
    let rest = '';
    let isHead = true;
    for (let chunk = file.next(); chunk !== ''; chunk = file.next()) {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        if (!isHead) yield parseRow(line);
        isHead = false;
      }
    }
  } catch {
    // There is no such table.
  } finally {
    file?.close();
  }
}

/** "sl local_address rem_address st tx_queue:rx_queue tr:tm->when retrnsmt uid timeout inode ..." */
function parseRow(line: string): TcpRow {
  const [, local = '', , state = '', queues = '', , , , , inode = ''] = line.trim().split(/\s+/);
  const [unsent = '', unread = ''] = queues.split(':');
  return { state, inode, localPort: fromHex(local.split(':')[1] ?? ''), unsent: fromHex(unsent), unread: fromHex(unread) };
}

const fromHex = (digits: string): number => Number.parseInt(digits, 16);

/** The inode of a socket, given its libuv handle; undefined if the handle has no descriptor, or has none any more. */
export function inodeOf(handle: unknown): string | undefined {
  const { fd } = (handle ?? {}) as { readonly fd?: unknown };
  if (typeof fd !== 'number' || fd < 0) return undefined;
  try {
    return String(builtIn('node:fs').fstatSync(fd).ino);
  } catch {
    return undefined;
  }
}
