import { readFileSync } from 'node:fs';
import { inodeOf, TCP_LISTEN, TCP_TABLES, tcpRows, type ProcFiles } from '../tcp-table.js';

/** Clients that have connected and wait to be accepted: in the kernel, on the pool's socket. */
export interface AcceptQueue {
  /** Clients waiting now; undefined if that is unknown: Unix sockets, no /proc, not listening yet or no longer. */
  queued(): number | undefined;
  /** How many may wait: Backlog, cut by the kernel's somaxconn. */
  readonly limit: number;
}

/** Watches the queue of a listening socket, given its libuv handle. */
export function watchAcceptQueue({ handle, backlog }: { readonly handle: unknown; readonly backlog: number }): AcceptQueue {
  return {
    limit: Math.min(backlog, readSomaxconn()),
    queued() {
      const inode = inodeOf(handle);
      return inode === undefined ? undefined : queueLength(inode);
    },
  };
}

function readSomaxconn(): number {
  try {
    const limit = Number(readFileSync('/proc/sys/net/core/somaxconn', 'utf8'));
    return limit > 0 ? limit : Infinity;
  } catch {
    return Infinity;
  }
}

/** The length of a TCP socket's accept queue (the kernel's sk_ack_backlog, net/ipv4/tcp_ipv4.c get_tcp4_sock); undefined if no row has the inode. */
export function queueLength(inode: string, files?: ProcFiles): number | undefined {
  for (const path of TCP_TABLES) {
    for (const row of tcpRows(path, files)) {
      // With 20,000 clients, 0.3 ms instead of 42 ms for the whole file.
      if (row.state !== TCP_LISTEN) break;
      if (row.inode === inode) return row.unread;
    }
  }
  return undefined;
}
