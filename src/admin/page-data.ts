import type { LastReload, ServerStatus, WorkerStatus } from '../status.js';

/** What a worker is doing, for the colour and letter of its cell. */
export type CellState = 'starting' | 'idle' | 'busy' | 'full' | 'paused' | 'draining' | 'hung';

/** What the page shows about a worker. Times are milliseconds since 1970, by the master's clock. */
export interface Cell {
  readonly pid: number;
  readonly id: number;
  readonly release: number;
  readonly state: CellState;
  readonly clients: number;
  readonly served: number;
  readonly startedAt: number;
  readonly heardAt: number;
  readonly rss: number | null;
  readonly delayMs: number | null;
  /** Why it does not accept, or why it drains. */
  readonly why: string;
}

/** The pool as it is now. */
export interface Board {
  readonly now: number;
  readonly alias: string;
  readonly address: string;
  readonly startedAt: number;
  readonly paused: boolean;
  readonly stopping: boolean;
  readonly reloading: boolean;
  readonly release: number;
  /** Its files have been overwritten in place: new workers may run different code. */
  readonly mixed: boolean;
  readonly lastReload: LastReload | null;
  readonly totals: ServerStatus['totals'];
  readonly limits: ServerStatus['limits'];
  readonly cells: readonly Cell[];
  readonly hangs: readonly Hang[];
}

/** Where a worker hangs. */
export interface Hang {
  readonly pid: number;
  readonly blockedFor: number;
  readonly at: number;
  /** Call frames, innermost first; empty if the thread is not in JavaScript. */
  readonly stack: readonly string[];
}

/** A line of the log. */
export interface LogLine {
  readonly at: number;
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly text: string;
}

/** Clients and queue at one moment: [milliseconds since 1970, clients, queue or null]. */
export type Sample = readonly [number, number, number | null];

/** What one viewer gets first. */
export interface Hello {
  readonly version: string;
  readonly node: string;
  readonly mayAct: boolean;
  readonly mayReload: boolean;
  /** Whether there is a token that would allow actions. */
  readonly hasToken: boolean;
}

/** A status in the form that the page needs. */
export function boardOf(status: ServerStatus, { now, hangs }: { readonly now: number; readonly hangs: readonly Hang[] }): Board {
  const { alias, address, startedAt, paused, stopping, reloading = false, release, mixed, lastReload = null, totals, limits } = status;
  const hung = new Set(hangs.map(({ pid }) => pid));
  return {
    now, alias, startedAt, paused, stopping, reloading, release, mixed, lastReload, totals, limits, hangs,
    address: address === undefined ? '' : typeof address === 'string' ? address : `${address.address}:${address.port}`,
    cells: status.workers.map((worker) => cellOf(worker, hung)),
  };
}

function cellOf(worker: WorkerStatus, hung: ReadonlySet<number>): Cell {
  const { pid, id, release, connections: clients, served, startedAt, lastHeartbeatAt: heardAt, rss = null, loopDelay: delayMs = null, drainReason, paused } = worker;
  return { pid, id, release, state: stateOf(worker, hung), clients, served, startedAt, heardAt, rss, delayMs, why: drainReason ?? paused.join(', ') };
}

/** Reasons to pause which mean that a worker has as many clients as it may have. */
const FULL = new Set(['limit', 'concurrency', 'pool-limit', 'lifetimes']);

export function stateOf({ pid, phase, paused, connections }: WorkerStatus, hung: ReadonlySet<number>): CellState {
  if (hung.has(pid)) return 'hung';
  if (phase !== 'ready') return phase;
  if (paused.some((reason) => !FULL.has(reason))) return 'paused';
  if (paused.length > 0) return 'full';
  return connections > 0 ? 'busy' : 'idle';
}
