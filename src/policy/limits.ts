/** What the limit policy knows about one worker. */
export interface LimitView {
  readonly id: number;
  /** Ready, not killed, and not draining except in the last call: may take clients. */
  readonly eligible: boolean;
  /** Neither paused for a reason of its own nor blocked: it can use its share now. */
  readonly able: boolean;
  /** Whether it was ever sent a copy of the handle. Until then it can take no clients, whatever its share. */
  readonly armed: boolean;
  /** Clients now, as last reported. */
  readonly clients: number;
  /** The limit ordered last; Infinity = unlimited. */
  readonly ordered: number;
  /** The limit that the worker keeps to, as last reported; Infinity = unlimited. */
  readonly confirmed: number;
  /** It takes no more clients, and has said so: its number of clients can only fall. */
  readonly closed: boolean;
}

/** A worker's new share of MaxSession; Infinity = unlimited. */
export interface LimitOrder {
  readonly workerId: number;
  readonly clients: number;
}

/**
 * Divides MaxSession among the workers so that the pool never has a single client more, whatever messages are under way or lost.
 *
 * Each worker keeps to its own share. A share counts as taken until the worker has confirmed a smaller one, has said
 * that it accepts no more, or is gone. So all shares together never exceed the limit, and nothing is asked of the
 * master when a client comes. Shares are as even as the workers' clients allow.
 *
 * While other workers start, a worker is given no more than it will keep once they have started, and the next portion of that
 * size when half of it is used: if it blocked just then, a share that is meant for them could not be taken back.
 *
 * None is given more than it may have by itself, either: what it cannot use would be missing elsewhere, and could not be taken back
 * from one that blocks with all the clients it may have.
 *
 * @param starting - workers that will be ready soon
 * @param each - the most clients that a worker may have, whatever its share
 */
export function shareLimit(workers: readonly LimitView[], most: number, { starting = 0, each = Infinity }: { readonly starting?: number; readonly each?: number } = {}): readonly LimitOrder[] {
  const open = workers.filter(isOpen);
  if (most === Infinity) return open.filter(isLimited).map(({ id }) => ({ workerId: id, clients: Infinity }));

  const orders: LimitOrder[] = [];
  const elsewhere = sum(workers.filter((worker) => !isOpen(worker)).map(taken));
  let free = most - elsewhere - sum(open.map(taken));
  // Shares go to the workers that can use them: the others keep what their clients need. If none can, all may soon.
  const able = open.some((worker) => worker.able) ? open.filter((worker) => worker.able) : open;
  const resting = open.filter((worker) => !able.includes(worker));
  const present = elsewhere + sum(open.map(({ clients }) => clients));
  // There are more after the limit was lowered: then nobody takes another, or each that leaves would make room for one.
  const shares = present > most ? open.map((worker) => ({ worker, share: 0 })) : [
    ...fairShares(able, most - elsewhere - sum(resting.map(({ clients }) => clients)), each),
    ...resting.map((worker) => ({ worker, share: worker.clients })),
  ];
  // It must have a share before it can accept.
  for (const { worker, share } of shares) {
    if (!isUnlimitedStart(worker)) continue;
    const given = Math.max(Math.min(share, free), 0);
    free -= given;
    orders.push({ workerId: worker.id, clients: given });
  }
  // First ask for the return of what exceeds a fair share: it can be given away once that is confirmed. Not before the
  // worker has confirmed what it was last given: the smaller order would hide a larger share that it may still fill.
  for (const { worker, share } of shares) {
    if (!isUnlimitedStart(worker) && worker.ordered > share && worker.ordered <= worker.confirmed) orders.push({ workerId: worker.id, clients: share });
  }
  const portion = Math.ceil(most / (able.length + starting));
  for (const { worker, share } of shares) {
    if (isUnlimitedStart(worker)) continue;
    const unused = taken(worker) - worker.clients;
    const room = starting === 0 ? Infinity : unused > portion / 2 ? 0 : portion - unused;
    const more = Math.min(share - taken(worker), room, free);
    if (more <= 0) continue;
    free -= more;
    orders.push({ workerId: worker.id, clients: taken(worker) + more });
  }
  return orders;
}

const isOpen = ({ eligible, closed }: LimitView): boolean => eligible && !closed;

/** Whether the worker keeps to a limit, and no order that ends or introduces one is under way. */
const isLimited = ({ ordered, confirmed }: LimitView): boolean => ordered !== Infinity && confirmed !== Infinity;

/** It was started while there was no limit, and cannot accept yet. */
const isUnlimitedStart = ({ armed, ordered }: LimitView): boolean => !armed && ordered === Infinity;

/** The most clients that a worker may have, whatever it has received so far. */
function taken(worker: LimitView): number {
  const { clients, ordered, confirmed, closed, armed } = worker;
  if (closed || isUnlimitedStart(worker)) return clients;
  // Orders sent before its first copy have been read before it accepts.
  return armed ? Math.max(ordered, confirmed, clients) : ordered;
}

/**
 * Divides the limit as evenly as whole clients allow; the first workers get the remainder. One that has more clients
 * than an even share keeps those and no more, and the others share what is left.
 */
function fairShares(workers: readonly LimitView[], most: number, each: number): readonly { readonly worker: LimitView; readonly share: number }[] {
  const full = new Set<LimitView>();
  let left = most;
  for (const worker of workers.toSorted((one, other) => other.clients - one.clients)) {
    if (worker.clients * (workers.length - full.size) <= left) break;
    full.add(worker);
    left -= worker.clients;
  }
  let others = workers.length - full.size;
  return workers.map((worker) => {
    if (full.has(worker)) return { worker, share: worker.clients };
    const share = Math.min(Math.ceil(left / others), Math.max(each, worker.clients));
    left -= share;
    others -= 1;
    return { worker, share };
  });
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
