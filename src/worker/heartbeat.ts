import type { Clock, Timer } from '../clock.js';
import type { WorkerVitals } from '../ipc/protocol.js';

/** Beats at an interval that may change, and reports how the process is. Its own lateness shows how busy the event loop was. */
export class Heartbeat {
  readonly #clock: Clock;
  readonly #beat: (vitals: WorkerVitals) => void;
  #timer: Timer | undefined;
  #history = { rss: 0, heapUsed: 0 };

  constructor(clock: Clock, beat: (vitals: WorkerVitals) => void) {
    this.#clock = clock;
    this.#beat = beat;
  }

  start(everyMs: number): void {
    this.#timer?.cancel();
    const dueAt = this.#clock.now() + everyMs;
    this.#timer = this.#clock.after(everyMs, () => {
      this.#history = readMemory() ?? this.#history;
      this.#beat({ ...this.#history, loopDelayMs: Math.max(this.#clock.now() - dueAt, 0) });
      this.start(everyMs);
    });
  }
}

/** undefined if the process is out of descriptors: the kernel says so by a file. */
function readMemory(): Pick<WorkerVitals, 'rss' | 'heapUsed'> | undefined {
  try {
    const { rss, heapUsed } = process.memoryUsage();
    return { rss, heapUsed };
  } catch {
    return undefined;
  }
}
