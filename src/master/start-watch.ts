import { readFileSync } from 'node:fs';
import type { Clock, Timer } from '../clock.js';

/** What a process is doing, as far as the system says. */
export interface Activity {
  /** It waits: it neither runs, nor reads a disk, nor is stopped or under a debugger. */
  readonly sleeps: boolean;
  /** Processor time so far, in hundredths of a second. */
  readonly ticks: number;
}

/** How often it is looked at. */
const LOOK_MS = 1000;
/** Processor time between two looks that a merely waiting program does not reach. */
const BUSY_TICKS = 5;
/** How often in a row a program has to be seen doing nothing before its start counts as finished. */
const IDLE_LOOKS = 6;

/** Processor time after which a program that has made no server perhaps never will. Not elapsed time: on a busy machine a start may take long. */
const LONG_TICKS = 1000;

/** What is watched, and what to call. */
export interface StartWatchParts {
  readonly clock: Clock;
  /** undefined = the system does not say. */
  readonly look: () => Activity | undefined;
  /** It makes no server. */
  readonly absent: () => void;
  /** It has computed for so long that it may be in a loop. Called at most once. */
  readonly busy: () => void;
}

/**
 * Finds out that the program of a worker makes no server, which nothing else would show: it has not loaded this library at all, or
 * has made only servers with other names, and for seconds it has done nothing. One that has loaded the library may be waiting for
 * its database: that is left to the start limit. So is one that computes; but as it may be in a loop, that is reported earlier.
 */
export class StartWatch {
  readonly #parts: StartWatchParts;
  #timer: Timer | undefined;
  #made: readonly string[] | undefined;
  #ticks = 0;
  #isLong = false;
  #idle = 0;

  constructor(parts: StartWatchParts) {
    this.#parts = parts;
    this.#wait();
  }

  /** The names of the servers that it has made instead; undefined = it has not loaded this library. */
  get made(): readonly string[] | undefined {
    return this.#made;
  }

  /** It has loaded this library, and made servers of these other names so far. */
  loaded(made: readonly string[]): void {
    this.#made = made;
    this.#idle = 0;
  }

  /** It has made its server, or has ended. */
  stop(): void {
    this.#timer?.cancel();
  }

  #wait(): void {
    this.#timer = this.#parts.clock.after(LOOK_MS, () => { this.#look(); }, { idle: true });
  }

  #look(): void {
    const { look, absent, busy } = this.#parts;
    const activity = look();
    if (activity === undefined) return;
    if (activity.ticks >= LONG_TICKS && !this.#isLong) {
      this.#isLong = true;
      busy();
    }
    const isIdle = activity.sleeps && activity.ticks - this.#ticks < BUSY_TICKS;
    this.#ticks = activity.ticks;
    this.#idle = isIdle ? this.#idle + 1 : 0;
    if (this.#idle >= IDLE_LOOKS && this.#made?.length !== 0) absent();
    else this.#wait();
  }
}

/** What a process does; undefined where there is no /proc, or it has ended. */
export function activityOf(pid: number): Activity | undefined {
  try {
    // The name is in parentheses and may contain any character: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { sleeps: state === 'S', ticks: Number(fields[10]) + Number(fields[11]) };
  } catch {
    return undefined;
  }
}
