import { availableParallelism } from 'node:os';
import type { Clock } from '../clock.js';
import { openFilesLimit } from '../open-files.js';
import type { ResolvedOptions } from '../options/resolve.js';
import { watchAcceptQueue, type AcceptQueue } from './accept-queue.js';
import type { Emit } from './events.js';
import type { ListeningSocket } from './listening-socket.js';
import type { Outbox } from './outbox.js';
import { pinRelease, type Release, type ReleaseSource } from './release.js';
import { Releases } from './releases.js';
import { Supervisor, type SupervisorParts } from './supervisor.js';
import { TicketKeys } from './ticket-keys.js';
import type { Spawn, SpawnOptions } from './worker-process.js';

/** What the pool of a server is made of. */
export interface PoolParts extends Pick<SupervisorParts, 'accepting' | 'broken' | 'isShared' | 'shutdownAsked' | 'isEnding'> {
  readonly clock: Clock;
  readonly spawn: Spawn;
  readonly spawnOptions: (captureStderr: boolean, release: Release) => SpawnOptions;
  readonly source: ReleaseSource;
  readonly socket: ListeningSocket;
  readonly outbox: Outbox;
  /** The options in force. */
  readonly options: () => ResolvedOptions;
  readonly setOptions: (options: ResolvedOptions) => void;
  /** Names of options that `configure()` has changed. */
  readonly configured: ReadonlySet<string>;
}

/** The workers of a server, and the releases that they run. */
export interface Pool {
  readonly supervisor: Supervisor;
  readonly releases: Releases;
  /** undefined if no worker can ever need them. */
  readonly ticketKeys: TicketKeys | undefined;
  readonly queue: AcceptQueue;
}

/** Puts together a pool, which has no workers yet. @throws Error if the workers' folder does not exist */
export function createPool({ socket, outbox, options, setOptions, configured, source, accepting, broken, shutdownAsked, ...parts }: PoolParts): Pool {
  const { listen, client: { tls }, process: { endsWorkers, hasOwnScript } } = options();
  const ticketKeys = tls === undefined && !hasOwnScript ? undefined : new TicketKeys(parts.clock, (keys) => { supervisor.roster.tell({ type: 'ticket-keys', keys }); });
  const queue = watchAcceptQueue({ handle: socket.handle, backlog: listen.backlog });
  const emit: Emit = (name, ...args) => { outbox.emit(name, ...args); };
  const releases = new Releases({ clock: parts.clock, pin: (number) => pinRelease(number, source), emit, configured, options, setOptions, supervisor: () => supervisor });
  const supervisor: Supervisor = new Supervisor({
    ...parts, emit, accepting, broken, shutdownAsked,
    thresholds: options(),
    address: socket.address,
    handle: socket.handle,
    queued: () => queue.queued(),
    welcome: { backlog: listen.backlog, endWithMaster: endsWorkers, get ticketKeys() { return ticketKeys?.current ?? null; } },
    holders: Math.max(2, availableParallelism()),
    openFiles: openFilesLimit(),
    random: () => Math.random(),
    isHeard: () => outbox.isHeard('worker:message'),
    served: () => { socket.close(); },
    release: releases.first,
    reloads: releases.reloads,
  });
  return { supervisor, releases, ticketKeys, queue };
}
