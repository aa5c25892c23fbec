import { besideFor } from '../beside.js';
import { builtIn } from '../built-ins.js';
import type { Clock, Timer } from '../clock.js';

/** What the watchdog's thread is started with. */
export interface WatchdogData {
  /** Places below, shared by both threads. */
  readonly shared: SharedArrayBuffer;
  /** The pipe to the master for its reports. */
  readonly fd: number;
  /** The master's pid. The thread could not find it out itself: by the time it runs, the master may be gone. */
  readonly master: number;
}

/** Places in the shared memory, each a 64-bit number. */
export const Place = {
  /** When the event loop last turned: process.hrtime, in nanoseconds. */
  beatenAt: 0,
  /** How long the loop may be blocked before it counts as hung, in milliseconds. */
  hungMs: 1,
  /** How long this process may outlive its master, in milliseconds; -1 = no limit. */
  graceMs: 2,
} as const;

/** The main thread shows at least this often that its event loop turns. */
const LONGEST_BEAT_MS = 1000;

/**
 * Watches the event loop from a thread of its own, which also works while the main thread is blocked: it sends the
 * master the JavaScript stack of the blocked thread, and ends a process that hangs and has lost its master.
 */
export class Watchdog {
  readonly #clock: Clock;
  readonly #places: BigInt64Array;
  /** 0 = derived from the heartbeats. */
  readonly #hungMs: number;
  #timer: Timer | undefined;

  constructor({ clock, fd, hungMs }: { readonly clock: Clock; readonly fd: number; readonly hungMs: number }) {
    this.#clock = clock;
    this.#hungMs = hungMs;
    const shared = new SharedArrayBuffer(8 * Object.keys(Place).length);
    this.#places = new BigInt64Array(shared);
    const workerData: WatchdogData = { shared, fd, master: process.ppid };
    this.#beat(LONGEST_BEAT_MS);
    // The loaders of the user's program would only cost time and memory there, and the thread needs hardly any heap.
    const { Worker } = builtIn('node:worker_threads');
    const thread = new Worker(besideFor('HangReport', 'watchdog-thread.js'), {
      workerData, execArgv: [], env: {}, resourceLimits: { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 2 },
    });
    thread.unref();
    thread.on('error', () => { this.#timer?.cancel(); });
  }

  /** Adopts the times of the configuration, in milliseconds; a grace of null = no limit. */
  configure({ heartbeatMs, graceMs }: { readonly heartbeatMs: number; readonly graceMs: number | null }): void {
    const beatMs = Math.min(heartbeatMs, LONGEST_BEAT_MS);
    // At least two beats fit into the time after which silence counts as a hang.
    const everyMs = this.#hungMs === 0 ? beatMs : Math.min(beatMs, this.#hungMs / 2);
    Atomics.store(this.#places, Place.hungMs, BigInt(Math.ceil(this.#hungMs === 0 ? 2 * everyMs : this.#hungMs)));
    Atomics.store(this.#places, Place.graceMs, graceMs === null ? -1n : BigInt(Math.ceil(graceMs)));
    this.#timer?.cancel();
    this.#beat(everyMs);
  }

  #beat(everyMs: number): void {
    Atomics.store(this.#places, Place.beatenAt, process.hrtime.bigint());
    this.#timer = this.#clock.after(everyMs, () => { this.#beat(everyMs); }, { idle: true });
  }
}
