import type { PermitState } from '../policy/permits.js';
import type { DrainReason, WorkerConfig } from '../policy/snapshot.js';

/** Raised when a message changes its meaning; a worker of another version is refused. */
export const PROTOCOL_VERSION = 1;

/** Orders, master to worker. */
export type ToWorker =
  | WelcomeOrder
  | { readonly type: 'configure'; readonly config: WorkerConfig }
  | { readonly type: 'copy' } // sent with a copy of the listening handle
  | { readonly type: 'permit'; readonly credit: number | null } // may accept so many more clients than leave; null = any number
  | { readonly type: 'withdraw' } // the permit is taken back
  | { readonly type: 'limit'; readonly clients: number | null } // its share of MaxSession
  | { readonly type: 'pause' }
  | { readonly type: 'resume' }
  | { readonly type: 'drain'; readonly reason: DrainReason; readonly graceMs: number | null }
  | { readonly type: 'heartbeat' };

/** The first order to a worker: who speaks, and what it has to know before it starts. */
export interface WelcomeOrder {
  readonly type: 'welcome';
  /** The secret of the server's mark: only its master knows it. */
  readonly token: string;
  readonly config: WorkerConfig;
  readonly paused: boolean;
  /** Its share of MaxSession. */
  readonly limit: number | null;
  /** Length of the kernel's queue that it asks for. */
  readonly backlog: number;
  /** ShutdownChildren: it ends at once when the master is gone. */
  readonly endWithMaster: boolean;
  /** Where the server listens. */
  readonly address: ListenAddress;
}

/** What `address()` returns: an address and port, or the path of a Unix socket. */
export type ListenAddress = string | { readonly address: string; readonly family: string; readonly port: number };

/** Why a worker that has a permit does not accept. The reasons are independent: ending one does not end another. */
export type PauseReason =
  | 'paused' // pause() of the master
  | 'asked' // 'pause' posted by one of its callbacks
  | 'limit' // MaxSessionPerServer
  | 'concurrency' // Concurrency
  | 'pool-limit' // its share of MaxSession
  | 'lifetimes' // MaxServerLifeTimes
  | 'descriptors'; // it is close to its limit of open files

/** The whole of what a worker has to say of itself. State, not deltas: a lost report costs nothing. */
export interface WorkerState {
  readonly clients: number;
  readonly served: number;
  /** Copies of the listening handle used up so far; what was sent less this is its stock. */
  readonly copiesUsed: number;
  readonly accepting: boolean;
  readonly permit: PermitState;
  /** Orders about its permit that it has received: tells the master whether the report is newer than its order. */
  readonly permitOrders: number;
  readonly paused: readonly PauseReason[];
  /** It is about to run the user's code; unless it says more within moments, that code is blocking it. */
  readonly busy: boolean;
  /** The limit it keeps to, as last ordered. */
  readonly limit: number | null;
  /** It accepts no more, for good. */
  readonly draining: boolean;
}

/** Memory and event-loop delay of a worker, with each heartbeat. */
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
  | { readonly type: 'hello'; readonly version: number }
  | { readonly type: 'ready' }
  | { readonly type: 'state'; readonly state: WorkerState }
  | { readonly type: 'heartbeat'; readonly state: WorkerState; readonly vitals: WorkerVitals }
  | { readonly type: 'draining'; readonly reason: DrainReason }
  | { readonly type: 'failed'; readonly error: WorkerErrorReport }
  | { readonly type: 'boot-failed'; readonly error: WorkerErrorReport }
  | { readonly type: 'listen-failed'; readonly code: string; readonly message: string }
  | { readonly type: 'shutdown-all' };

// Everything of ours travels under one key, so that the user's own messages on the same channel pass by.
const KEY = 'prefork-tcp-server';

/** Whether a message is one of ours, well formed or not; the others are the user's. */
export const isOurs = (message: unknown): boolean => isFields(message) && KEY in message;

/** Wraps a message for the channel. */
export const envelope = (message: ToWorker | ToMaster): object => ({ [KEY]: message });

type Fields = Readonly<Record<string, unknown>>;

/** Returns the order in a message, or undefined if there is none (it may be the user's). */
export function parseToWorker(message: unknown): ToWorker | undefined {
  const fields = unwrap(message);
  if (fields === undefined) return undefined;
  switch (fields['type']) {
    case 'copy': return { type: 'copy' };
    case 'withdraw': return { type: 'withdraw' };
    case 'pause': return { type: 'pause' };
    case 'resume': return { type: 'resume' };
    case 'heartbeat': return { type: 'heartbeat' };
    case 'permit': {
      const { credit } = fields;
      return isLimit(credit) ? { type: 'permit', credit } : undefined;
    }
    case 'limit': {
      const { clients } = fields;
      return isLimit(clients) ? { type: 'limit', clients } : undefined;
    }
    case 'configure': {
      const config = parseConfig(fields['config']);
      return config && { type: 'configure', config };
    }
    case 'drain': {
      const { reason, graceMs } = fields;
      return isDrainReason(reason) && isLimit(graceMs) ? { type: 'drain', reason, graceMs } : undefined;
    }
    case 'welcome': {
      const { token, paused, limit, backlog, endWithMaster } = fields;
      const config = parseConfig(fields['config']);
      const address = parseAddress(fields['address']);
      if (config === undefined || address === undefined || typeof token !== 'string' || !isLimit(limit) || !isAmount(backlog)) return undefined;
      if (typeof paused !== 'boolean' || typeof endWithMaster !== 'boolean') return undefined;
      return { type: 'welcome', token, config, paused, limit, backlog, endWithMaster, address };
    }
    default: return undefined;
  }
}

