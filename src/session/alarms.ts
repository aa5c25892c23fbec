import type { AlarmId } from '../callbacks.js';
import type { Clock, Timer } from '../clock.js';

interface Alarm {
  readonly event: string;
  readonly args: readonly unknown[];
  dueAt: number;
  timer: Timer;
}

/** The timers of one session. They go with it. */
export class Alarms {
  readonly #clock: Clock;
  readonly #fire: (event: string, args: readonly unknown[]) => void;
  readonly #alarms = new Map<AlarmId, Alarm>();
  #lastId = 0;
  #ended = false;

  constructor(clock: Clock, fire: (event: string, args: readonly unknown[]) => void) {
    this.#clock = clock;
    this.#fire = fire;
  }

  /** Starts a timer. */
  set(event: string, seconds: number, args: readonly unknown[]): AlarmId {
    this.#lastId += 1;
    const id = this.#lastId;
    if (this.#ended) return id;
    this.#alarms.set(id, { event, args, ...this.#start(id, seconds) });
    return id;
  }

  /** Restarts a timer so many seconds from now. @returns false if it is gone */
  restart(id: AlarmId, seconds: number): boolean {
    const alarm = this.#alarms.get(id);
    if (alarm === undefined) return false;
    alarm.timer.cancel();
    Object.assign(alarm, this.#start(id, seconds));
    return true;
  }

  /** Moves a timer by so many seconds. @returns false if it is gone */
  move(id: AlarmId, seconds: number): boolean {
    const alarm = this.#alarms.get(id);
    return alarm !== undefined && this.restart(id, (alarm.dueAt - this.#clock.now()) / 1000 + seconds);
  }

  remove(id: AlarmId): boolean {
    this.#alarms.get(id)?.timer.cancel();
    return this.#alarms.delete(id);
  }

  /** Forgets every timer of one event name. */
  removeNamed(event: string): void {
    for (const [id, alarm] of this.#alarms) if (alarm.event === event) this.remove(id);
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
    return { dueAt: this.#clock.now() + delayMs, timer: this.#clock.after(delayMs, () => { this.#due(id); }) };
  }

  #due(id: AlarmId): void {
    const alarm = this.#alarms.get(id);
    if (alarm === undefined) return;
    // A timer longer than the clock can carry fires early; it goes on for the rest.
    const left = alarm.dueAt - this.#clock.now();
    if (left > 1) return void this.restart(id, left / 1000);
    this.#alarms.delete(id);
    this.#fire(alarm.event, alarm.args);
  }
}
