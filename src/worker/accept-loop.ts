import type { Clock, Timer } from '../clock.js';
import type { PermitState } from '../policy/permits.js';
import type { PauseReason } from '../policy/reasons.js';
import type { HandleCopy, Listener } from './listener.js';

/** How many clients a worker may have; null = unlimited. */
export interface AcceptLimits {
  readonly maxClients: number | null;
  readonly concurrency: number | null;
  /** Its share of MaxSession. */
  readonly share: number | null;
  readonly maxServed: number | null;
  /** What its open files allow. */
  readonly descriptors: number | null;
}

/** How important a change is for the master. */
export type Urgency = 'now' | 'soon';

/** The credit that a worker gives itself at the most while its connections prove short-lived. */
const MOST_CREDIT = 64;
/** How long the answer to a used-up permit may take before the worker goes on by itself: the master may be stopped. */
const RENEWAL_MS = 50;

/**
 * Decides when this worker accepts: while it has a permit with credit, a copy of the handle, and no reason to pause.
 * Every reason stands for itself. Its limits are its own and absolute: it stops inside the connection callback, before
 * another client is taken, and goes on by itself when one leaves.
 */
export class AcceptLoop {
  readonly #clock: Clock;
  readonly #listener: Listener;
  readonly #changed: (urgency: Urgency) => void;
  readonly #copies: HandleCopy[] = [];
  readonly #asked = new Set<PauseReason>();
  #limits: AcceptLimits;
  #open = false;
  #hasListened = false;
  #clients = 0;
  #served = 0;
  #copiesUsed = 0;
  /** The most copies it has had. */
  #stock = 0;
  #stopped = false;
  #permit: PermitState = 'none';
  #permitOrders = 0;
  /** The credit as given; null = any number. */
  #granted: number | null = null;
  /** How far the number of clients may grow above #base. */
  #credit: number | null = null;
  #base = 0;
  #acceptedSince = 0;
  #closedSince = 0;
  #renewal: Timer | undefined;

  constructor({ clock, listener, limits, changed }: {
    clock: Clock; listener: Listener; limits: AcceptLimits; changed: (urgency: Urgency) => void;
  }) {
    this.#clock = clock;
    this.#listener = listener;
    this.#limits = limits;
    this.#changed = changed;
  }

