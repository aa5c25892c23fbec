import type { AsyncResource } from 'node:async_hooks';
import type { Clock } from '../clock.js';
import type { ClientConfig as Resolved } from '../options/client-part.js';
import type { TlsConfig } from '../options/tls.js';
import type { EventQueue } from './event-queue.js';
import type { Turns } from './turns.js';
import type { UnsentOutput } from './unsent-output.js';

/** The user's callbacks of one client. */
export type SessionCallbacks = Resolved['callbacks'];

/** How clients are served: the part of the options that a session needs, whatever pool it is in. */
export interface ClientConfig extends Pick<
  Resolved, 'callbacks' | 'acceptor' | 'preConnect' | 'preConnectMs' | 'clientArgs' | 'marks' | 'createFilters' | 'shutdownOnError' | 'idleMs'
> {
  /** Makes the user's own fields of one client's heap. */
  readonly createHeap?: (() => object) | undefined;
  /** ClientCallbackTimeout at the start. */
  readonly callbackMs?: number;
  /** The option Proxy; undefined: clients connect themselves. */
  readonly proxy?: Resolved['proxy'];
  /** MaxOutput at the start. */
  readonly maxOutput?: number;
  /** Tls at the start. */
  readonly tls?: TlsConfig | undefined;
}

/** What may change while clients are connected. */
export interface ClientLimits {
  /** ClientCallbackTimeout; Infinity = off. */
  readonly callbackMs: number;
  /** MaxOutput; Infinity = no bound. */
  readonly maxOutput: number;
}

export const DEFAULT_LIMITS: ClientLimits = { callbackMs: Infinity, maxOutput: 16 * 1024 * 1024 };

/** What all sessions of a worker share. */
export interface Common {
  readonly config: Pick<ClientConfig, 'callbacks' | 'clientArgs' | 'marks' | 'createFilters' | 'idleMs'>;
  readonly clock: Clock;
  readonly queue: EventQueue;
  /** The current limits. */
  readonly limits: () => ClientLimits;
  /** The async context that belongs to no client. */
  readonly scope: AsyncResource;
  readonly turns: Turns;
  readonly unsent: UnsentOutput;
}
