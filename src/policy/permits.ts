/** Whether a worker may accept. */
export const PERMIT_STATES = {
  none: 'it has no permit',
  held: 'it holds a permit',
  spent: 'it has used up the credit of its permit',
} as const;

/** Whether a worker may accept: a key of the table that has the words. */
export type PermitState = keyof typeof PERMIT_STATES;

/** What the permit policy knows of one worker. Times are the master's monotonic milliseconds. */
export interface PermitView {
  readonly id: number;
  /** Ready, not draining, not killed. */
  readonly eligible: boolean;
  /** Nothing but a permit is missing for it to accept: it is not paused and below its limits. */
  readonly available: boolean;
  /** Clients now, as last reported. */
  readonly clients: number;
  /** Whether a permit was ordered and not taken back. */
  readonly ordered: boolean;
  /** The permit ordered has no credit: it was given while the pool was small. */
  readonly unlimited: boolean;
  /** When the permit was ordered or taken back last. */
  readonly orderedAt: number;
  /** Whether its last report came after it had the last order. */
  readonly confirmed: boolean;
  /** As it reported last; of interest only if confirmed. */
  readonly permit: PermitState;
  /** It was about to run the user's code when it reported last. */
  readonly busy: boolean;
  readonly heardAt: number;
  /** Copies of the listening handle that it has not used up, as far as known. */
  readonly copies: number;
  /** Copies that it ought to have. */
  readonly stock: number;
}

/** What to tell the workers. */
export type PermitOrder =
  | { readonly kind: 'copies'; readonly workerId: number; readonly count: number }
  | { readonly kind: 'permit'; readonly workerId: number; readonly credit: number | null }
  | { readonly kind: 'withdraw'; readonly workerId: number };

/** How permits are given. */
export interface PermitConfig {
  /** Holders at the same time in a large pool. */
  readonly holders: number;
  /** A worker takes one client at a time. */
  readonly single: boolean;
  /** By how much a holder's clients may grow before it asks again; also the imbalance that is not worth a move. */
  readonly credit: number;
}

/** What to do now, and when to look again if no report comes before; Infinity = no need. */
export interface PermitPlan {
  readonly orders: readonly PermitOrder[];
  readonly nextAt: number;
}

/** A holder that is silent for so long after it became busy, or that does not confirm its permit, is blocked. */
export const QUIET_MS = 50;

/**
 * Decides who may accept.
 *
 * Every worker with an open copy of the handle wakes for every connection, so in a large pool only a few hold a permit,
 * with a credit: when a holder's clients have grown by it, the permit goes to the worker with the fewest clients, unless
 * the holder itself is within the credit of that. A holder that is blocked counts for none, and neither does one that is
 * paused or at its limit. Where a worker takes one client at a time, and where there are no more workers than holders,
 * every one has a permit without a credit: those that are busy have closed their copies anyway.
 */
export function planPermits(workers: readonly PermitView[], config: PermitConfig, now: number): PermitPlan {
  const eligible = workers.filter((worker) => worker.eligible);
  const orders = eligible.filter(isShort).map(({ id, copies, stock }): PermitOrder => ({ kind: 'copies', workerId: id, count: stock - copies }));
  if (config.single || eligible.length <= config.holders) {
    const missing = eligible.filter(({ ordered, unlimited, confirmed, permit }) => !ordered || !unlimited || (confirmed && permit !== 'held'));
    return { orders: [...orders, ...missing.map(({ id }): PermitOrder => ({ kind: 'permit', workerId: id, credit: null }))], nextAt: Infinity };
  }
  const moves = movePermits(eligible, config, now);
  return { orders: [...orders, ...moves], nextAt: quietAt(eligible, now) };
}

const isShort = ({ copies, stock }: PermitView): boolean => copies <= stock / 2;

function movePermits(workers: readonly PermitView[], config: PermitConfig, now: number): readonly PermitOrder[] {
  const orders = new Map<number, PermitOrder>();
  const permit = ({ id }: PermitView): unknown => orders.set(id, { kind: 'permit', workerId: id, credit: config.credit });
  const withdraw = ({ id }: PermitView): unknown => orders.set(id, { kind: 'withdraw', workerId: id });
  const isGood = (worker: PermitView): boolean => worker.available && !isBlocked(worker, now);
  const waiting = workers.filter((worker) => !worker.ordered && isGood(worker)).sort(byClients);
  const least = waiting[0]?.clients ?? Infinity;
  const useful: PermitView[] = [];
  for (const holder of workers.filter(({ ordered }) => ordered)) {
    const isSpent = holder.confirmed && holder.permit !== 'held';
    if (isSpent && !holder.unlimited && (!isGood(holder) || holder.clients >= least + config.credit)) {
      withdraw(holder);
      continue;
    }
    if (isSpent || holder.unlimited) permit(holder);
    if (isGood(holder)) useful.push(holder);
  }
  waiting.slice(0, Math.max(config.holders - useful.length, 0)).forEach(permit);
  // More than needed, since one of them was blocked for a while: those with the most clients go.
  useful.sort(byClients).slice(config.holders).forEach(withdraw);
  return [...orders.values()];
}

const byClients = (one: PermitView, other: PermitView): number => one.clients - other.clients;

function isBlocked(worker: PermitView, now: number): boolean {
  return now >= blockedAt(worker);
}

/** When a worker counts as blocked unless it is heard of before. */
function blockedAt({ busy, heardAt, confirmed, orderedAt }: PermitView): number {
  const silent = busy ? heardAt + QUIET_MS : Infinity;
  return confirmed ? silent : Math.min(silent, Math.max(orderedAt, heardAt) + QUIET_MS);
}

function quietAt(workers: readonly PermitView[], now: number): number {
  return Math.min(...workers.filter(({ ordered }) => ordered).map(blockedAt).filter((time) => time > now), Infinity);
}
