import { IDLE_PULSE_MS, PULSE_MS, WATCHED_PULSE_MS, blockedAt, isBlocked, type SilenceView } from './silence.js';

/*
 * Who may accept: theory of operation
 *
 * Every worker has the same listening socket. A worker accepts while it has three things: a **copy** of the socket's handle,
 * open; a **permit** from the master; and no reason of its own to pause (its limits, `pause()`).
 *
 * - A **copy** is sent in advance, a small stock for each worker, since closing it is the only way to stop accepting at
 *   once, which makes limits exact. Each time a worker stops and goes on again it uses one up, and says so in its report.
 * - A **permit** names a ceiling: the number of clients up to which the worker may accept. Ceilings are the fewest clients
 *   that any able worker has, plus a **credit** (credit.ts). So no worker gets far ahead of the others, whichever of them
 *   wakes first, and the master is not asked for each client. At its ceiling a worker closes its copy and asks ('spent').
 *   The master raises the ceiling, or answers with the old one ('full'): then the worker waits until a client of its own
 *   leaves, or until the others have caught up and its ceiling is raised.
 * - A **share** (limits.ts) is a worker's part of MaxSession, which is absolute and independent of all this.
 *
 * Normally every worker has a permit. While short-lived clients come in a crowd, waking all workers for each client costs more
 * than the work itself: then only a few **holders** have one, and the others wait without. Each holder learns a credit of its own:
 * larger while the clients that it takes leave again, small when they stay.
 *
 * What if a worker stops? When every worker holds a permit, that does no harm: the others have the socket open and take the
 * clients. Two cases are left. Stopped workers with few clients keep the ceilings of the others low: so while any worker waits
 * at its ceiling, one of those that may accept is the **sentinel** and pulses every 20 ms (every 200 ms while it has no
 * client). When it falls silent, all others that may accept are asked for a sign of life, and those that give none no longer
 * count. And in a crowd all holders may stop: each of them pulses every 20 ms, and when none is left, all workers get a permit
 * at once; the first to confirm keep it (silence.ts).
 *
 * What if the master stops? A worker that has asked and is not answered within 50 ms raises its ceiling by itself: by a
 * credit each time, and after a second without an answer by twice as much each time. One that was answered 'full' asks again
 * every second, since the workers that it waits for may die meanwhile. Limits and shares are never raised like that.
 */

/** Whether a worker may accept. */
export const PERMIT_STATES = {
  none: 'has no permit',
  held: 'may accept',
  spent: 'is at its ceiling and has asked for a higher one',
  full: 'is at its ceiling and has to wait',
} as const;

export type PermitState = keyof typeof PERMIT_STATES;

/** What the permit policy knows about one worker. Times are the master's monotonic milliseconds. */
export interface PermitView extends SilenceView {
  readonly id: number;
  /** Ready, not killed, and not draining except in the last call. */
  readonly eligible: boolean;
  /** It needs only a permit to accept: it is not paused, and below its limits. */
  readonly available: boolean;
  /** Clients now, as last reported. */
  readonly clients: number;
  /** Whether it was given a permit that has not been withdrawn. */
  readonly ordered: boolean;
  /** The ceiling of the permit ordered last. */
  readonly ceiling: number;
  /** How far it may be ahead of the one with the fewest clients in a crowd. */
  readonly credit: number;
  /** The pulse that was asked for with it, in milliseconds. */
  readonly askedPulseMs: number;
  /** As last reported; meaningful only if it has answered the last order. */
  readonly permit: PermitState;
  /** Copies of the listening handle that it has not used up, as far as known. */
  readonly copies: number;
  /** Copies that it should have. */
  readonly stock: number;
}

/** What to order. */
export type PermitOrder =
  | { readonly kind: 'copies'; readonly workerId: number; readonly count: number }
  | { readonly kind: 'permit'; readonly workerId: number; readonly ceiling: number; readonly pulseMs: number }
  | { readonly kind: 'withdraw'; readonly workerId: number }
  | { readonly kind: 'probe'; readonly workerId: number };

/** How permits are given. */
export interface PermitConfig {
  /** How many workers hold a permit in a crowd; Infinity = all of them, crowd or not. */
  readonly holders: number;
  /** How far a worker may be ahead of the one with the fewest clients; undefined = by its own credit. */
  readonly credit: number | undefined;
  /** Whether ceilings that have become too high may be lowered now: not at every change, since each lowering costs a message. */
  readonly lower: boolean;
}

/** What to do now, and when to look again if no report comes before; Infinity = no need. */
export interface PermitPlan {
  readonly orders: readonly PermitOrder[];
  readonly nextAt: number;
  /** Whether a ceiling has become too high and was not lowered now. */
  readonly isHigh: boolean;
}

/** The credit of a pool's only worker. */
const ALONE_CREDIT = 64;

/** A worker that was heard from within this time need not be asked. */
const RECENT_MS = 25;

/** Decides who may accept. Pure. */
export function planPermits(workers: readonly PermitView[], config: PermitConfig, now: number): PermitPlan {
  const eligible = workers.filter((worker) => worker.eligible);
  const copies = eligible.filter(isShort).map(({ id, copies: left, stock }): PermitOrder => ({ kind: 'copies', workerId: id, count: stock - left }));
  const able = eligible.filter((worker) => worker.available && !isBlocked(worker, now));
  const orders = eligible.length > config.holders ? planHolders(eligible, able, config) : planAll(eligible, able, config, now);
  const least = fewest(able);
  const isHigh = !config.lower && eligible.some((worker) => isTooHigh(worker, least + creditOf(worker, config)));
  return { orders: [...copies, ...orders], nextAt: nextLook(eligible, now), isHigh };
}

const isShort = ({ copies, stock }: PermitView): boolean => copies <= stock / 2;

