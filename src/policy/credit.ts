/** How many clients came and went lately, over the whole pool; older ones count less. */
export interface Churn {
  /** Clients taken and clients now, as of the last look. */
  readonly served: number;
  readonly clients: number;
  readonly at: number;
  /** Clients taken lately, and clients that left lately. */
  readonly came: number;
  readonly left: number;
}

export const NO_CHURN: Churn = { served: 0, clients: 0, at: 0, came: 0, left: 0 };

/** What happened so long ago counts half. */
const HALF_LIFE_MS = 100;
/** Looks are so far apart at least: every report asks for one. */
const LOOK_MS = 10;

/** Takes note of the pool's counts. Reports are late and unequal, so what seems to be a client too few is none. */
export function observeChurn(churn: Churn, { served, clients, now }: { readonly served: number; readonly clients: number; readonly now: number }): Churn {
  if (now - churn.at < LOOK_MS) return churn;
  const share = 0.5 ** ((now - churn.at) / HALF_LIFE_MS);
  const came = Math.max(served - churn.served, 0);
  const left = Math.max(came - (clients - churn.clients), 0);
  return { served, clients, at: now, came: churn.came * share + came, left: churn.left * share + left };
}

/** By how much a holder's clients may grow before it asks again, as long as clients last; then also the imbalance that is not worth a move. */
export const CREDIT = 4;

/** The same while clients prove short-lived. */
export const SHORT_LIVED_CREDIT = 64;

/** Fewer clients lately prove nothing. */
const PROOF = 16;

/**
 * The credit of a permit. While most clients leave soon, the balance restores itself, and moving a permit costs more than
 * it gains: with a credit of 4 in a pool of 20 and 64 clients that connect in a loop, 700 permits a second move and 6,800
 * connections are served, with 64 as many as with 2 workers. Clients that last bring it back to a few.
 */
export function creditFor({ came, left }: Churn): number {
  return came >= PROOF && left * 2 >= came ? SHORT_LIVED_CREDIT : CREDIT;
}
