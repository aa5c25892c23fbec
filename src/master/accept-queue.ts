import { closeSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs';

/** Clients that have connected and wait to be accepted: in the kernel, on the pool's socket. */
export interface AcceptQueue {
  /** Clients waiting now; undefined where the kernel does not say: Unix sockets, no /proc, not listening yet or any more. */
  queued(): number | undefined;
  /** How many may wait: Backlog, cut by the kernel's somaxconn. */
  readonly limit: number;
}

/** How the kernel's tables are read, so that tests can bring their own. */
export interface ProcFiles {
  /** The first bytes of a file, then the next ones at each call; empty at its end. Throws if there is no such file. */
  open(path: string): { next(): string; close(): void };
}

/** A page: what the kernel fills at once, and more than the listening sockets of most machines take. */
const CHUNK_BYTES = 4096;

const systemFiles: ProcFiles = {
  open(path) {
    const fd = openSync(path, 'r');
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    return {
      next: () => chunk.toString('latin1', 0, readSync(fd, chunk)),
      close: () => { closeSync(fd); },
    };
  },
};

/** Watches the queue of a listening socket, given its libuv handle. */
export function watchAcceptQueue({ handle, backlog }: { readonly handle: unknown; readonly backlog: number }): AcceptQueue {
  return {
    limit: Math.min(backlog, readSomaxconn()),
    queued() {
      const inode = inodeOf(handle);
      return inode === undefined ? undefined : queueLength(inode, systemFiles);
    },
  };
}

/** The socket's inode; undefined if the handle has no descriptor, or no more. */
function inodeOf(handle: unknown): string | undefined {
  const { fd } = handle as { readonly fd?: unknown };
  if (typeof fd !== 'number' || fd < 0) return undefined;
  try {
    return String(fstatSync(fd).ino);
  } catch {
    return undefined;
  }
}

function readSomaxconn(): number {
  try {
    const limit = Number(readFileSync('/proc/sys/net/core/somaxconn', 'utf8'));
    return limit > 0 ? limit : Infinity;
  } catch {
    return Infinity;
  }
}

/**
 * The length of a TCP socket's accept queue: rx_queue of its row in /proc/net/tcp or tcp6 (proc(5); for a listening
 * socket the kernel puts sk_ack_backlog there, net/ipv4/tcp_ipv4.c get_tcp4_sock). Undefined if no row has the inode.
 */
export function queueLength(inode: string, files: ProcFiles): number | undefined {
  for (const path of ['/proc/net/tcp', '/proc/net/tcp6']) {
    try {
      const found = findListener(inode, files.open(path));
      if (found !== undefined) return found;
    } catch {
      // No /proc, or no IPv6: there is nothing to be found.
    }
  }
  return undefined;
}

/** The state of a socket that listens, as /proc/net/tcp writes it (include/net/tcp_states.h). */
export const TCP_LISTEN = '0A';

function findListener(inode: string, file: ReturnType<ProcFiles['open']>): number | undefined {
  try {
    let rest = '';
    let isHead = true;
    for (;;) {
      const chunk = file.next();
      if (chunk === '') return undefined;
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        // "sl local_address rem_address st tx_queue:rx_queue tr:tm->when retrnsmt uid timeout inode ..."
        const [, , , state, queues, , , , , socketInode] = line.trim().split(/\s+/);
        if (isHead) isHead = false;
        // Listening sockets come first: with 20,000 clients, 0.3 ms instead of 42 ms for the whole file.
        else if (state !== TCP_LISTEN) return undefined;
        else if (socketInode === inode) return Number.parseInt(queues?.split(':')[1] ?? '0', 16);
      }
    }
  } finally {
    file.close();
  }
}
