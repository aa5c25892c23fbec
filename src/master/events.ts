import { PreforkError } from '../errors.js';
import type { HangReport } from '../ipc/hang-report.js';
import { PROTOCOL_VERSION } from '../ipc/protocol.js';
import type { WorkerErrorReport } from '../ipc/protocol.js';
import type { DrainReason, ExitReason } from '../policy/reasons.js';
import type { ServerEvents } from '../server-events.js';
import { exitText } from './exits.js';
import type { WorkerRecord } from './worker-record.js';
import type { Exit } from './worker-process.js';

/** Sends an event to the user. */
export type Emit = <Name extends keyof ServerEvents>(name: Name, ...args: ServerEvents[Name]) => void;

/** Emits what happens to workers as the user's events. */
export class PoolEvents {
  readonly #emit: Emit;
  #hasSaidTooLarge = false;

  constructor(emit: Emit) {
    this.#emit = emit;
  }

  status(): void {
    this.#emit('status');
  }

  born(record: WorkerRecord): void {
    // A process that could not be started has no pid; its exit says why.
    if (record.pid !== 0) this.#emit('worker:born', name(record));
  }

  ready(record: WorkerRecord, now: number): void {
    this.#emit('worker:ready', { ...name(record), after: (now - record.bornAt) / 1000 });
  }

  drains(record: WorkerRecord, reason: DrainReason): void {
    this.#emit('worker:drain', { ...name(record), reason, connections: record.state.clients });
    if (reason === 'memory' && record.state.served === 0) this.#tooLarge(record);
  }

  exited(record: WorkerRecord, exit: Exit, reason: ExitReason): void {
    const { clients: connections, served } = record.state;
    const { code, signal } = exit;
    this.#emit('worker:exit', { ...name(record), code, signal, reason, text: exitText(record, exit), connections, served });
  }

  failed(record: WorkerRecord, report: WorkerErrorReport): void {
    const error = Object.assign(new Error(report.message), { name: report.name, ...(report.code === undefined ? {} : { code: report.code }) });
    if (report.stack !== undefined) error.stack = report.stack;
    if (report.where === 'uncaught') record.uncaught = error;
    this.#error(record, report.where, error);
  }

  hung(record: WorkerRecord, { blockedMs, stack }: HangReport): void {
    this.#emit('worker:hung', { ...name(record), blockedFor: blockedMs / 1000, stack });
  }

  trouble(record: WorkerRecord, where: string, error: PreforkError): void {
    this.#error(record, where, error);
  }

  garbled(record: WorkerRecord): void {
    this.#error(record, 'protocol', new PreforkError(
      'ERR_PREFORK_STATE',
      `Worker ${record.pid} sent a control message that is not in the protocol; it is ignored. Does it run another version of prefork-tcp-server?`,
    ));
  }

  foreignVersion(record: WorkerRecord, version: number): void {
    this.#error(record, 'start', new PreforkError(
      'ERR_PREFORK_STATE',
      `Worker ${record.pid} speaks version ${version} of the protocol, its master version ${PROTOCOL_VERSION}: it runs another version of prefork-tcp-server. Restart the master after an upgrade.`,
    ));
  }

  /** @param nextMs - when the next try comes; undefined = never */
  startFailed(record: WorkerRecord, exit: Exit, { failures, nextMs }: { readonly failures: number; readonly nextMs: number | undefined }): PreforkError {
    const next = nextMs === undefined ? 'No worker has ever been ready, so the pool gives up.' : `The next try is in ${(nextMs / 1000).toFixed(1)} s.`;
    const cause = exit.error ?? record.uncaught;
    const said = cause === undefined ? '' : cause.message || cause.name;
    const what = said === '' ? '' : ` Its error: ${said.replace(/\.$/, '')}.`;
    const advice = `${what}${exit.stderr ?? ''}`.includes('EADDRINUSE') ? ONE_PROCESS : exit.code === 0 || record.killed === 'boot' ? exit.advice ?? '' : '';
    // What the worker itself wrote about that error is on stderr, and the cause has its stack.
    const stderr = exit.stderr === undefined || (said !== '' && exit.stderr.includes(said)) ? '' : `\nIts last lines on stderr:\n${exit.stderr.trimEnd()}`;
    const error = new PreforkError(
      'ERR_PREFORK_WORKER_BOOT',
      `A worker ended before it was of any use (${exitText(record, exit)}), ${failures} time(s) in a row. ${next}${what}${advice}${stderr}`,
      cause === undefined ? undefined : { cause },
    );
    // Ctrl-C, or a SIGHUP to the whole group, reaches a starting worker before it can leave that to the master: this is not a fault of the program.
    if (exit.signal !== 'SIGINT' && exit.signal !== 'SIGHUP') this.#error(record, 'start', error);
    return error;
  }

  /** A successor will be just as large. */
  #tooLarge(record: WorkerRecord): void {
    if (this.#hasSaidTooLarge) return;
    this.#hasSaidTooLarge = true;
    const { rss = 0 } = record.vitals ?? {};
    this.#error(record, 'memory', new PreforkError(
      'ERR_PREFORK_STATE',
      `Worker ${record.pid} has ${Math.round(rss / 1e6)} MB and is replaced for MaxServerMemory, although it has had no client: if the program needs as much from its start, workers are replaced without end. Raise MaxServerMemory.`,
    ));
  }

  #error(record: WorkerRecord, where: string, error: Error): void {
    this.#emit('worker:error', { ...name(record), where, error });
  }
}

/** What to do if workers try to use what only one process can have. */
const ONE_PROCESS = ' Every worker runs the script: put what only one process can do, such as another listener, behind if (server.isMaster), or give workers a Script of their own.';

const name = ({ pid, id }: WorkerRecord): { pid: number; id: number } => ({ pid, id });
