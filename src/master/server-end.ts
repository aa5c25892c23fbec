import type { Clock } from '../clock.js';
import { LameDuck } from './lame-duck.js';
import type { StopReason } from './pool-stop.js';

/** What ends with a server. */
export interface ServerEndParts {
  readonly clock: Clock;
  /** Times from the options in force, in milliseconds. */
  readonly times: () => { readonly graceMs: number; readonly shutdownDelayMs: number };
  /** Nothing new is begun from now on. @returns whether the server was running */
  readonly begin: (reason: StopReason) => boolean;
  /** Resolves when no other process has the socket that will not serve the clients in its queue; undefined if there is none. */
  readonly alone: () => Promise<void> | undefined;
  /** The pool goes on for a while (ShutdownDelay). */
  readonly delayed: () => void;
  /** Drains the pool, or shortens the drain; resolves when the last worker is gone. */
  readonly drain: (graceMs: number, reason: StopReason) => Promise<void>;
  /** Leaves nothing behind. */
  readonly close: (wasRunning: boolean) => Promise<void>;
}

/** The end of a server, once: ShutdownDelay, the drain of the pool, and the rest. Further calls can only shorten it. */
export class ServerEnd {
  readonly #parts: ServerEndParts;
  readonly #lameDuck: LameDuck;
  #ended: Promise<void> | undefined;
  /** How long clients have once the pool drains: the shortest time that was asked for. */
  #graceMs = Infinity;
  #isDraining = false;
  #rush!: () => void;
  /** No time is left at all. */
  readonly #rushed = new Promise<void>((rush) => { this.#rush = rush; });

  constructor(parts: ServerEndParts) {
    this.#parts = parts;
    this.#lameDuck = new LameDuck(parts.clock);
  }

  get hasBegun(): boolean { return this.#ended !== undefined; }

  /** Whether the pool still goes on although it has been asked to stop. */
  get isDelayed(): boolean { return this.hasBegun && !this.#isDraining; }

  /** @param grace - seconds; undefined = GraceExpireTime; with 0 there is no ShutdownDelay either. A later call with a grace ends that delay. */
  ask(grace: number | undefined): Promise<void> {
    const { drain, times } = this.#parts;
    const { graceMs, shutdownDelayMs } = times();
    if (this.#ended === undefined) {
      this.#graceMs = grace === undefined ? graceMs : grace * 1000;
      this.#ended = this.#end(grace === 0 ? 0 : shutdownDelayMs, 'shutdown');
    } else if (grace !== undefined) {
      this.#graceMs = Math.min(this.#graceMs, grace * 1000);
      if (grace === 0) this.#rush();
      if (this.#isDraining) void drain(this.#graceMs, 'shutdown');
      else this.#lameDuck.end();
    }
    return this.#ended;
  }

  /** Lets the clients finish, since a successor goes on serving, here or at another address. */
  leave(reason: Exclude<StopReason, 'shutdown'>): Promise<void> {
    this.#graceMs = Math.min(this.#graceMs, this.#parts.times().graceMs);
    return this.#ended ??= this.#end(0, reason);
  }

  /** Ends ShutdownDelay. @returns false if it was over, or never began */
  hurry(): boolean {
    return this.#lameDuck.end();
  }

  async #end(delayMs: number, reason: StopReason): Promise<void> {
    const { alone, begin, close, delayed, drain } = this.#parts;
    const wasRunning = begin(reason);
    if (wasRunning && delayMs > 0) {
      delayed();
      await this.#lameDuck.wait(delayMs);
    }
    const other = alone();
    if (other !== undefined && this.#graceMs > 0) await Promise.race([other, this.#rushed]);
    this.#isDraining = true;
    await drain(this.#graceMs, reason);
    await close(wasRunning);
  }
}
