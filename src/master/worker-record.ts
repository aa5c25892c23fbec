import type { WorkerState, WorkerVitals } from '../ipc/protocol.js';
import { isComing } from '../policy/census.js';
import { FIRST_CREDIT, type CrowdCredit } from '../policy/credit.js';
import type { LimitView } from '../policy/limits.js';
import type { PermitView } from '../policy/permits.js';
import type { DrainReason, KillReason } from '../policy/reasons.js';
import { PULSE_MS, isBlocked, isHanging, type SilenceView } from '../policy/silence.js';
import type { WorkerPhase, WorkerSnapshot } from '../policy/snapshot.js';
import type { WorkerProcess } from './worker-process.js';

/** Everything the master knows about one worker. Times are the master's monotonic milliseconds. */
export interface WorkerRecord {
  /** Counts the workers of this server from 1; a pid may be reused, an id is not. */
  readonly id: number;
  /** 0 if its process could not be started. */
  readonly pid: number;
  readonly process: WorkerProcess;
  /** The release that it runs. */
  readonly release: number;
  /** It runs a release that has not proved itself yet: until then it takes no clients and does not belong to the pool. */
  trial: boolean;
  readonly bornAt: number;
  readonly bornAtWall: number;
  /** It has said hello. */
  isWelcome: boolean;
  lifeMs: number;
  phase: WorkerPhase;
  heardAt: number;
  /** `heardAt` by the wall clock, as the last status had it. */
  heardWall?: { readonly heardAt: number; readonly at: number };
  readyAt: number | undefined;
  idleSince: number | undefined;
  state: WorkerState;
  vitals: WorkerVitals | undefined;
  drain: Drain | undefined;
  /** It drains, and still takes clients that wait in the kernel's queue. */
  isLastCall: boolean;
  killed: KillReason | undefined;
  /** Copies of the listening handle sent so far. */
  copiesSent: number;
  /** Copies that it should have: the faster it uses them up, the more. */
  stock: number;
  /** When copies were last sent, and how many had been used up by then. */
  refilled: { readonly at: number; readonly copiesUsed: number };
  /** The last permit ordered; undefined = none, or it was withdrawn. */
  permit: { readonly ceiling: number; readonly pulseMs: number } | undefined;
  /** How far it may be ahead of others in a crowd. */
  credit: CrowdCredit;
  /** It has asked for a higher ceiling since this was last checked. */
  hasAsked: boolean;
  /** Permits, withdrawals and probes sent so far; and when the first unanswered one was sent, or else the last one. */
  ordersSent: number;
  askedAt: number;
  /** How long, in total, the master had not listened when the worker was born, and when it was last heard from. */
  readonly deafAtBirth: number;
  deafAtHeard: number;
  /** Its share of MaxSession as ordered last; null = unlimited. */
  shareOrdered: number | null;
  /** The error of its program that is ending it. */
  uncaught?: Error;
  /** It has not answered the master's heartbeat yet; at most one is under way. */
  heartbeatUnanswered: boolean;
}

/** Why a worker drains, whether the master itself wanted that (it also orders it for one that got SIGTERM), and until when. */
export interface Drain {
  readonly reason: DrainReason;
  readonly isOurs: boolean;
  readonly deadline: number;
}

/** What is known about a worker at its birth. */
export interface NewWorker {
  readonly process: WorkerProcess;
  readonly now: number;
  readonly wallNow: number;
  readonly lifeMs: number;
  readonly share: number | null;
  /** Default: that of the pool. */
  readonly release?: number;
  readonly trial?: boolean;
}

/** One copy to open the accept loop with, one for the next time. */
export const FIRST_STOCK = 2;

const UNHEARD: WorkerState = {
  clients: 0, served: 0, copiesUsed: 0, accepting: false, permit: 'none', ordersSeen: 0, paused: [], reportMs: 0, pulseMs: Infinity, share: 0, draining: false,
};

/** A worker's record at its birth. @param deafMs - how long, in total, the master has not listened */
export function newRecord(id: number, { process, now, wallNow, lifeMs, share, release = 1, trial = false }: NewWorker, deafMs: number): WorkerRecord {
  return {
    id, pid: process.pid, process, release, trial, bornAt: now, bornAtWall: wallNow, isWelcome: false, lifeMs, phase: 'starting', heardAt: now, readyAt: undefined,
    idleSince: now, state: UNHEARD, vitals: undefined, drain: undefined, isLastCall: false, killed: undefined, copiesSent: 0, stock: FIRST_STOCK, refilled: { at: -Infinity, copiesUsed: 0 },
    permit: undefined, credit: FIRST_CREDIT, hasAsked: false, ordersSent: 0, askedAt: now, deafAtBirth: deafMs, deafAtHeard: deafMs, shareOrdered: share, heartbeatUnanswered: false,
  };
}

