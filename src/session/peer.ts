import { isIP } from 'node:net';
import type { Socket } from 'node:net';
import { isThenable, showRefused } from '../checks.js';
import type { Heap } from '../client.js';
import { PreforkError } from '../errors.js';
import type { ProxyHeader } from '../proxy/header.js';

/** Where a connection comes from; if there is a balancer, according to that. */
export interface Peer {
  /** undefined for a Unix socket, and for a connection that was reset before it was taken. */
  readonly address: string | undefined;
  readonly port: number | undefined;
  /** What its balancer said. */
  readonly proxy?: ProxyHeader | undefined;
}

/** The other end of a socket. */
export const peerOf = ({ remoteAddress, remotePort }: Socket): Peer => ({ address: remoteAddress, port: remotePort });

/** The client that a header names; the connection's own end if it names none. */
export const clientOf = (own: Peer, proxy: ProxyHeader): Peer => ({ ...own, ...proxy.source, proxy });

/** What heaps are made from. */
export interface HeapParts {
  readonly alias: string;
  readonly masterAlias: string;
  readonly shutdownOnError: boolean;
  /** The user's Heap. */
  readonly createHeap: (() => unknown) | undefined;
}

/** Makes the heap of a client. @throws what the user's Heap throws; ERR_PREFORK_CALLBACK if it returns no object */
export function heapOf({ address, port, proxy }: Peer, { alias, masterAlias, shutdownOnError, createHeap }: HeapParts): Omit<Heap<object>, 'client'> {
  const host = address !== undefined && isIP(address) === 6 ? `[${address}]` : address;
  const base = {
    // Present from the start: a property added later would take memory of its own.
    client: undefined,
    remote_ip: address ?? 'LOCAL',
    remote_port: port,
    // Joined, which makes one flat string; a template of this length would keep its parts alive.
    remote_addr: host === undefined ? 'LOCAL' : [host, port].join(':'),
    proxy,
    shutdown: false,
    shutdown_on_error: shutdownOnError,
    got_an_error: false,
    alias,
    master_alias: masterAlias,
  };
  if (createHeap === undefined) return base;
  const own = createHeap();
  if (typeof own !== 'object' || own === null || isThenable(own)) throw new PreforkError('ERR_PREFORK_CALLBACK', `Heap returned ${showRefused(own)}; it must return an object, a new one for each client.`);
  return Object.assign(own, base);
}
