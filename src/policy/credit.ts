/** How clients flow through the pool, as far as the reports show. Older events count less. */
export interface Flow {
  /** Clients taken and clients now, as of the last look. */
  readonly served: number;
  readonly clients: number;
  readonly at: number;
  /** When the last client came. */
  readonly cameAt: number;
  /** Clients that came lately. */
  readonly came: number;
  /** Clients that came lately while others left, replacing them. */
  readonly replaced: number;
  /** Whether short-lived clients come so fast that only a few workers should accept. */
  readonly crowded: boolean;
}

export const NO_FLOW: Flow = { served: 0, clients: 0, at: 0, cameAt: 0, came: 0, replaced: 0, crowded: false };

/** Half-life of the counts. */
const HALF_LIFE_MS = 500;
/** The least time between two looks: every report asks for one. */
const LOOK_MS = 10;

/** With fewer recent clients than this, nothing is proved. */
const PROOF = 16;
/** When no client has come for this long, there is no crowd any more: those that come next may have come to stay. */
const QUIET_MS = 250;
/** Clients that stay for fewer seconds are short-lived. On an overloaded machine everything takes long. */
const SHORT_LIFE = 1;
/**
 * Every worker that may accept wakes for every client, and one that is at its ceiling asks, is answered, and takes a new copy
 * of the handle. So there is more to do per client, and on an overloaded machine a high rate is never reached. Beyond 500
 * wake-ups a second (a hundredth of a core) only a few workers accept; below 125 all do again.
 */
const CROWD_BEGINS = 500;
const CROWD_ENDS = 125;

/** Takes note of the pool's counts. Reports are late and not simultaneous, so a negative number of new or departed clients counts as none. */
export function observeFlow(flow: Flow, { served, clients, workers, now }: {
  readonly served: number; readonly clients: number; readonly workers: number; readonly now: number;
}): Flow {
  if (now - flow.at < LOOK_MS) return flow;
  const cameNow = Math.max(served - flow.served, 0);
  const cameAt = cameNow > 0 ? now : flow.cameAt;
  if (now - cameAt >= QUIET_MS) return { ...NO_FLOW, served, clients, at: now, cameAt };
  const kept = 0.5 ** ((now - flow.at) / HALF_LIFE_MS);
  const leftNow = Math.max(cameNow - (clients - flow.clients), 0);
  const came = flow.came * kept + cameNow;
  const replaced = flow.replaced * kept + Math.min(cameNow, leftNow);
  return { served, clients, at: now, cameAt, came, replaced, crowded: isCrowded({ came, replaced, clients, workers }, flow.crowded) };
}

/** When to look again if no report comes: the crowd may have ended by then. Infinity = no need. */
export const quietAt = ({ crowded, cameAt, at }: Flow): number => (crowded ? Math.max(cameAt + QUIET_MS, at + LOOK_MS) : Infinity);

function isCrowded({ came, replaced, clients, workers }: { readonly came: number; readonly replaced: number; readonly clients: number; readonly workers: number }, was: boolean): boolean {
  const perSecond = came * Math.LN2 * 1000 / HALF_LIFE_MS;
  if (perSecond * workers < (was ? CROWD_ENDS : CROWD_BEGINS) || came < PROOF) return false;
  // Two proofs are needed. By Little's law clients ÷ rate is how long clients stay: long-lived ones fail here. A wave that
  // has left together says nothing about the next one: its clients came while none left, and left while none came.
  return replaced * 2 >= came && clients <= perSecond * SHORT_LIFE;
}

/**
 * How far a worker may be ahead of the others while clients are long-lived: a twelfth, so that the busiest has at most a
 * twelfth more than the mean; with small numbers, one client.
 */
export const lastingCredit = (clients: number): number => Math.max(1, Math.floor(clients / 12));

/** How long clients stay, in milliseconds, by Little's law: clients ÷ rate. */
export const stayMs = ({ clients, came }: Flow): number => clients * HALF_LIFE_MS / (came * Math.LN2);

/**
 * How far one worker may be ahead of the one with the fewest clients while clients prove short-lived; and when it last asked
 * for a higher ceiling, and how many clients had left it by then.
 */
export interface CrowdCredit {
  readonly clients: number;
  readonly left: number;
  readonly at: number;
}

export const FIRST_CREDIT: CrowdCredit = { clients: 8, left: 0, at: -Infinity };
/** A worker takes as many at once as wait in the kernel's queue: with less credit it would have to ask in each turn of its event loop. */
const MOST_CREDIT = 64;
/** Clients that came together have mostly left only after this many times as long as they usually stay. */
const PATIENCE = 2;

/**
 * Learns from a worker that has asked for a higher ceiling. If a quarter as many clients as its credit have left since it last asked,
 * the crowd is larger and restores the balance itself. Otherwise clients have come to stay, and would stay where they are; unless it
 * asked only a moment ago: short-lived clients come in bursts, too.
 */
export function learnCredit(
  credit: CrowdCredit, { served, clients }: { readonly served: number; readonly clients: number }, { now, stayMs: usually }: { readonly now: number; readonly stayMs: number },
): CrowdCredit {
  // At a ceiling below its credit it asks only because clients are kept in balance.
  if (clients < credit.clients) return credit;
  const left = served - clients;
  const restored = (left - credit.left) * 4 >= credit.clients;
  if (!restored && now - credit.at < usually * PATIENCE) return credit;
  return { left, at: now, clients: restored ? Math.min(credit.clients * 2, MOST_CREDIT) : FIRST_CREDIT.clients };
}
