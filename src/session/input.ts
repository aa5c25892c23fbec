import type { AsyncResource } from 'node:async_hooks';
import type { Duplex } from 'node:stream';
import { budgetOf, endless, MOST_EXPANSION } from '../filters/endless.js';
import type { AnyFilter, Chunk, Handover } from '../filters/filter.js';
import { haveStopped, liftLimit, limitSkips } from '../filters/skips.js';
import { checkedFeeding, checkedHandover, checkedRecord, checkedRest } from './arguments.js';
import { newScope, whenSettled, within } from './entry.js';
import { inTurn } from './handover.js';
import type { InputHost, RecordHandler } from './input-host.js';
import { Refusals } from './refusals.js';
import type { Turns } from './turns.js';

/** Why a client is not read. The reasons are independent: ending one does not end another. */
export const Hold = {
  /** A callback has not settled yet. */
  callback: 1,
  /** The queued output is above HighMark. */
  output: 2,
  /** `pause_input`. */
  user: 4,
  /** It is other clients' turn. */
  turn: 8,
} as const;

/** While these hold it, one more read is done: for a connection that is not read, the kernel does not report a reset. */
const READS_AHEAD = Hold.callback | Hold.user;

/** Cuts what a client sends into records, hands them on one after the other, and reads no faster than they are handled. */
export class Input {
  readonly #source: Duplex;
  readonly #host: InputHost;
  readonly #handler: RecordHandler;
  /** Of this client, in the async context that belongs to none: filters run in it, and may use an AsyncLocalStorage. */
  readonly #scope: AsyncResource;
  readonly #turns: Turns;
  #filter: AnyFilter;
  #holds = 0;
  #isPumping = false;
  #isPaused = false;
  #hasEnded = false;
  /** What was read while input was held: not passed to the filter yet, since it might exceed its MaxBuffer. */
  #ahead: Buffer | undefined;
  #isDiscarding = false;
  #isIgnoring = false;
  /** How many records the filter may still give before it is fed. */
  #left = MOST_EXPANSION;
  /** Made when the filter refuses its input for the first time. */
  #refusals: Refusals | undefined;
  /** Filters that still hold unfinished input which went to another filter: those without `hand_over`. */
  #emptied: WeakSet<AnyFilter> | undefined;
  /** Takes what still belongs to the last record of a filter that was replaced. */
  #rest: Handover['rest'];

  constructor({ source, filter, host, handler, scope, turns }: {
    source: Duplex; filter: AnyFilter; host: InputHost; handler: RecordHandler; scope: AsyncResource; turns: Turns;
  }) {
    this.#source = source;
    this.#filter = filter;
    this.#host = host;
    this.#handler = handler;
    this.#scope = within(scope, newScope);
    this.#turns = turns;
  }

  /** Whether records are being handled at this moment. */
  get isPumping(): boolean {
    return this.#isPumping;
  }

  get filter(): AnyFilter {
    return this.#filter;
  }

  /** Whether it is held by one of these reasons. */
  isHeldBy(reasons: number): boolean {
    return (this.#holds & reasons) !== 0;
  }

  /** Replaces the filter between two records. What is not a record yet moves to the new one; the same filter is not a change. */
  replace(filter: AnyFilter): void {
    if (filter === this.#filter) return;
    const { pending, rest } = this.#handOver(this.#filter);
    // A filter that is set again would pass on once more what another has handled since.
    this.#filter = this.#emptied?.has(filter) === true ? filter.clone() as AnyFilter : filter;
    this.#refusals?.reset();
    this.#left = Math.max(this.#left, MOST_EXPANSION);
    this.#rest = inTurn(this.#rest, rest);
    if (pending.length === 0) return;
    this.#feed(pending);
    this.#pumpApart();
  }

  push(chunk: Buffer): void {
    if (!this.#isDiscarding && !this.#isIgnoring) this.#scope.runInAsyncScope(this.#read, this, chunk);
  }

  #read(chunk: Buffer): void {
    this.#turns.begin();
    if (this.#holds === 0 && this.#ahead === undefined) this.#take(chunk);
    else this.#ahead = this.#ahead === undefined ? chunk : Buffer.concat([this.#ahead, chunk]);
    this.#pump();
  }

  #take(chunk: Buffer): void {
    const input = this.#rest === undefined ? chunk : this.#afterTerminator(this.#rest, chunk);
    if (input !== undefined) this.#feed([input]);
  }

  /** @returns false if nothing was read ahead */
  #takeAhead(): boolean {
    if (this.#ahead === undefined || this.#isIgnoring) return false;
    this.#take(this.#ahead);
    this.#ahead = undefined;
    return true;
  }

  #handOver(filter: AnyFilter): Handover {
    if (filter.hand_over !== undefined) return checkedHandover('hand_over', filter.hand_over());
    this.#emptied ??= new WeakSet();
    this.#emptied.add(filter);
    return checkedHandover('get_pending', { pending: filter.get_pending() ?? [] });
  }

  /** The part of a read that follows the terminator of the last record, whose filter has been replaced; undefined if there is none yet. */
  #afterTerminator(rest: NonNullable<Handover['rest']>, chunk: Buffer): Buffer | undefined {
    try {
      const input = checkedRest(rest(chunk));
      if (input !== undefined) this.#rest = undefined;
      return input;
    } catch (error) {
      // It was a filter of the user's that threw.
      this.#rest = undefined;
      this.#host.fault(error);
      return undefined;
    }
  }

