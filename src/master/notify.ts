import { builtIn } from '../built-ins.js';
import type { Clock, Timer } from '../clock.js';

/** What a service manager is told about the current state. */
export interface ServiceState {
  readonly ready: number;
  readonly workers: number;
  readonly clients: number;
  /** No clients are served because the user has paused the pool. */
  readonly paused: boolean;
  /** Anything else that an operator has to know, in words. */
  readonly note: string | undefined;
}

/** What the notifier is made of. */
export interface NotifierParts {
  readonly clock: Clock;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly pid: number;
  readonly state: () => ServiceState;
  /** Sends assignments in one message. Tests pass their own. */
  readonly send: (assignments: readonly string[]) => Promise<void>;
  /** CLOCK_MONOTONIC in microseconds. */
  readonly monotonicMicros: () => bigint;
}

/** While the pool drains, systemd is asked this often for this much more time (EXTEND_TIMEOUT_USEC, sd_notify(3)). */
const EXTEND_EVERY_MS = 5000;
const EXTEND_BY_MS = 15_000;

/**
 * Reports to systemd what the service does (sd_notify(3)), one message after the other.
 *
 * The watchdog is fed from the master's own event loop, and only while a worker is ready or the user has paused the pool:
 * a master that is blocked, or a pool that serves no clients, is restarted.
 */
export class Notifier {
  readonly #parts: NotifierParts;
  readonly #watchdogMs: number | undefined;
  #sending: Promise<void> = Promise.resolve();
  #timer: Timer | undefined;
  #extending: Timer | undefined;
  #isFeeding = false;
  #isOver = false;

  constructor(parts: NotifierParts) {
    this.#parts = parts;
    const { WATCHDOG_USEC, WATCHDOG_PID } = parts.env;
    const micros = Number(WATCHDOG_USEC ?? 0);
    const isOurs = WATCHDOG_PID === undefined || WATCHDOG_PID === String(parts.pid);
    this.#watchdogMs = isOurs && micros > 0 ? micros / 2000 : undefined;
  }

  /** The pool serves. */
  ready(): void {
    this.#send('READY=1', `STATUS=${this.#status()}`);
    if (this.#timer === undefined) this.#feed();
  }

  /** A reload has begun; `ready()` ends it. */
  reloading(status: string): void {
    this.#send('RELOADING=1', `MONOTONIC_USEC=${this.#parts.monotonicMicros()}`, `STATUS=${status}`);
  }

  /** Another process is the service now. */
  handOver(pid: number): Promise<void> {
    this.#send(`MAINPID=${pid}`);
    return this.#sending;
  }

  /** The pool drains. */
  stopping(): void {
    this.#send('STOPPING=1', `STATUS=draining: ${this.#status()}`);
    this.#extend();
  }

  /** Nothing more is sent. @returns a promise for the messages that are under way */
  close(): Promise<void> {
    this.#isOver = true;
    this.#timer?.cancel();
    this.#extending?.cancel();
    return this.#sending;
  }

  #feed(): void {
    if (this.#watchdogMs === undefined || this.#isOver) return;
    const { ready, paused } = this.#parts.state();
    // One at a time: on a machine where sending takes longer than the interval they would pile up.
    if (!this.#isFeeding && (ready > 0 || paused || this.#extending !== undefined)) {
      this.#isFeeding = true;
      this.#send('WATCHDOG=1', `STATUS=${this.#status()}`);
      void this.#sending.then(() => { this.#isFeeding = false; });
    }
    this.#timer = this.#parts.clock.after(this.#watchdogMs, () => { this.#feed(); }, { idle: true });
  }

  #extend(): void {
    if (this.#isOver) return;
    this.#send(`EXTEND_TIMEOUT_USEC=${EXTEND_BY_MS * 1000}`);
    this.#extending = this.#parts.clock.after(EXTEND_EVERY_MS, () => { this.#extend(); }, { idle: true });
  }

  #status(): string {
    const { ready, workers, clients, paused, note } = this.#parts.state();
    return `${paused ? 'paused, ' : ''}${ready} of ${workers} workers ready, ${clients} clients${note === undefined ? '' : `; ${note}`}`;
  }

  #send(...assignments: readonly string[]): void {
    this.#sending = this.#sending.then(() => this.#parts.send(assignments.map((one) => one.replaceAll('\n', ' '))));
  }
}

/**
 * Sends through the program systemd-notify: Node has no datagram sockets of the Unix family. Without --no-block, with
 * which it would end before systemd has read the message, so that systemd could no longer find out who sent it.
 */
export async function systemdNotify(assignments: readonly string[]): Promise<void> {
  await new Promise<void>((resolve) => {
    builtIn('node:child_process').execFile('systemd-notify', [...assignments], { timeout: NOTIFY_TIMEOUT_MS }, (error) => {
      if (error !== null) warn(error);
      resolve();
    });
  });
}

const NOTIFY_TIMEOUT_MS = 5000;

let hasWarned = false;

function warn(error: Error): void {
  if (hasWarned) return;
  hasWarned = true;
  process.emitWarning(`systemd does not hear of this service: ${error.message.trim()}. Install the program systemd-notify, or turn the option Notify off.`, { code: 'PREFORK_NOTIFY' });
}
