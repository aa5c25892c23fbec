import { PERMIT_STATES } from '../policy/permits.js';
import type { PermitState } from '../policy/permits.js';
import { DRAIN_REASONS, PAUSE_REASONS } from '../policy/reasons.js';
import type { DrainReason, PauseReason } from '../policy/reasons.js';
import type { ClientChange, WorkerConfig } from '../policy/snapshot.js';
import { amount, boolean, dictionary, either, isFields, keyOf, listOf, nothing, number, parser, record, text } from './shapes.js';
import type { Shapes } from './shapes.js';

/** Raised when a message changes its meaning; a worker of another version is refused. */
export const PROTOCOL_VERSION = 3;

/** Orders, master to worker. */
export type ToWorker =
  | WelcomeOrder
  | { readonly type: 'configure'; readonly config: WorkerConfig }
  | { readonly type: 'copy' } // sent with a copy of the listening handle
  | { readonly type: 'permit'; readonly ceiling: number; readonly pulseMs: number } // may accept while it has fewer clients than the ceiling
  | { readonly type: 'withdraw' } // the permit is withdrawn
  | { readonly type: 'share'; readonly clients: number | null } // its share of MaxSession
  | { readonly type: 'ticket-keys'; readonly keys: string } // of TLS, which all workers have: base64
  | { readonly type: 'pause' }
  | { readonly type: 'resume' }
  | DrainOrder
  | { readonly type: 'stay' } // the answer to 'signalled': the pool ends in its own order, which follows
  | { readonly type: 'probe' } // answered at once by a report
  | { readonly type: 'heartbeat' }
  | { readonly type: 'message'; readonly text: string } // of the user's own, as JSON
  | { readonly type: 'answer'; readonly ask: number; readonly text: string | null; readonly refused: string | null };

/** Accept no more, and let the clients finish. A second one can only shorten it. */
export interface DrainOrder {
  readonly type: 'drain';
  readonly reason: DrainReason;
  /** How long the clients have; null = no limit. */
  readonly graceMs: number | null;
  /** How long clients in the kernel's queue are still taken, at most until it is empty. */
  readonly lastCallMs: number;
}

/** The first order to a worker: what it has to know before it starts. */
export interface WelcomeOrder {
  readonly type: 'welcome';
  readonly config: WorkerConfig;
  readonly paused: boolean;
  /** Its share of MaxSession. */
  readonly share: number | null;
  /** The length of the kernel's queue for which it asks. */
  readonly backlog: number;
  /** ShutdownChildren: it ends at once when the master is gone. */
  readonly endWithMaster: boolean;
  /** Where the server listens. */
  readonly address: ListenAddress;
  /** The keys of TLS tickets that all workers have, base64; null = not needed. */
  readonly ticketKeys: string | null;
}

/** What `address()` returns: an address and port, or the path of a Unix socket. */
export type ListenAddress = string | { readonly address: string; readonly family: string; readonly port: number };

/** Everything a worker reports about itself. Complete state, not deltas: a lost report costs nothing. */
export interface WorkerState {
  readonly clients: number;
  readonly served: number;
  /** Copies of the listening handle used up so far; those sent minus these are its stock. */
  readonly copiesUsed: number;
  readonly accepting: boolean;
  readonly permit: PermitState;
  /** Permits, withdrawals and probes received so far: by this the master knows whether the report is newer than its order. */
  readonly ordersSeen: number;
  readonly paused: readonly PauseReason[];
  /** The intervals of its reports (ServerHeartBeatTime) and of its pulse that it currently keeps to, in milliseconds. */
  readonly reportMs: number;
  readonly pulseMs: number;
  /** The share of MaxSession it keeps to, as last ordered; null = unlimited. */
  readonly share: number | null;
  /** It has permanently stopped accepting. */
  readonly draining: boolean;
}

/** Memory and event-loop delay of a worker, sent with each heartbeat. */
export interface WorkerVitals {
  /** Resident set size in bytes. */
  readonly rss: number;
  readonly heapUsed: number;
  /** How late its last heartbeat timer fired, in milliseconds. */
  readonly loopDelayMs: number;
}

/** An error that happened in a worker, fit to be sent. */
export interface WorkerErrorReport {
  readonly name: string;
  readonly message: string;
  readonly stack?: string | undefined;
  readonly code?: string | undefined;
  /** Where: the callback's name, or 'put', 'uncaught' … */
  readonly where: string;
}