  /** The client has sent everything. */
  finish(): void {
    this.#hasEnded = true;
    this.#pumpApart();
  }

  hold(reason: number): void {
    this.#holds |= reason;
    this.#pump();
  }

  /** Holds the next record back until a callback has settled. */
  wait(settled: Promise<unknown>): void {
    this.hold(Hold.callback);
    const release = (): void => { this.release(Hold.callback); };
    whenSettled(settled, this.#host, release, release);
  }

  release(reason: number): void {
    if ((this.#holds & reason) === 0) return;
    this.#holds &= ~reason;
    this.#pumpApart();
  }

  /** Discards what has not been handled and what is still to come, up to the end, which is reported. */
  ignore(): void {
    this.#isIgnoring = true;
  }

  /** Handles nothing more; what is still to come is read and discarded. */
  discard(): void {
    this.#isDiscarding = true;
    this.#ahead = undefined;
    if (this.#isPaused) this.#source.resume();
    this.#isPaused = false;
  }

  #feed(chunks: readonly Chunk[]): void {
    this.#refusals?.reset();
    this.#left = budgetOf(chunks, this.#left);
    try {
      const filter: { get_one_start(input: readonly Chunk[]): unknown } = this.#filter;
      checkedFeeding(filter.get_one_start(chunks));
    } catch (error) {
      this.#host.fault(error);
    }
  }

  /** Pumps for a caller that may be in the async context of another client, which this client's records must not see. */
  #pumpApart(): void {
    if (!this.#isPumping) within(this.#scope, () => { this.#pump(); });
  }

  #pump(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    let records = 0;
    while (this.#holds === 0 && !this.#isDiscarding && !this.#source.destroyed) {
      const handled = this.#turns.isOver() ? this.#giveWay() : newScope().runInAsyncScope(this.#step, this);
      if (handled !== undefined) records += handled;
      else if (!this.#takeAhead()) break;
    }
    this.#isPumping = false;
    this.#host.pumped(records);
    if (this.#isDiscarding) return;
    if (this.#holds !== 0) {
      if (this.#isPaused || ((this.#holds & ~READS_AHEAD) === 0 && this.#ahead === undefined)) return;
      this.#source.pause();
      this.#isPaused = true;
    } else if (this.#hasEnded) {
      this.#isDiscarding = true;
      this.#host.end();
    } else if (this.#isPaused) {
      this.#isPaused = false;
      this.#source.resume();
    }
  }

  #giveWay(): 0 {
    this.#holds |= Hold.turn;
    this.#turns.giveWay(this.#host, () => { this.release(Hold.turn); });
    return 0;
  }

  /** Handles one record, in an async scope of its own: the filter may use an AsyncLocalStorage, too. @returns how many it has handled; undefined if there is none yet */
  #step(): number | undefined {
    if (this.#isIgnoring || this.#left < 0) return undefined;
    let one: [] | [unknown];
    try {
      limitSkips();
      one = checkedRecord(this.#filter.get_one());
      if (one.length === 0) return haveStopped() ? 0 : undefined;
    } catch (error) {
      return this.#refuse(error);
    } finally {
      liftLimit();
    }
    if (--this.#left < 0) {
      this.#host.fault(endless('the filter'));
      return undefined;
    }
    const settled = this.#handler.record(one[0]);
    if (settled !== undefined) this.wait(settled);
    return 1;
  }

  /** @returns 1 if what follows the bad record is to be handled */
  #refuse(error: unknown): number | undefined {
    if ((this.#refusals ??= new Refusals()).isStuck(this.#filter)) return undefined;
    this.#host.fault(error);
    return 1;
  }
}
