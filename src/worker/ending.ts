import { AsyncResource } from 'node:async_hooks';
import type { Clock, Timer } from '../clock.js';
import { asError } from '../errors.js';
import type { DrainReason } from '../policy/reasons.js';
import type { Clients } from '../session/clients.js';
import type { AcceptLoop } from './accept-loop.js';
import type { FaultReports } from './error-report.js';
import { LastCall } from './last-call.js';

/** If the master has not answered a worker that got SIGTERM within this time, it is stopped or busy: the worker drains by itself. */
const ANSWER_MS = 2000;

/** What the end of a worker is made of. */
export interface EndingParts {
  readonly clock: Clock;
  readonly clients: Clients;
  readonly faults: FaultReports;
  /** The accept loop; undefined until the worker has been welcomed. */
  readonly loop: () => AcceptLoop | undefined;
  /** Whether ServerStarted has returned: only then is there a ServerStopped. */
  readonly wasStarted: () => boolean;
  /** Tells the master about the SIGTERM. */
  readonly askMaster: () => void;
  /** @param graceMs - how long clients have, if it has not been ordered by the master; null = as long as they like */
  readonly begun: (reason: DrainReason, graceMs?: number | null) => void;
  readonly serverStopped: () => unknown;
  readonly exit: (code: number) => void;
}

/** How a worker drains and ends: it accepts no more, serves the clients it has for as long as they are allowed to take, and exits. */
export class Ending {
  readonly #parts: EndingParts;
  /** ServerStopped must not run in the async context of the last client to leave, or of the call that asked for the drain. */
  readonly #scope = new AsyncResource('PREFORK_WORKER');
  #phase: 'none' | 'draining' | 'over' = 'none';
  #lastCall: LastCall | undefined;
  /** When the clients are ended; Infinity = never. */
  #deadline = Infinity;
  #timer: Timer | undefined;
  #patience: Timer | undefined;

  constructor(parts: EndingParts) {
    this.#parts = parts;
  }

  get hasBegun(): boolean {
    return this.#phase !== 'none';
  }

  /** This process got SIGTERM. The pool may be ending as a whole: then the master says when this worker ends. */
  signalled(graceMs: number | null): void {
    const { askMaster, clock } = this.#parts;
    if (this.hasBegun) return;
    askMaster();
    this.#patience ??= clock.after(ANSWER_MS, () => { this.begin('asked', graceMs); });
  }

  /** The master has answered: this worker goes on until it is ordered to drain. */
  answered(): void {
    this.#patience?.cancel();
    this.#patience = undefined;
  }

  /**
   * @param graceMs - how long clients have; null = as long as they like. A later call can only shorten it.
   * @param lastCallMs - by the master's order: how long clients in the kernel's queue are still taken when the whole pool stops
   */
  begin(reason: DrainReason, graceMs: number | null, lastCallMs?: number): void {
    const { begun, clients, clock, loop: find } = this.#parts;
    this.#setDeadline(graceMs ?? Infinity);
    if (this.hasBegun) {
      if (lastCallMs === 0) this.#lastCall?.finish();
      return;
    }
    this.#phase = 'draining';
    this.#patience?.cancel();
    begun(reason, lastCallMs === undefined ? graceMs : undefined);
    clients.drain(graceMs === null ? Infinity : graceMs / 1000);
    const loop = find();
    if (lastCallMs !== undefined && lastCallMs > 0 && loop !== undefined) this.#lastCall = new LastCall({ clock, loop, ms: lastCallMs, over: () => { void this.endIfEmpty(); } });
    else loop?.stop();
    void this.endIfEmpty();
  }

  /** Ends the clients after this time, unless an earlier end is set. */
  #setDeadline(graceMs: number): void {
    const { clients, clock } = this.#parts;
    const deadline = clock.now() + graceMs;
    if (deadline >= this.#deadline) return;
    this.#deadline = deadline;
    this.#timer?.cancel();
    this.#timer = clock.after(graceMs, () => {
      this.#lastCall?.end();
      clients.abort();
    });
  }

  /** To be called when a client has gone: the last one ends the process. */
  async endIfEmpty(): Promise<void> {
    const { clients, exit, faults, serverStopped, wasStarted } = this.#parts;
    const loop = this.#parts.loop();
    if (this.#phase !== 'draining' || loop?.draining === false || (loop?.clients ?? 0) > 0) return;
    this.#phase = 'over';
    await clients.closed();
    if (wasStarted()) {
      try {
        await this.#scope.runInAsyncScope(serverStopped);
      } catch (error) {
        faults.add(asError(error), 'ServerStopped');
      }
    }
    faults.flush();
    exit(0);
  }
}