/** Facts, worker to master. */
export type ToMaster =
  | { readonly type: 'loaded'; readonly made: readonly string[] } // its script has loaded this library; servers of other names that it has made
  | { readonly type: 'hello'; readonly version: number }
  | { readonly type: 'ready'; readonly options: Readonly<Record<string, string>> } // what its script gave, as JSON
  | { readonly type: 'pulse' } // its event loop turns; nothing has changed
  | { readonly type: 'state'; readonly state: WorkerState }
  | { readonly type: 'heartbeat'; readonly state: WorkerState; readonly vitals: WorkerVitals }
  | { readonly type: 'draining'; readonly reason: DrainReason; readonly graceMs?: number | null | undefined } // how long its clients have, if it has not been ordered to; null = as long as they like
  | { readonly type: 'signalled' } // it got SIGTERM, which may have gone to all processes of the pool
  | { readonly type: 'failed'; readonly error: WorkerErrorReport }
  | { readonly type: 'boot-failed'; readonly error: WorkerErrorReport }
  | { readonly type: 'listen-failed'; readonly code: string; readonly message: string }
  | { readonly type: 'shutdown-all' }
  | { readonly type: 'message'; readonly text: string; readonly ask: number | null } // of the user's own, as JSON; null = no answer is awaited
  | { readonly type: 'broadcast'; readonly text: string };

// Everything of ours travels under one key and carries the secret of the server's mark, which only the master and its workers
// know. A message without it is a stranger's or the user's, whatever it looks like: clients' words may be relayed as they are.
const KEY = 'prefork-tcp-server';

/** Wraps a message for the channel. */
export const envelope = (message: ToWorker | ToMaster, token: string): object => ({ [KEY]: { ...message, token } });

/** Whether a message is one of ours, well formed or not. */
export const isOurs = (message: unknown, token: string): boolean => unwrap(message)?.['token'] === token;

/** Whether a message is the welcome of a master, but of another server's. */
export const isForeignWelcome = (message: unknown, token: string): boolean => {
  const fields = unwrap(message);
  return fields?.['type'] === 'welcome' && fields['token'] !== token;
};

/** The version of the protocol in the first message of a worker that does not know about tokens; undefined if it is something else. */
export function foreignVersion(message: unknown): number | undefined {
  const fields = unwrap(message);
  return fields?.['type'] === 'hello' && typeof fields['version'] === 'number' ? fields['version'] : undefined;
}

const limit = either(amount, nothing(null));
const optionalLimit = either(limit, nothing(undefined));
const client = record<ClientChange>({ callbackMs: optionalLimit, maxOutput: optionalLimit, blockList: either(listOf(text), nothing(undefined)), tls: either(text, nothing(undefined)) });
const config = record<WorkerConfig>({
  heartbeatMs: amount, graceMs: limit, maxClients: limit, concurrency: limit, maxServed: limit, client: either(client, nothing(undefined)),
});
const address = either(text, record<Exclude<ListenAddress, string>>({ address: text, family: text, port: amount }));
const drainReason = keyOf(DRAIN_REASONS);
const state = record<WorkerState>({
  clients: amount, served: amount, copiesUsed: amount, accepting: boolean, permit: keyOf(PERMIT_STATES), ordersSeen: amount,
  paused: listOf(keyOf(PAUSE_REASONS)), reportMs: amount, pulseMs: amount, share: limit, draining: boolean,
});
const vitals = record<WorkerVitals>({ rss: amount, heapUsed: amount, loopDelayMs: amount });
const optional = either(text, nothing(undefined));
const error = record<WorkerErrorReport>({ name: text, message: text, stack: optional, code: optional, where: text });

/** The check of each field of each order. */
export const TO_WORKER: Shapes<ToWorker> = {
  welcome: { config, paused: boolean, share: limit, backlog: amount, endWithMaster: boolean, address, ticketKeys: either(text, nothing(null)) },
  configure: { config },
  copy: {},
  permit: { ceiling: amount, pulseMs: amount },
  withdraw: {},
  share: { clients: limit },
  'ticket-keys': { keys: text },
  pause: {},
  resume: {},
  drain: { reason: drainReason, graceMs: limit, lastCallMs: amount },
  stay: {},
  probe: {},
  heartbeat: {},
  message: { text },
  answer: { ask: amount, text: either(text, nothing(null)), refused: either(text, nothing(null)) },
};

/** The check of each field of each fact. */
export const TO_MASTER: Shapes<ToMaster> = {
  loaded: { made: listOf(text) },
  hello: { version: number },
  ready: { options: dictionary },
  pulse: {},
  state: { state },
  heartbeat: { state, vitals },
  draining: { reason: drainReason, graceMs: optionalLimit },
  signalled: {},
  failed: { error },
  'boot-failed': { error },
  'listen-failed': { code: text, message: text },
  'shutdown-all': {},
  message: { text, ask: limit },
  broadcast: { text },
};

const toOrder = parser(TO_WORKER);
const toFact = parser(TO_MASTER);

/** Returns the order in a message, or undefined if there is none (it may be the user's). */
export const parseToWorker = (message: unknown, token: string): ToWorker | undefined => (isOurs(message, token) ? toOrder(unwrap(message)) : undefined);

/** Returns the fact in a message, or undefined if there is none (it may be the user's). */
export const parseToMaster = (message: unknown, token: string): ToMaster | undefined => (isOurs(message, token) ? toFact(unwrap(message)) : undefined);

function unwrap(message: unknown): Readonly<Record<string, unknown>> | undefined {
  const inner = isFields(message) ? message[KEY] : undefined;
  return isFields(inner) ? inner : undefined;
}
