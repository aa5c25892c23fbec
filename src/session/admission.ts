import { isIP } from 'node:net';
import type { BlockList, Socket } from 'node:net';
import { showRefused } from '../checks.js';
import { PreforkError } from '../errors.js';
import { listenOnce } from './stream-entry.js';

/** Decides which connections become clients, by their address. */
export interface Admission {
  /** Whether a client of this address may come in. An admitted one counts until its connection is closed, or released. @throws what a block list of the user's own throws */
  admit(socket: Socket, address: string | undefined): boolean;
  /** A connection was given to another process, and never closes in this one. */
  release(socket: Socket): void;
  /** Changes which addresses are never admitted. Clients already admitted stay. */
  block(blocked: BlockList | undefined): void;
}

/**
 * @param blocked - addresses that are never admitted
 * @param mostPerAddress - connections of one address at once; 0 = unlimited
 */
export function createAdmission(blocked: BlockList | undefined, mostPerAddress: number): Admission {
  const counts = new Map<string, number>();
  // The address at admission: a connection that was reset no longer has one.
  const counted = new WeakMap<Socket, string>();
  const release = (socket: Socket): void => {
    const address = counted.get(socket);
    if (address === undefined) return;
    counted.delete(socket);
    const left = (counts.get(address) ?? 1) - 1;
    if (left > 0) counts.set(address, left);
    else counts.delete(address);
  };
  let isOpen = blocked === undefined && mostPerAddress === 0;
  return {
    block(changed) {
      blocked = changed;
      isOpen = blocked === undefined && mostPerAddress === 0;
    },
    admit(socket, address) {
      if (isOpen) return true;
      // A Unix socket has no addresses: its clients do not come over a network.
      if (address === undefined) return true;
      if (blocked !== undefined && isBlocked(blocked, address)) return false;
      if (mostPerAddress === 0) return true;
      const count = (counts.get(address) ?? 0) + 1;
      if (count > mostPerAddress) return false;
      counts.set(address, count);
      counted.set(socket, address);
      listenOnce(socket, 'close', { crashed: () => undefined }, () => { release(socket); });
      return true;
    },
    release,
  };
}

/** Asks the block list, which may be an object of the user's: one that gives no clear answer must not let anyone in. */
function isBlocked(list: BlockList, address: string): boolean {
  const answer: unknown = list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
  if (typeof answer === 'boolean') return answer;
  throw new PreforkError('ERR_PREFORK_CALLBACK', `check of BlockList returned ${showRefused(answer)}; it must return true or false.`);
}
