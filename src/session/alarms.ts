import type { AlarmId } from '../kernel.js';
import type { Clock, Timer } from '../clock.js';
import { startTimer, type Guarded } from './entry.js';

interface Alarm {
  readonly id: AlarmId;
  readonly event: string;
  readonly args: readonly unknown[];
  dueAt: number;
  timer: Timer;
}

/** What alarms call. */
export interface AlarmHost extends Guarded {
  fire(event: string, args: readonly unknown[]): void;
}

/** The timers of one session, which fire in the order in which they are due, and end with the session. */
export class Alarms {
  readonly #clock: Clock;
  readonly #host: AlarmHost;
  readonly #alarms = new Map<AlarmId, Alarm>();
  readonly #named = new Map<string, Set<AlarmId>>();
  /** The one that is due first at the end. */
  readonly #order: Alarm[] = [];
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
    const alarm = { id, event, args, ...this.#start(id, seconds) };
    this.#alarms.set(id, alarm);
    this.#order.splice(this.#place(alarm), 0, alarm);
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
    this.#order.splice(this.#place(alarm), 1);
    Object.assign(alarm, this.#start(id, seconds));
    this.#order.splice(this.#place(alarm), 0, alarm);
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
    this.#order.length = 0;
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
    const first = this.#order.at(-1) ?? alarm;
    if (first !== alarm) alarm.timer = this.#timer(id, 0);
    this.#take(first);
    this.#host.fire(first.event, first.args);
  }

  #timer(id: AlarmId, delayMs: number): Timer {
    return startTimer(this.#clock, delayMs, this.#host, () => { this.#due(id); });
  }

  #take(alarm: Alarm): void {
    alarm.timer.cancel();
    this.#alarms.delete(alarm.id);
    this.#order.splice(this.#place(alarm), 1);
    const named = this.#named.get(alarm.event);
    named?.delete(alarm.id);
    if (named?.size === 0) this.#named.delete(alarm.event);
  }

  /** Where an alarm is, or belongs, in the order. */
  #place({ dueAt, id }: Alarm): number {
    let [from, to] = [0, this.#order.length];
    while (from < to) {
      const middle = (from + to) >>> 1;
      const other = this.#order[middle];
      if (other !== undefined && (other.dueAt > dueAt || (other.dueAt === dueAt && other.id > id))) from = middle + 1;
      else to = middle;
    }
    return from;
  }
}
