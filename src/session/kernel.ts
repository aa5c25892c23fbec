import type { AlarmId, CallbackResult, Kernel, SessionReference, SessionTarget, StateContext } from '../callbacks.js';
import type { Clock } from '../clock.js';
import { PreforkError } from '../errors.js';
import type { Alarms } from './alarms.js';
import type { EventQueue, Receiver } from './event-queue.js';

/** What the kernel needs of the session it is bound to. */
export interface KernelSession extends Receiver {
  readonly alarms: Alarms;
  /** Notes an event before it is queued: after 'shutdown' no further input is handled. */
  expect(event: string): void;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- the handler names the heap it expects
  setState(event: string, handler: ((context: StateContext<any>) => CallbackResult) | undefined): void;
  readonly names: Set<string>;
  readonly isOver: boolean;
}

/** The calls of POE::Kernel, bound to one session. */
export class SessionKernel implements Kernel {
  readonly #session: KernelSession;
  readonly #queue: EventQueue;
  readonly #clock: Clock;

  constructor(session: KernelSession, { queue, clock }: { readonly queue: EventQueue; readonly clock: Clock }) {
    this.#session = session;
    this.#queue = queue;
    this.#clock = clock;
  }

  yield(event: string, ...args: unknown[]): void {
    this.#session.expect(event);
    this.#queue.post(this.#session, { event, args, sender: this.#session });
  }

  post(target: SessionTarget, event: string, ...args: unknown[]): boolean {
    const found = this.#queue.find(target);
    if (found === undefined) return false;
    if (found === this.#session) this.#session.expect(event);
    this.#queue.post(found, { event, args, sender: this.#session });
    return true;
  }

  call(target: SessionTarget, event: string, ...args: unknown[]): unknown {
    return this.#queue.find(target)?.call(event, args, this.#session);
  }

  delay(event: string, seconds?: number, ...args: unknown[]): void {
    this.#session.alarms.removeNamed(event);
    if (seconds !== undefined) this.delay_set(event, seconds, ...args);
  }

  delay_add(event: string, seconds: number, ...args: unknown[]): void {
    this.delay_set(event, seconds, ...args);
  }

  delay_set(event: string, seconds: number, ...args: unknown[]): AlarmId {
    return this.#session.alarms.set(event, checkedTime('delay', seconds), args);
  }

  delay_adjust(id: AlarmId, seconds: number): boolean {
    return this.#session.alarms.restart(id, checkedTime('delay_adjust', seconds));
  }

  alarm(event: string, epochSeconds?: number, ...args: unknown[]): void {
    this.#session.alarms.removeNamed(event);
    if (epochSeconds !== undefined) this.alarm_set(event, epochSeconds, ...args);
  }

  alarm_add(event: string, epochSeconds: number, ...args: unknown[]): void {
    this.alarm_set(event, epochSeconds, ...args);
  }

  alarm_set(event: string, epochSeconds: number, ...args: unknown[]): AlarmId {
    return this.#session.alarms.set(event, checkedTime('alarm', epochSeconds) - this.#clock.wallNow() / 1000, args);
  }

  alarm_adjust(id: AlarmId, deltaSeconds: number): boolean {
    return this.#session.alarms.move(id, checkedTime('alarm_adjust', deltaSeconds));
  }

  alarm_remove(id: AlarmId): boolean {
    return this.#session.alarms.remove(id);
  }

  alarm_remove_all(): void {
    this.#session.alarms.clear();
  }

  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- the handler names the heap it expects
  state(event: string, handler?: (context: StateContext<any>) => CallbackResult): void {
    this.#session.setState(event, handler);
  }

  alias_set(name: string): boolean {
    // A session that is over keeps no name: nobody would take it off.
    const given = !this.#session.isOver && this.#queue.setAlias(this.#session, name);
    if (given) this.#session.names.add(name);
    return given;
  }

  alias_remove(name: string): boolean {
    return this.#session.names.delete(name) && this.#queue.removeAlias(this.#session, name);
  }

  alias_resolve(name: string): SessionReference | undefined {
    return this.#queue.find(name);
  }

  get_active_session(): SessionReference {
    return this.#session;
  }
}

function checkedTime(call: string, seconds: unknown): number {
  if (typeof seconds === 'number' && Number.isFinite(seconds)) return seconds;
  throw new PreforkError('ERR_PREFORK_STATE', `kernel.${call} was given ${String(seconds)} as its time; it takes a number of seconds.`);
}
