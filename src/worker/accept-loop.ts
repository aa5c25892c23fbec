import type { Clock } from '../clock.js';
import type { PermitState } from '../policy/permits.js';
import type { PauseReason } from '../policy/reasons.js';
import type { HandleCopy, Listener } from './listener.js';
import { Permit } from './permit.js';

/** How many clients a worker may have; null = unlimited. */
export interface AcceptLimits {
  readonly maxClients: number | null;
  readonly concurrency: number | null;
  /** Its share of MaxSession. */
  readonly share: number | null;
  readonly maxServed: number | null;
  /** The limit set by its open files. */
  readonly descriptors: number | null;
}

/**
 * How urgent a change is for the master: 'news' = at once if the last report says that this worker is spare or accepting
 * and it no longer is, since the user's code may block this process next.
 */
export type Urgency = 'now' | 'news' | 'soon';

/**
 * Decides when this worker accepts: while it has a permit whose ceiling is not reached, a copy of the handle, and no reason to pause.
 * Reasons are independent of each other. The limits are absolute, and kept by the worker itself: it stops inside the connection
 * callback, before another client is taken, and goes on by itself when one leaves.
 */
export class AcceptLoop {
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
  readonly #permit: Permit;
  #ordersSeen = 0;

  constructor({ clock, listener, limits, changed }: {
    clock: Clock; listener: Listener; limits: AcceptLimits; changed: (urgency: Urgency) => void;
  }) {
    this.#permit = new Permit(clock, () => { this.#update('now'); });
    this.#listener = listener;
    this.#limits = limits;
    this.#changed = changed;
  }

  get clients(): number { return this.#clients; }
  get served(): number { return this.#served; }
  get copiesUsed(): number { return this.#copiesUsed; }
  get accepting(): boolean { return this.#open; }
  get permit(): PermitState { return this.#permit.state; }
  /** Orders received so far that the master wants confirmed. */
  get ordersSeen(): number { return this.#ordersSeen; }
  get limits(): AcceptLimits { return this.#limits; }
  get draining(): boolean { return this.#stopped; }
  /** Whether it has taken as many clients as it may in its life. */
  get isWornOut(): boolean { return this.#served >= orInfinity(this.#limits.maxServed); }

  /** Whether it has as many clients as its limit of open files allows. */
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

  /** It may accept while it has fewer clients than the ceiling. */
  grant(ceiling: number): void {
    this.#ordersSeen += 1;
    this.#permit.grant(ceiling, this.#clients);
    this.#update('now');
  }

  /** It may not accept any more. */
  withdraw(): void {
    this.#ordersSeen += 1;
    this.#permit.withdraw();
    this.#update('now');
  }

  /** The master asks for a sign of life. */
  probe(): void {
    this.#ordersSeen += 1;
    this.#changed('now');
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

  /** Permanently stops accepting, and gives up every copy. */
  stop(): void {
    this.#stopped = true;
    this.#permit.withdraw();
    this.#copiesUsed += this.#copies.length;
    for (const copy of this.#copies.splice(0)) copy.close();
    this.#update('now');
  }

  /** The socket is about to be closed: no more clients are to wait in the kernel's queue, since they would be reset. */
  narrow(): void { this.#listener.narrow(); }

  /** A client has been taken. To be called before anything else in the connection callback. */
  opened(): void {
    this.#clients += 1;
    this.#served += 1;
    const asks = this.#permit.count(this.#clients);
    this.#update(asks ? 'now' : 'news');
  }

  /** A client has gone. */
  closed(): void {
    this.#clients -= 1;
    this.#permit.count(this.#clients);
    this.#update('soon');
  }

  /** The copy in use could not be listened on. */
  failed(): void {
    this.#open = false;
    this.#changed('now');
  }

  #update(urgency: Urgency): void {
    // Without another copy it could not go on by itself if the master were stopped, so it keeps the last one open until it is answered.
    const isPermitted = this.#permit.allows(this.#clients) || (this.#permit.state === 'spent' && this.#open && this.#copies.length === 0);
    const may = isPermitted && !this.#stopped && this.#isBelowLimits();
    if (this.#open && !may) {
      this.#close();
    } else if (!this.#open && may && (!this.#resume() || this.#copies.length === Math.floor(this.#stock / 2))) {
      // Without a copy only the master can help; with half of the stock left, more copies should be sent soon.
      return this.#changed('now');
    }
    this.#changed(urgency);
  }

  /** A worker has to listen once, or clients of a pool that starts paused would be refused instead of queued. */
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
    return true;
  }

  #isBelowLimits(): boolean {
    const { maxClients, concurrency, share, descriptors } = this.#limits;
    return this.#asked.size === 0 && !this.isWornOut
      && this.#clients < Math.min(orInfinity(maxClients), orInfinity(concurrency), orInfinity(share), orInfinity(descriptors));
  }
}

const orInfinity = (limit: number | null): number => limit ?? Infinity;
