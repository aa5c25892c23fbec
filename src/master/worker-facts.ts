import type { Clock } from '../clock.js';
import { PROTOCOL_VERSION } from '../ipc/protocol.js';
import type { ToMaster, WelcomeOrder, WorkerState } from '../ipc/protocol.js';
import type { GivenOptions } from '../options/given.js';
import type { DrainReason, KillReason } from '../policy/reasons.js';
import type { PoolEvents } from './events.js';
import type { PoolHistory } from './pool-history.js';
import type { ReloadWatcher } from './reload.js';
import type { Roster } from './roster.js';
import type { UserMessages } from './user-messages.js';
import type { Exit, WorkerEvents } from './worker-process.js';
import { isBlockedWorker, type WorkerRecord } from './worker-record.js';

/** What has to know what workers say. */
export interface WorkerFactsParts {
  readonly clock: Clock;
  readonly roster: Roster;
  readonly history: PoolHistory;
  readonly events: PoolEvents;
  readonly messages: UserMessages;
  readonly reloads: ReloadWatcher | undefined;
  readonly exited: (record: WorkerRecord, exit: Exit) => void;
  /** A worker has loaded its program. */
  readonly loaded: () => void;
  readonly welcome: (record: WorkerRecord) => WelcomeOrder;
  readonly kill: (record: WorkerRecord, reason: KillReason) => void;
  /** A worker got SIGTERM. */
  readonly signalled: (record: WorkerRecord) => void;
  /** @param graceMs - how long it gives its clients; null = as long as they like, undefined = it has not said */
  readonly drainsItself: (record: WorkerRecord, reason: DrainReason, graceMs: number | null | undefined) => void;
  /** A worker of a stopping pool accepts no more. @param isQueueEmpty - it has found the kernel's queue empty */
  readonly lastCallEnded: (isQueueEmpty: boolean) => void;
  /** A worker may take clients, for the first time. */
  readonly accepting: () => void;
  /** Not one worker has ever been able to listen. */
  readonly cannotListen: (code: string) => void;
  /** A worker's callback asks for the end of the pool. */
  readonly shutdownAsked: () => void;
  readonly changed: () => void;
}

/** Takes note of what workers say: one switch over the facts of the protocol. */
export class WorkerFacts {
  readonly #parts: WorkerFactsParts;
  #hasAccepted = false;

  constructor(parts: WorkerFactsParts) {
    this.#parts = parts;
  }

  /** What the process of a worker says, as long as it is in the roster. */
  listen(id: number): WorkerEvents {
    const { events, exited, kill, messages, roster } = this.#parts;
    const known = (take: (record: WorkerRecord) => void): void => {
      const record = roster.get(id);
      if (record !== undefined) take(record);
    };
    return {
      fact: (fact) => { known((record) => { this.#heard(record, fact); }); },
      exit: (exit) => { known((record) => { exited(record, exit); }); },
      absent: () => { known((record) => { kill(record, 'boot'); }); },
      failed: (error, where) => { known((record) => { events.trouble(record, where, error); }); },
      garbled: () => { known((record) => { events.garbled(record); }); },
      message: (message) => { known((record) => { messages.heardRaw(record, message); }); },
      hung: (report) => { known((record) => { events.hung(record, report); }); },
    };
  }

  #heard(record: WorkerRecord, fact: ToMaster): void {
    const { changed, cannotListen, clock, drainsItself, events, messages, reloads, roster, shutdownAsked, signalled } = this.#parts;
    const now = clock.now();
    const wasBlocked = isBlockedWorker(record, now);
    roster.heard(record, now);
    if (record.trial) reloads?.heard(record.id);
    switch (fact.type) {
      case 'loaded': return; // of interest only to the watch over its start
      case 'hello': return this.#greeted(record, fact.version);
      case 'ready': return this.#ready(record, fact.options, now);
      case 'pulse':
        if (wasBlocked) changed();
        return;
      case 'heartbeat':
        record.vitals = fact.vitals;
        return this.#reported(record, fact.state, now);
      case 'state': return this.#reported(record, fact.state, now);
      case 'signalled': return signalled(record);
      case 'draining': return drainsItself(record, fact.reason, fact.graceMs);
      case 'boot-failed':
        reloads?.bootFailed(record.id, fact.error);
        return events.failed(record, fact.error);
      case 'failed': return events.failed(record, fact.error);
      case 'listen-failed':
        events.failed(record, { name: 'Error', message: fact.message, code: fact.code, where: 'listen' });
        if (!this.#hasAccepted) cannotListen(fact.code);
        return;
      case 'shutdown-all': return shutdownAsked();
      case 'message':
      case 'broadcast': return messages.heard(record, fact);
    }
  }

  #greeted(record: WorkerRecord, version: number): void {
    // Only once: what a client sends may look like another greeting.
    if (record.isWelcome) return;
    record.isWelcome = true;
    const { events, kill, loaded, reloads, welcome } = this.#parts;
    if (version === PROTOCOL_VERSION) {
      record.process.send(welcome(record));
      return loaded();
    }
    events.foreignVersion(record, version);
    reloads?.foreignVersion(record.id);
    kill(record, 'boot');
  }

  #ready(record: WorkerRecord, options: GivenOptions, now: number): void {
    const { changed, events, history, reloads, roster } = this.#parts;
    if (!roster.ready(record, now)) return;
    if (!record.trial) history.workerReady(record);
    events.ready(record, now);
    reloads?.ready(record, options);
    changed();
  }

  #reported(record: WorkerRecord, state: WorkerState, now: number): void {
    const { accepting, changed, history, lastCallEnded, roster } = this.#parts;
    roster.report(record, state, now);
    if (!record.trial) history.heard(record, now);
    if (record.isLastCall && state.draining) {
      record.isLastCall = false;
      lastCallEnded(!state.paused.includes('lifetimes'));
    }
    if (!this.#hasAccepted && record.phase === 'ready' && state.copiesUsed > 0) {
      this.#hasAccepted = true;
      accepting();
    }
    changed();
  }
}