  get clients(): number { return this.#clients; }
  get served(): number { return this.#served; }
  get copiesUsed(): number { return this.#copiesUsed; }
  get accepting(): boolean { return this.#open; }
  get permit(): PermitState { return this.#permit; }
  /** Orders about the permit received so far. */
  get permitOrders(): number { return this.#permitOrders; }
  get limits(): AcceptLimits { return this.#limits; }
  /** Whether others depend on this worker to accept: it has one of a few permits. */
  get isCountedOn(): boolean { return this.#open && this.#credit !== null; }
  get draining(): boolean { return this.#stopped; }
  /** Whether it has taken as many clients as it may in its life. */
  get isWornOut(): boolean { return this.#served >= orInfinity(this.#limits.maxServed); }

  /** Whether it has as many clients as its open files allow. */
  get isShortOfFiles(): boolean { return this.#clients >= orInfinity(this.#limits.descriptors); }

  /** Why it does not accept although it has a permit. */
  get paused(): PauseReason[] {
    const reasons = [...this.#asked];
    const { maxClients, concurrency, share } = this.#limits;
    if (this.isShortOfFiles) reasons.push('descriptors');
    if (this.#clients >= orInfinity(maxClients)) reasons.push('limit');
    if (this.#clients >= orInfinity(concurrency)) reasons.push('concurrency');
    if (this.#clients >= orInfinity(share)) reasons.push('pool-limit');
    if (this.isWornOut) reasons.push('lifetimes');
    return reasons;
  }

  /** Takes over a copy of the handle, sent in advance. */
  addCopy(copy: HandleCopy): void {
    if (this.#stopped) {
      this.#copiesUsed += 1;
      copy.close();
      return;
    }
    this.#copies.push(copy);
    this.#stock = Math.max(this.#stock, this.#copies.length);
    this.#update('soon');
    if (!this.#hasListened && !this.#isBelowLimits()) this.#listenOnce();
  }

  /** May accept, until the number of clients has grown by the credit; null = any number. */
  grant(credit: number | null): void {
    this.#permitOrders += 1;
    this.#hold(credit);
  }

  /** May not accept any more. */
  withdraw(): void {
    this.#permitOrders += 1;
    this.#permit = 'none';
    this.#renewal?.cancel();
    this.#renewal = undefined;
    this.#update('now');
  }

  setLimits(change: Partial<AcceptLimits>): void {
    this.#limits = { ...this.#limits, ...change };
    this.#update('now');
  }

  /** Adds or removes one reason; the others stay as they are. */
  ask(reason: PauseReason, on: boolean): void {
    if (on) this.#asked.add(reason);
    else this.#asked.delete(reason);
    this.#update('now');
  }

  /** Accepts no more, for good, and gives up every copy. */
  stop(): void {
    this.#stopped = true;
    this.#renewal?.cancel();
    this.#copiesUsed += this.#copies.length;
    for (const copy of this.#copies.splice(0)) copy.close();
    this.#update('now');
  }

  /** A client has been taken. To be called before anything else in the connection callback. */
  opened(): void {
    this.#clients += 1;
    this.#served += 1;
    this.#acceptedSince += 1;
    const spent = this.#credit !== null && this.#clients - this.#base >= this.#credit && this.#spend(this.#credit);
    this.#update(spent ? 'now' : 'soon');
  }

  /** A client has gone. */
  closed(): void {
    this.#clients -= 1;
    this.#closedSince += 1;
    this.#update('soon');
  }

  /** The copy in use could not be listened on. */
  failed(): void {
    this.#open = false;
    this.#changed('now');
  }

  #hold(credit: number | null): void {
    this.#granted = credit;
    this.#credit = credit;
    this.#base = this.#clients;
    this.#acceptedSince = this.#closedSince = 0;
    this.#permit = 'held';
    this.#renewal?.cancel();
    this.#renewal = undefined;
    this.#update('soon');
  }

  /**
   * The credit is used up. While most clients leave again soon the worker raises it by itself: moving the permit then
   * costs more than it gains, since the balance will be restored anyway. Clients that stay make it ask the master.
   */
  #spend(credit: number): boolean {
    if (this.#permit === 'spent') return false;
    if (credit < MOST_CREDIT && this.#closedSince * 2 >= this.#acceptedSince) {
      this.#credit = Math.min(credit * 2, MOST_CREDIT);
      return false;
    }
    this.#permit = 'spent';
    this.#renewal ??= this.#clock.after(RENEWAL_MS, () => { this.#hold(this.#granted); }, { idle: true });
    return true;
  }

  #update(urgency: Urgency): void {
    // Without another copy it could not go on by itself: then it keeps the last one open until the master answers.
    const isPermitted = this.#permit === 'held' || (this.#permit === 'spent' && this.#open && this.#copies.length === 0);
    const may = isPermitted && !this.#stopped && this.#isBelowLimits();
    if (this.#open && !may) {
      this.#close();
    } else if (!this.#open && may && !this.#resume()) {
      // Only the master can help now.
      return this.#changed('now');
    }
    this.#changed(urgency);
  }

  /** Somebody has to listen once, or clients of a pool that starts paused would be refused instead of queued. */
  #listenOnce(): void {
    if (!this.#resume()) return;
    this.#close();
    this.#changed('now');
  }

  #close(): void {
    this.#listener.close();
    this.#open = false;
  }

  #resume(): boolean {
    const copy = this.#copies.shift();
    if (copy === undefined) return false;
    this.#copiesUsed += 1;
    this.#open = true;
    this.#hasListened = true;
    this.#listener.open(copy);
    // Half of the stock is left: the next ones had better be on their way soon.
    if (this.#copies.length === Math.floor(this.#stock / 2)) this.#changed('now');
    return true;
  }

  #isBelowLimits(): boolean {
    const { maxClients, concurrency, share, descriptors } = this.#limits;
    return this.#asked.size === 0 && !this.isWornOut
      && this.#clients < Math.min(orInfinity(maxClients), orInfinity(concurrency), orInfinity(share), orInfinity(descriptors));
  }
}

const orInfinity = (limit: number | null): number => limit ?? Infinity;
