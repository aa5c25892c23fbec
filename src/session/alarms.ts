import type { AsyncResource } from 'node:async_hooks';
import type { AlarmId } from '../kernel.js';
import type { Clock, Timer } from '../clock.js';
import { DueQueue, type Due } from './due-queue.js';
import { newScope, startTimer, within, type Guarded } from './entry.js';

interface Alarm extends Due {
  readonly id: AlarmId;
  readonly event: string;
  readonly args: readonly unknown[];
  /** The async context in which it was set: its timer may have been restarted in another, or another's fire in its place. */
  readonly scope: AsyncResource;
  timer: Timer;
}

/** What alarms call. */
export interface AlarmHost extends Guarded {
  /** It is time for a step: it is to run now, or soon. */
  onTime(step: () => void): void;
  fire(event: string, args: readonly unknown[]): void;
}

/** The timers of one session, which fire in the order in which they are due, and end with the session. */
export class Alarms {
  readonly #clock: Clock;
  readonly #host: AlarmHost;
  readonly #alarms = new Map<AlarmId, Alarm>();
  readonly #named = new Map<string, Set<AlarmId>>();
  readonly #order = new DueQueue<Alarm>();
  #lastId = 0;
  #ended = false;

  constructor(clock: Clock, host: AlarmHost) {
    this.#clock = clock;
    this.#host = host;
  }

  /** Starts a timer. */
  set(event: string, seconds: number, args: readonly unknown[]): AlarmId {
    this.#lastId += 1;
    const id = this.#lastId;
    if (this.#ended) return id;
    const alarm = { id, event, args, scope: newScope('PREFORK_ALARM'), place: 0, ...this.#start(id, seconds) };
    this.#alarms.set(id, alarm);
    this.#order.add(alarm);
    const named = this.#named.get(event);
    if (named === undefined) this.#named.set(event, new Set([id]));
    else named.add(id);
    return id;
  }

  /** Restarts a timer with a new delay from now. @returns false if it is gone */
  restart(id: AlarmId, seconds: number): boolean {
    const alarm = this.#alarms.get(id);
    if (alarm === undefined) return false;
    alarm.timer.cancel();
    this.#order.remove(alarm);
    Object.assign(alarm, this.#start(id, seconds));
    this.#order.add(alarm);
    return true;
  }

  /** Moves a timer by seconds. @returns false if it is gone */
  move(id: AlarmId, seconds: number): boolean {
    const alarm = this.#alarms.get(id);
    return alarm !== undefined && this.restart(id, (alarm.dueAt - this.#clock.now()) / 1000 + seconds);
  }

  remove(id: AlarmId): boolean {
    const alarm = this.#alarms.get(id);
    if (alarm !== undefined) this.#take(alarm);
    return alarm !== undefined;
  }

  /** Forgets every timer of one event name. */
  removeNamed(event: string): void {
    for (const id of this.#named.get(event) ?? []) this.remove(id);
  }

  clear(): void {
    for (const { timer } of this.#alarms.values()) timer.cancel();
    this.#alarms.clear();
    this.#named.clear();
    this.#order.clear();
  }

  /** Forgets every timer, and accepts no new ones. */
  end(): void {
    this.#ended = true;
    this.clear();
  }

  #start(id: AlarmId, seconds: number): Pick<Alarm, 'dueAt' | 'timer'> {
    const delayMs = Math.max(seconds, 0) * 1000;
    return { dueAt: this.#clock.now() + delayMs, timer: this.#timer(id, delayMs) };
  }

  #due(id: AlarmId): void {
    const alarm = this.#alarms.get(id);
    if (alarm === undefined) return;
    // A timer longer than the clock supports fires early; it continues for the rest.
    const left = alarm.dueAt - this.#clock.now();
    if (left > 1) return void this.restart(id, left / 1000);
    // Node guarantees no order of timers that are late together (https://nodejs.org/api/timers.html#settimeoutcallback-delay-args);
    // POE does for events. So the first one due fires in place of this one, which comes after it.
    const first = this.#order.first ?? alarm;
    if (first !== alarm) alarm.timer = this.#timer(id, 0);
    this.#take(first);
    within(first.scope, () => { this.#host.fire(first.event, first.args); });
  }

  #timer(id: AlarmId, delayMs: number): Timer {
    return startTimer(this.#clock, delayMs, this.#host, () => { this.#host.onTime(() => { this.#due(id); }); });
  }

  #take(alarm: Alarm): void {
    alarm.timer.cancel();
    this.#alarms.delete(alarm.id);
    this.#order.remove(alarm);
    const named = this.#named.get(alarm.event);
    named?.delete(alarm.id);
    if (named?.size === 0) this.#named.delete(alarm.event);
  }
}
