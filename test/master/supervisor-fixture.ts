import type { SendHandle } from 'node:child_process';
import type { Release } from '../../src/master/release.js';
import type { ReloadWatcher } from '../../src/master/reload.js';
import { Supervisor } from '../../src/master/supervisor.js';
import { resolveThresholds, type Thresholds } from '../../src/options/thresholds.js';
import type { PoolOptions } from '../../src/options/options.js';
import type { ServerEvents } from '../../src/server-events.js';
import { FakeWorkers } from '../support/fake-workers.js';
import { ManualClock } from '../support/manual-clock.js';

export const HANDLE = {} as SendHandle;
/** What the first workers run. */
export const RELEASE: Release = { number: 1, script: '/releases/1/server.js', directory: '/releases/1', isMixed: () => false };
export const WELCOME = { backlog: 511, endWithMaster: false, ticketKeys: null };

/** What a pool is made of besides its options. */
export interface PoolSetup {
  readonly random?: () => number;
  readonly holders?: number;
  readonly clock?: ManualClock;
  readonly reloads?: ReloadWatcher;
}

/** A supervisor of fake workers, under a manual clock, and everything that it reports. */
export class Pool {
  readonly clock: ManualClock;
  readonly workers: FakeWorkers;
  readonly supervisor: Supervisor;
  readonly events: { readonly name: keyof ServerEvents; readonly event: unknown }[] = [];
  /** What made the pool useless. */
  readonly broken: unknown[] = [];
  readonly thresholds: Thresholds;
  accepting = 0;
  /** Whether someone listens to worker:message. */
  isHeard = true;
  /** Clients in the kernel's queue. */
  queued = 0;
  /** How often the socket was to be closed. */
  served = 0;
  shutdownsAsked = 0;
  /** Whether the server ends, or will after ShutdownDelay. */
  isEnding = false;
  /** Whether another process keeps the socket open. */
  isShared = false;

  constructor(options: PoolOptions = {}, { random = () => 0, holders = 2, clock = new ManualClock(), reloads }: PoolSetup = {}) {
    this.clock = clock;
    this.workers = new FakeWorkers(clock);
    this.thresholds = resolveThresholds(options);
    this.supervisor = new Supervisor({
      clock: this.clock,
      spawn: this.workers.spawn,
      spawnOptions: (captureStderr, release) => ({ env: { MARK: 'alias' }, captureStderr, release }),
      release: RELEASE,
      thresholds: this.thresholds,
      address: { address: '127.0.0.1', family: 'IPv4', port: 4711 },
      handle: HANDLE,
      welcome: WELCOME,
      holders,
      openFiles: 1024,
      random,
      emit: (name, ...[event]) => { this.events.push({ name, event }); },
      isHeard: () => this.isHeard,
      queued: () => this.queued,
      served: () => { this.served += 1; },
      accepting: () => { this.accepting += 1; },
      broken: (error) => { this.broken.push(error); },
      ...(reloads !== undefined && { reloads }),
      shutdownAsked: () => { this.shutdownsAsked += 1; },
      isEnding: () => this.isEnding,
      isShared: () => this.isShared,
    });
  }

  /** Forks the first workers, and lets all of them become ready. */
  boot(): this {
    this.supervisor.start();
    this.clock.settle();
    // Those that have loaded their program make way for the next.
    for (let booted = 0; booted < this.workers.all().length;) {
      const fresh = this.workers.all().slice(booted);
      booted += fresh.length;
      for (const worker of fresh) if (!worker.hasExited) worker.boot();
      this.clock.settle();
    }
    return this;
  }

  /** A pool whose workers answer by themselves. */
  cooperate(): this {
    this.workers.cooperate();
    this.supervisor.start();
    this.clock.settle();
    return this;
  }

  /** Lets time pass in small steps, in which every worker that is not made silent sends heartbeats. */
  live(ms: number, { silent = [] }: { readonly silent?: readonly number[] } = {}): void {
    const stepMs = this.thresholds.pool.heartbeatMs / 4;
    for (let left = ms; left > 0; left -= stepMs) {
      this.clock.advance(Math.min(stepMs, left));
      for (const [index, worker] of this.workers.all().entries()) {
        if (worker.hasExited || silent.includes(index + 1)) continue;
        if (worker.welcome === undefined) worker.boot();
        else worker.heartbeat();
      }
      this.clock.settle();
    }
  }

  /** All events of one name, in order. */
  of<Name extends keyof ServerEvents>(name: Name): ServerEvents[Name][0][] {
    return this.events.filter((one) => one.name === name).map(({ event }) => event as ServerEvents[Name][0]);
  }

  get phases(): string[] {
    return this.supervisor.roster.all().map(({ phase }) => phase);
  }
}