/** A wall clock that differs by more than this has been set. */
const SET_MS = 1000;

/**
 * When a worker was last heard from, by the present wall clock. The two clocks are not read at the same moment and have
 * different resolutions; so unless the wall clock was set, the time stays the same until the worker is heard from again.
 */
export function heardByWall(record: WorkerRecord, { now, wallNow }: { readonly now: number; readonly wallNow: number }): number {
  const at = Math.round(wallNow - (now - record.heardAt));
  const { heardWall } = record;
  if (heardWall?.heardAt !== record.heardAt || Math.abs(heardWall.at - at) > SET_MS) record.heardWall = { heardAt: record.heardAt, at };
  return record.heardWall?.at ?? at;
}

/** A worker as the plan sees it. */
export function workerSnapshot(record: WorkerRecord, release: number, now: number): WorkerSnapshot {
  return {
    id: record.id,
    phase: record.phase,
    bornAt: record.bornAt,
    heardAt: record.heardAt,
    reportMs: record.state.reportMs,
    deafAtHeard: record.deafAtHeard,
    deafAtBirth: record.deafAtBirth,
    blocked: isHangingWorker(record, now),
    idleSince: record.idleSince,
    clients: record.state.clients,
    drainDeadline: record.drain?.deadline,
    killed: record.killed !== undefined,
    lifeMs: record.lifeMs,
    rss: record.vitals?.rss ?? 0,
    outdated: record.release !== release && !record.trial,
    trial: record.trial,
  };
}

/** A worker as the permit policy sees it. */
export function permitView(record: WorkerRecord, lateMs: number): PermitView {
  return {
    id: record.id,
    eligible: mayTakeClients(record),
    // One that may accept but does not is waiting for a copy of the handle.
    available: record.state.paused.length === 0 && (record.state.permit !== 'held' || record.state.accepting),
    clients: record.state.clients,
    ordered: record.permit !== undefined,
    ceiling: record.permit?.ceiling ?? 0,
    credit: record.credit.clients,
    askedPulseMs: record.permit?.pulseMs ?? PULSE_MS,
    permit: record.state.permit,
    ...silenceOf(record),
    lateMs,
    copies: record.copiesSent - record.state.copiesUsed,
    stock: record.stock,
  };
}

/** A worker as the policy of MaxSession sees it. */
export function limitView(record: WorkerRecord, now: number): LimitView {
  return {
    id: record.id,
    eligible: mayTakeClients(record),
    able: canUseShare(record) && !isBlockedWorker(record, now),
    armed: record.copiesSent > 0,
    clients: record.state.clients,
    ordered: record.shareOrdered ?? Infinity,
    confirmed: record.state.share ?? Infinity,
    closed: record.state.draining,
  };
}

/** Whether a worker takes clients, as far as the master knows; in the last call it does so although it drains. */
const mayTakeClients = ({ phase, isLastCall, state, killed, trial }: WorkerRecord): boolean => (phase === 'ready' || (isLastCall && !state.draining)) && killed === undefined && !trial;

/** Whether a worker will be ready to serve. */
export const isComingWorker = ({ phase, killed, trial }: WorkerRecord): boolean => isComing({ phase, killed: killed !== undefined, trial });

/** Whether a ready worker has been blocked too long to be counted on. */
export const isHangingWorker = (record: WorkerRecord, now: number): boolean => record.phase !== 'starting' && isHanging(silenceOf(record), now);

/** Whether a ready worker's event loop is blocked. */
export const isBlockedWorker = (record: WorkerRecord, now: number): boolean => record.phase !== 'starting' && isBlocked(silenceOf(record), now);

function silenceOf({ heardAt, askedAt, state, ordersSent }: WorkerRecord): SilenceView {
  return { heardAt, askedAt, pulseMs: state.pulseMs, answered: state.ordersSeen === ordersSent };
}

/** Whether at most its share of MaxSession keeps it from taking clients. */
const canUseShare = ({ state }: WorkerRecord): boolean => state.paused.every((reason) => reason === 'pool-limit');
