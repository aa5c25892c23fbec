import type { Clock, Timer } from '../clock.js';
import type { Lifecycle } from './lifecycle.js';
import type { Roster } from './roster.js';
import { isComingWorker } from './worker-record.js';

/** How long a stopping pool goes on accepting, at most, until the kernel's queue is empty. */
const LAST_CALL_MS = 1000;

/** Why the whole pool stops; after an upgrade its successor goes on serving; after a move it does so at another address, with a socket of its own. */
export type StopReason = 'shutdown' | 'upgrade' | 'move';

/** What the end of a pool is made of. */
export interface PoolStopParts {
  readonly clock: Clock;
  readonly roster: Roster;
  readonly lifecycle: Lifecycle;
  /** Whether the pool is paused: then clients that wait in the kernel's queue are not taken. */
  readonly isPaused: () => boolean;
  /** Whether another process keeps the socket open, and the clients in its queue: systemd, or the master that this one could not relieve. */
  readonly isShared: () => boolean;
  /** Clients that wait in the kernel's queue; undefined where their number is unknown. */
  readonly queued: () => number | undefined;
  /** The kernel's queue is empty: the socket may be closed. */
  readonly served: () => void;
}

/** The end of the whole pool: clients that wait in the kernel's queue are taken (the last call), then the workers drain. */
export class PoolStop {
  readonly #parts: PoolStopParts;
  #begun: { deadline: number; readonly reason: StopReason; readonly drain: () => void; readonly gone: () => void } | undefined;
  /** What ends the last call, and when; undefined unless it is going on. */
  #lastCall: { readonly timer: Timer; readonly dueAt: number } | undefined;

  constructor(parts: PoolStopParts) {
    this.#parts = parts;
  }

  get hasBegun(): boolean {
    return this.#begun !== undefined;
  }

  /** Why its workers drain. */
  get reason(): 'shutdown' | 'upgrade' {
    const { reason = 'shutdown' } = this.#begun ?? {};
    return reason === 'move' ? 'upgrade' : reason;
  }

  /** How long clients still have; undefined unless the pool is stopping. */
  get graceMs(): number | undefined {
    return this.#begun && Math.max(Math.round(this.#begun.deadline - this.#parts.clock.now()), 0);
  }

  /** Whether workers still accept. */
  get isLastCall(): boolean {
    return this.#lastCall !== undefined;
  }

  /** How long clients that wait in the kernel's queue are still taken. A paused pool takes none; if the socket stays open, another process takes them. */
  get lastCallMs(): number {
    const { isPaused, isShared } = this.#parts;
    return isPaused() || isShared() || this.#begun?.reason === 'upgrade' ? 0 : Math.min(this.graceMs ?? 0, LAST_CALL_MS);
  }

  /** Begins it. @param drain - lets all workers drain; in the last call, those that are ready. @returns when the last worker is gone */
  async begin(graceMs: number, reason: StopReason, drain: () => void): Promise<void> {
    await new Promise<void>((gone) => {
      this.#begun = { deadline: this.#parts.clock.now() + graceMs, reason, drain, gone };
      if (this.lastCallMs > 0) this.#call();
      drain();
      this.#endLastCallIfServed();
      if (this.#parts.roster.size === 0) gone();
    });
  }

  /** Clients of draining workers have no longer than this: a later call can only shorten the time. */
  hurry(graceMs: number): void {
    const { clock, lifecycle, roster } = this.#parts;
    for (const record of roster.all()) lifecycle.hurry(record, graceMs);
    if (this.#begun === undefined) return;
    const now = clock.now();
    this.#begun.deadline = Math.min(this.#begun.deadline, now + graceMs);
    // Workers that start have no deadline of their own yet.
    if (this.#lastCall !== undefined && now + this.lastCallMs < this.#lastCall.dueAt) this.#call();
  }

  /** A worker is gone. */
  exited(): void {
    if (this.isLastCall) this.#endLastCallIfServed();
    if (this.#parts.roster.size === 0) this.#begun?.gone();
  }

  /** A worker accepts no more. If it has found the queue empty, it speaks for all; if it may take no more clients, only for itself. */
  lastCallEnded(isQueueEmpty: boolean): void {
    if (isQueueEmpty) this.endLastCall();
    else this.#endLastCallIfServed();
  }

  /** Begins the time that is left for the last call; anew, while only workers that are starting could take the clients that wait. */
  #call(): void {
    const { clock } = this.#parts;
    const isAwaited = this.#isAwaited;
    this.#lastCall?.timer.cancel();
    const timer = clock.after(this.lastCallMs, () => {
      if (isAwaited && this.lastCallMs > 0) this.#call();
      else this.endLastCall();
    });
    this.#lastCall = { timer, dueAt: clock.now() + this.lastCallMs };
  }

  /** Whether clients wait, and only workers that are still starting can take them. */
  get #isAwaited(): boolean {
    const { queued, roster } = this.#parts;
    const workers = roster.all();
    return workers.some(isComingWorker) && !workers.some(({ phase, isLastCall }) => phase === 'ready' || isLastCall) && (queued() ?? 0) > 0;
  }

  #endLastCallIfServed(): void {
    const { queued, roster } = this.#parts;
    const workers = roster.all();
    if (workers.some(({ isLastCall }) => isLastCall)) return;
    if (!workers.some(isComingWorker) || queued() === 0) this.endLastCall();
  }

  endLastCall(): void {
    const { lifecycle, roster, served } = this.#parts;
    this.#lastCall?.timer.cancel();
    this.#lastCall = undefined;
    // The master's copy first: then a worker that still accepts is the last to close its own.
    served();
    for (const record of roster.all()) lifecycle.endLastCall(record);
    if (roster.all().some(isComingWorker)) this.#begun?.drain();
  }
}
