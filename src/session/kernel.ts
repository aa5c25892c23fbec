import type { AlarmId, CallbackResult, Kernel, SessionReference, SessionTarget, StateContext } from '../kernel.js';
import type { Clock } from '../clock.js';
import type { Alarms } from './alarms.js';
import { checkedHandler, checkedName, checkedTarget, checkedTime } from './arguments.js';
import type { EventQueue, Receiver } from './event-queue.js';

/** What the kernel needs of the session it is bound to. */
export interface KernelSession extends Receiver {
  readonly alarms: Alarms;
  /** Notes an event of its own before it is queued: after 'shutdown' no further input is handled. */
  expect(event: string): void;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- the handler names the heap it expects
  setState(event: string, handler: ((context: StateContext<any>) => CallbackResult) | undefined): void;
  readonly names: Set<string>;
  readonly isOver: boolean;
}

/** The calls of POE::Kernel, bound to one session. */
export class SessionKernel implements Kernel {
  readonly #session: KernelSession;
  readonly #common: { readonly queue: EventQueue; readonly clock: Clock };

  constructor(session: KernelSession, common: { readonly queue: EventQueue; readonly clock: Clock }) {
    this.#session = session;
    this.#common = common;
  }

  yield(event: string, ...args: unknown[]): void {
    this.#post('yield', this.#session, event, args);
  }

  post(target: SessionTarget, event: string, ...args: unknown[]): boolean {
    const found = this.#common.queue.find(checkedTarget('post', target));
    if (found === undefined) return false;
    this.#post('post', found, event, args);
    return true;
  }

  call(target: SessionTarget, event: string, ...args: unknown[]): unknown {
    return this.#common.queue.find(checkedTarget('call', target))?.call(checkedName('call', event), args, this.#session.reference);
  }

  delay(event: string, seconds?: number, ...args: unknown[]): void {
    checkedName('delay', event);
    if (seconds !== undefined) checkedTime('delay', seconds);
    this.#session.alarms.removeNamed(event);
    if (seconds !== undefined) this.delay_set(event, seconds, ...args);
  }

  delay_add(event: string, seconds: number, ...args: unknown[]): void {
    this.delay_set(event, seconds, ...args);
  }

  delay_set(event: string, seconds: number, ...args: unknown[]): AlarmId {
    return this.#session.alarms.set(checkedName('delay', event), checkedTime('delay', seconds), args);
  }

  delay_adjust(id: AlarmId, seconds: number): boolean {
    return this.#session.alarms.restart(id, checkedTime('delay_adjust', seconds));
  }

  alarm(event: string, epochSeconds?: number, ...args: unknown[]): void {
    checkedName('alarm', event);
    if (epochSeconds !== undefined) checkedTime('alarm', epochSeconds);
    this.#session.alarms.removeNamed(event);
    if (epochSeconds !== undefined) this.alarm_set(event, epochSeconds, ...args);
  }

  alarm_add(event: string, epochSeconds: number, ...args: unknown[]): void {
    this.alarm_set(event, epochSeconds, ...args);
  }

  alarm_set(event: string, epochSeconds: number, ...args: unknown[]): AlarmId {
    const seconds = checkedTime('alarm', epochSeconds) - this.#common.clock.wallNow() / 1000;
    return this.#session.alarms.set(checkedName('alarm', event), seconds, args);
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
    this.#session.setState(checkedName('state', event), checkedHandler('state', handler));
  }

  alias_set(name: string): boolean {
    checkedName('alias_set', name);
    // A session that is over gets no name: nothing would remove it.
    const given = !this.#session.isOver && this.#common.queue.setAlias(this.#session, name);
    if (given) this.#session.names.add(name);
    return given;
  }

  alias_remove(name: string): boolean {
    return this.#session.names.delete(name) && this.#common.queue.removeAlias(this.#session, name);
  }

  alias_resolve(name: string): SessionReference | undefined {
    return this.#common.queue.find(checkedName('alias_resolve', name))?.reference;
  }

  get_active_session(): SessionReference {
    return this.#session.reference;
  }

  #post(call: string, target: Receiver, event: string, args: readonly unknown[]): void {
    checkedName(call, event);
    if (target === this.#session) this.#session.expect(event);
    this.#common.queue.post(target, { event, args, sender: this.#session.reference });
  }
}
