import type { Clock, Timer } from '../../src/clock.js';

interface Task {
  readonly dueAt: number;
  readonly task: () => void;
}

/** Far from 0, so that a rule which takes 0 for "never" shows. */
const START = 1_000_000;
const WALL_START = Date.UTC(2020, 0, 1);

/** Time that passes only when a test says so. */
export class ManualClock implements Clock {
  #now = START;
  #wallNow = WALL_START;
  #timers: Task[] = [];
  readonly #soon: (() => void)[] = [];

  now(): number {
    return this.#now;
  }

  wallNow(): number {
    return this.#wallNow;
  }

  after(delayMs: number, task: () => void): Timer {
    const timer = { dueAt: this.#now + Math.max(delayMs, 0), task };
    this.#timers.push(timer);
    return { cancel: () => { this.#timers = this.#timers.filter((other) => other !== timer); } };
  }

  soon(task: () => void): void {
    this.#soon.push(task);
  }

  /** Lets time pass, and runs each timer and each task that was put off, in order, at its time. */
  advance(ms: number): void {
    const end = this.#now + ms;
    this.#runSoon();
    for (let next = this.#next(); next !== undefined && next.dueAt <= end; next = this.#next()) {
      this.#moveTo(Math.max(next.dueAt, this.#now));
      this.#run(next);
      this.#runSoon();
    }
    this.#moveTo(end);
  }

  /** Runs what is due now. */
  settle(): void {
    this.advance(0);
  }

  /** Lets time pass in which this process does not run: what is due meanwhile is late. */
  sleep(ms: number): void {
    this.#moveTo(this.#now + ms);
  }

  /** The process runs again, as an event loop does: first the timers that are due, then what has arrived, then what was put off. */
  wake(arrived: () => void): void {
    for (let next = this.#next(); next !== undefined && next.dueAt <= this.#now; next = this.#next()) this.#run(next);
    arrived();
    this.#runSoon();
  }

  /** Sets the wall clock, as an operator or NTP does. */
  setWall(epochMs: number): void {
    this.#wallNow = epochMs;
  }

  /** In how many milliseconds each timer is due, the earliest first. */
  get delays(): readonly number[] {
    return this.#timers.map(({ dueAt }) => dueAt - this.#now).sort((one, other) => one - other);
  }

  #moveTo(time: number): void {
    this.#wallNow += time - this.#now;
    this.#now = time;
  }

  #run(timer: Task): void {
    this.#timers = this.#timers.filter((other) => other !== timer);
    timer.task();
  }

  /** The timer that is due next; of those due together, the one that was set first. */
  #next(): Task | undefined {
    return this.#timers.reduce<Task | undefined>((first, timer) => (first === undefined || timer.dueAt < first.dueAt ? timer : first), undefined);
  }

  #runSoon(): void {
    while (this.#soon.length > 0) for (const task of this.#soon.splice(0)) task();
  }
}

/** Lets promises and streams that are ready be handled. */
export const turn = (): Promise<void> => new Promise((resolve) => { setImmediate(resolve); });