/** Returns the fact in a message, or undefined if there is none (it may be the user's). */
export function parseToMaster(message: unknown): ToMaster | undefined {
  const fields = unwrap(message);
  if (fields === undefined) return undefined;
  switch (fields['type']) {
    case 'ready': return { type: 'ready' };
    case 'shutdown-all': return { type: 'shutdown-all' };
    case 'hello': {
      const { version } = fields;
      return typeof version === 'number' ? { type: 'hello', version } : undefined;
    }
    case 'state': {
      const state = parseState(fields['state']);
      return state && { type: 'state', state };
    }
    case 'heartbeat': {
      const state = parseState(fields['state']);
      const vitals = parseVitals(fields['vitals']);
      return state && vitals && { type: 'heartbeat', state, vitals };
    }
    case 'draining': {
      const { reason } = fields;
      return isDrainReason(reason) ? { type: 'draining', reason } : undefined;
    }
    case 'failed':
    case 'boot-failed': {
      const error = parseError(fields['error']);
      return error && { type: fields['type'], error };
    }
    case 'listen-failed': {
      const { code, message: text } = fields;
      return typeof code === 'string' && typeof text === 'string' ? { type: 'listen-failed', code, message: text } : undefined;
    }
    default: return undefined;
  }
}

function unwrap(message: unknown): Fields | undefined {
  const inner = isFields(message) ? message[KEY] : undefined;
  return isFields(inner) ? inner : undefined;
}

const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null;
const isAmount = (value: unknown): value is number => typeof value === 'number' && value >= 0;
const isLimit = (value: unknown): value is number | null => value === null || isAmount(value);
const isOptionalText = (value: unknown): value is string | undefined => value === undefined || typeof value === 'string';

function parseAddress(value: unknown): ListenAddress | undefined {
  if (typeof value === 'string') return value;
  if (!isFields(value)) return undefined;
  const { address, family, port } = value;
  return typeof address === 'string' && typeof family === 'string' && isAmount(port) ? { address, family, port } : undefined;
}

function parseConfig(value: unknown): WorkerConfig | undefined {
  if (!isFields(value)) return undefined;
  const { heartbeatMs, graceMs, maxClients, concurrency, maxServed } = value;
  if (!isAmount(heartbeatMs) || !isLimit(graceMs) || !isLimit(maxClients) || !isLimit(concurrency) || !isLimit(maxServed)) return undefined;
  return { heartbeatMs, graceMs, maxClients, concurrency, maxServed };
}

function parseState(value: unknown): WorkerState | undefined {
  if (!isFields(value)) return undefined;
  const { clients, served, copiesUsed, accepting, permit, permitOrders, paused, busy, limit, draining } = value;
  if (!isAmount(clients) || !isAmount(served) || !isAmount(copiesUsed) || !isAmount(permitOrders) || !isLimit(limit)) return undefined;
  if (typeof accepting !== 'boolean' || typeof busy !== 'boolean' || typeof draining !== 'boolean') return undefined;
  if (!isPermitState(permit) || !Array.isArray(paused) || !paused.every(isPauseReason)) return undefined;
  return { clients, served, copiesUsed, accepting, permit, permitOrders, paused, busy, limit, draining };
}

function parseVitals(value: unknown): WorkerVitals | undefined {
  if (!isFields(value)) return undefined;
  const { rss, heapUsed, loopDelayMs } = value;
  return isAmount(rss) && isAmount(heapUsed) && isAmount(loopDelayMs) ? { rss, heapUsed, loopDelayMs } : undefined;
}

function parseError(value: unknown): WorkerErrorReport | undefined {
  if (!isFields(value)) return undefined;
  const { name, message, stack, code, where } = value;
  if (typeof name !== 'string' || typeof message !== 'string' || typeof where !== 'string') return undefined;
  return isOptionalText(stack) && isOptionalText(code) ? { name, message, stack, code, where } : undefined;
}

const DRAIN_REASONS: ReadonlySet<unknown> = new Set<DrainReason>(
  ['lifetime', 'lifetimes', 'spare', 'surplus', 'expired', 'memory', 'boot', 'asked', 'shutdown'],
);
const PAUSE_REASONS: ReadonlySet<unknown> = new Set<PauseReason>(
  ['paused', 'asked', 'limit', 'concurrency', 'pool-limit', 'lifetimes', 'descriptors'],
);
const PERMIT_STATES: ReadonlySet<unknown> = new Set<PermitState>(['none', 'held', 'spent']);

const isDrainReason = (value: unknown): value is DrainReason => DRAIN_REASONS.has(value);
const isPauseReason = (value: unknown): value is PauseReason => PAUSE_REASONS.has(value);
const isPermitState = (value: unknown): value is PermitState => PERMIT_STATES.has(value);
