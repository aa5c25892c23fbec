import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { MARK } from '../mark.js';
import { TCP_LISTEN, TCP_TABLES, tcpRows } from '../tcp-table.js';

/** What to do about a port that is in use, naming the processes that hold it; undefined if /proc does not show them. */
export function portInUse(port: number): string | undefined {
  return heldBy(TCP_TABLES.flatMap((path) => [...tcpRows(path)])
    .filter(({ state, localPort }) => state === TCP_LISTEN && localPort === port)
    .map(({ inode }) => `socket:[${inode}]`));
}

/** The same for a Unix socket, by the name that it was bound with: an abstract one begins with NUL. */
export function nameInUse(name: string): string | undefined {
  const shown = name.replace('\0', '@');
  return heldBy(read('/proc/net/unix').split('\n').flatMap((line) => {
    // "Num: RefCount Protocol Flags Type St Inode Path" (proc(5)); a path may have spaces, and Node before 22 pads an abstract name with NUL.
    const [, , , flags, , , inode, ...path] = line.trim().split(' ').filter((word, index) => index > 6 || word !== '');
    return flags === UNIX_LISTEN && path.join(' ').replace(/@+$/, '') === shown ? [`socket:[${inode ?? ''}]`] : [];
  }));
}

/** __SO_ACCEPTCON of include/uapi/linux/net.h. */
const UNIX_LISTEN = '00010000';

/** @param sockets - listening sockets, as /proc/PID/fd shows them */
function heldBy(sockets: readonly string[]): string | undefined {
  const holders = holdersOf(new Set(sockets));
  const [first] = holders;
  if (first === undefined) return undefined;
  if (holders.includes(process.pid)) return '; this process listens there already: choose another Port or Address.';
  if (!holders.every(isWorker)) {
    const master = holders.find((pid) => !isWorker(pid)) ?? first;
    return `; process ${master} listens there: stop it or choose another Port or Address.`;
  }
  return `; ${holders.length === 1 ? 'worker' : 'workers'} ${holders.join(', ')} of a server that was killed still ${holders.length === 1 ? 'holds' : 'hold'} it, blocked: `
    + `end with kill -9 ${holders.join(' ')}. With HangReport such a worker ends by itself after GraceExpireTime.`;
}

/** The processes that have one of these sockets open, as far as this process may see. */
function holdersOf(sockets: ReadonlySet<string>): number[] {
  if (sockets.size === 0) return [];
  return entries('/proc').filter((name) => /^\d+$/.test(name)).map(Number).filter((pid) => holds(pid, sockets));
}

function holds(pid: number, sockets: ReadonlySet<string>): boolean {
  return entries(`/proc/${pid}/fd`).some((fd) => {
    try {
      return sockets.has(readlinkSync(`/proc/${pid}/fd/${fd}`));
    } catch {
      return false;
    }
  });
}

const isWorker = (pid: number): boolean => read(`/proc/${pid}/environ`).split('\0').some((variable) => variable.startsWith(`${MARK}=`));

/** The names in a folder; none if there is no such folder, or it belongs to another user. */
function entries(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}