/** All have a permit, and none gets far ahead of the able worker with the fewest clients. */
function planAll(workers: readonly PermitView[], able: readonly PermitView[], config: PermitConfig, now: number): readonly PermitOrder[] {
  const least = fewest(able);
  // Blocked or paused workers do not affect the ceiling; if there are no others, each may go on from its own number of clients.
  const ceilingOf = (worker: PermitView): number => (least === Infinity ? worker.clients : least)
    // A worker that is alone need not be kept in balance with others.
    + (workers.length === 1 ? ALONE_CREDIT : creditOf(worker, config));
  const isHeldBack = workers.some((worker) => worker.available && isAtCeiling(worker) && worker.clients >= ceilingOf(worker));
  // Its own report counts more than the ceiling ordered: it may have raised that by itself.
  const accepting = able.filter((worker) => worker.ordered && (worker.answered ? worker.permit === 'held' : worker.clients < worker.ceiling));
  const sentinel = isHeldBack ? accepting.find((worker) => worker.askedPulseMs < PULSE_MS) ?? accepting[0] : undefined;
  const orders = workers.flatMap((worker): PermitOrder[] => {
    const pulseMs = worker !== sentinel ? PULSE_MS : worker.clients > 0 ? WATCHED_PULSE_MS : IDLE_PULSE_MS;
    const ceiling = ceilingOf(worker);
    return needsCeiling(worker, ceiling, config) || needsPulse(worker, pulseMs, config) ? [{ kind: 'permit', workerId: worker.id, ceiling, pulseMs }] : [];
  });
  const isLost = isHeldBack && workers.some((worker) => worker.askedPulseMs < PULSE_MS && worker !== sentinel && isBlocked(worker, now));
  if (!isLost) return orders;
  const ordered = new Set(orders.map(({ workerId }) => workerId));
  const silent = accepting.filter((worker) => worker.answered && now - worker.heardAt >= RECENT_MS && !ordered.has(worker.id));
  return [...orders, ...silent.map(({ id }): PermitOrder => ({ kind: 'probe', workerId: id }))];
}

const isAtCeiling = ({ ordered, answered, permit }: PermitView): boolean => ordered && answered && (permit === 'spent' || permit === 'full');

function needsCeiling(worker: PermitView, ceiling: number, { lower }: PermitConfig): boolean {
  if (!worker.ordered) return true;
  if (worker.answered) {
    // A worker that asks is always answered, or it would raise its ceiling by itself.
    if (worker.permit === 'none' || worker.permit === 'spent') return true;
    if (worker.permit === 'full') return ceiling > worker.clients;
  }
  return lower && isTooHigh(worker, ceiling);
}

/** A faster pulse is ordered at once; a slower one can wait. */
const needsPulse = ({ askedPulseMs }: PermitView, pulseMs: number, { lower }: PermitConfig): boolean => pulseMs < askedPulseMs || (lower && pulseMs > askedPulseMs);

const isTooHigh = (worker: PermitView, wanted: number): boolean => worker.ordered && worker.ceiling > wanted && worker.clients < worker.ceiling;

/** A few have a permit; one that gets far ahead loses it to another. */
function planHolders(workers: readonly PermitView[], able: readonly PermitView[], config: PermitConfig): readonly PermitOrder[] {
  const { holders, lower } = config;
  const orders = new Map<number, PermitOrder>();
  const least = fewest(able);
  const ceilingOf = (worker: PermitView): number => (least === Infinity ? worker.clients : least) + creditOf(worker, config);
  const permit = (worker: PermitView): unknown => orders.set(worker.id, { kind: 'permit', workerId: worker.id, ceiling: ceilingOf(worker), pulseMs: WATCHED_PULSE_MS });
  const withdraw = ({ id }: PermitView): unknown => orders.set(id, { kind: 'withdraw', workerId: id });
  // One above its ceiling would lose it again at once.
  const waiting = able.filter((worker) => !worker.ordered && worker.clients < ceilingOf(worker)).sort(byClients);
  const useful: PermitView[] = [];
  for (const holder of workers.filter(({ ordered }) => ordered)) {
    const asks = holder.answered && holder.permit !== 'held';
    const isAble = able.includes(holder);
    const isWatched = holder.askedPulseMs === WATCHED_PULSE_MS;
    if (asks && isWatched && (!isAble || holder.clients >= ceilingOf(holder)) && waiting.length > 0) {
      withdraw(holder);
      continue;
    }
    if (!isWatched || (asks && (holder.permit !== 'full' || ceilingOf(holder) > holder.clients)) || (lower && isTooHigh(holder, ceilingOf(holder)))) permit(holder);
    if (isAble) useful.push(holder);
  }
  // If none is left, the waiting ones may be blocked too: give permits to all of them at once.
  waiting.slice(0, useful.length === 0 ? waiting.length : Math.max(holders - useful.length, 0)).forEach(permit);
  // There may be more holders than needed, after some were blocked for a while: those with the most clients lose their permits,
  // once enough others have confirmed.
  const proven = useful.filter(({ answered }) => answered).sort(byClients);
  proven.slice(holders).forEach(withdraw);
  if (proven.length >= holders) useful.filter(({ answered }) => !answered).forEach(withdraw);
  return [...orders.values()];
}

const creditOf = (worker: PermitView, { credit }: PermitConfig): number => credit ?? worker.credit;
const fewest = (workers: readonly PermitView[]): number => workers.reduce((least, { clients }) => Math.min(least, clients), Infinity);
const byClients = (one: PermitView, other: PermitView): number => one.clients - other.clients;

function nextLook(workers: readonly PermitView[], now: number): number {
  return workers.map(blockedAt).filter((time) => time > now).reduce((next, time) => Math.min(next, time), Infinity);
}
