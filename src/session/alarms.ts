import type { AlarmId } from '../kernel.js';
import type { Clock, Timer } from '../clock.js';
import { startTimer, type Guarded } from './entry.js';

interface Alarm {
  readonly event: string;
  readonly args: readonly unknown[];
  dueAt: number;
  timer: Timer;
}

/** What alarms are for. */
export interface AlarmHost extends Guarded {
  fire(event: string, args: readonly unknown[]): void;
}

/** The timers of one session. They go with it. */
export class Alarms {
  readonly #clock: Clock;
  readonly #host: AlarmHost;
  readonly #alarms = new Map<AlarmId, Alarm>();
  readonly #named = new Map<string, Set<AlarmId>>();
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
    this.#alarms.set(id, { event, args, ...this.#start(id, seconds) });
    const named = this.#named.get(event);
    if (named === undefined) this.#named.set(event, new Set([id]));
    else named.add(id);
    return id;
  }

  /** Restarts a timer with other seconds from now. @returns false if it is gone */
  restart(id: AlarmId, seconds: number): boolean {
    const alarm = this.#alarms.get(id);
    if (alarm === undefined) return false;
    alarm.timer.cancel();
    Object.assign(alarm, this.#start(id, seconds));
    return true;
  }

  /** Moves a timer by seconds. @returns false if it is gone */
  move(id: AlarmId, seconds: number): boolean {
    const alarm = this.#alarms.get(id);
    return alarm !== undefined && this.restart(id, (alarm.dueAt - this.#clock.now()) / 1000 + seconds);
  }

  remove(id: AlarmId): boolean {
    const alarm = this.#alarms.get(id);
    alarm?.timer.cancel();
    return this.#take(id) !== undefined;
  }

  /** Forgets every timer of one event name. */
  removeNamed(event: string): void {
    for (const id of this.#named.get(event) ?? []) this.remove(id);
  }

  clear(): void {
    for (const id of this.#alarms.keys()) this.remove(id);
  }

  /** Forgets every timer, and takes no more. */
  end(): void {
    this.#ended = true;
    this.clear();
  }

  #start(id: AlarmId, seconds: number): Pick<Alarm, 'dueAt' | 'timer'> {
    const delayMs = Math.max(seconds, 0) * 1000;
    return { dueAt: this.#clock.now() + delayMs, timer: startTimer(this.#clock, delayMs, this.#host, () => { this.#due(id); }) };
  }

  #due(id: AlarmId): void {
    const alarm = this.#alarms.get(id);
    if (alarm === undefined) return;
    // A timer longer than the clock can carry fires early; it goes on for the rest.
    const left = alarm.dueAt - this.#clock.now();
    if (left > 1) return void this.restart(id, left / 1000);
    this.#take(id);
    this.#host.fire(alarm.event, alarm.args);
  }

  #take(id: AlarmId): Alarm | undefined {
    const alarm = this.#alarms.get(id);
    if (alarm === undefined) return undefined;
    this.#alarms.delete(id);
    const named = this.#named.get(alarm.event);
    named?.delete(id);
    if (named?.size === 0) this.#named.delete(alarm.event);
    return alarm;
  }
}
