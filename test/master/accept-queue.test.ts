import { describe, expect, it } from 'vitest';
import { queueLength } from '../../src/master/accept-queue.js';
import type { ProcFiles } from '../../src/tcp-table.js';

const HEAD = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n';
const row = (state: string, queued: number, inode: number): string => (
  `   1: 0100007F:A0C5 00000000:0000 ${state} 00000000:${queued.toString(16).toUpperCase().padStart(8, '0')} 00:00000000 00000000     0        0 ${inode} 1 000000009658ab12 100 0 0 10 0\n`
);

/** Files in memory, read in small pieces; notes how much of each was read and that it was closed. */
function files(contents: Record<string, string>): ProcFiles & { readonly read: Record<string, number>; open(path: string): ReturnType<ProcFiles['open']>; opened: number } {
  const all = {
    read: {} as Record<string, number>,
    opened: 0,
    open(path: string) {
      const content = contents[path];
      if (content === undefined) throw new Error(`ENOENT ${path}`);
      let at = 0;
      all.opened += 1;
      return {
        next: () => {
          const piece = content.slice(at, at + 50);
          at += piece.length;
          all.read[path] = at;
          return piece;
        },
        close: () => { all.opened -= 1; },
      };
    },
  };
  return all;
}

describe('queueLength', () => {
  it('finds the socket by its inode', () => {
    const proc = files({ '/proc/net/tcp': HEAD + row('0A', 3, 70) + row('0A', 37, 71) + row('0A', 5, 72) });

    expect([queueLength('71', proc), proc.opened]).toEqual([37, 0]);
  });

  it('finds an IPv6 socket, and does without IPv4', () => {
    expect(queueLength('71', files({ '/proc/net/tcp': HEAD + row('0A', 3, 70), '/proc/net/tcp6': HEAD + row('0A', 1, 71) }))).toBe(1);
    expect(queueLength('71', files({ '/proc/net/tcp6': HEAD + row('0A', 1, 71) }))).toBe(1);
  });

  it('reads no further than the listening sockets, which come first', () => {
    const proc = files({ '/proc/net/tcp': HEAD + row('0A', 3, 70) + row('01', 0, 80).repeat(1000) + row('0A', 9, 71), '/proc/net/tcp6': HEAD });

    expect(queueLength('71', proc)).toBeUndefined();
    expect(proc.read['/proc/net/tcp']).toBeLessThan(600);
    expect(proc.opened).toBe(0);
  });

  it('knows nothing where the kernel has no such table', () => {
    expect(queueLength('71', files({}))).toBeUndefined();
  });
});
