import { untilNext, type Clock, type Timer } from '../clock.js';
import type { WorkerVitals } from '../ipc/protocol.js';

type Memory = Pick<WorkerVitals, 'rss' | 'heapUsed'>;

/** Beats at an interval that may change, and reports the state of the process. Its own lateness shows how busy the event loop was. */
export class Heartbeat {
  readonly #clock: Clock;
  readonly #beat: (vitals: WorkerVitals) => void;
  readonly #failed: (error: Error) => void;
  #timer: Timer | undefined;
  #history: Memory = { rss: 0, heapUsed: 0 };
  #hasFailed = false;

  /** @param failed - called once if the memory cannot be read */
  constructor(clock: Clock, beat: (vitals: WorkerVitals) => void, failed: (error: Error) => void) {
    this.#clock = clock;
    this.#beat = beat;
    this.#failed = failed;
  }

  start(everyMs: number): void {
    this.#timer?.cancel();
    const now = this.#clock.now();
    const afterMs = untilNext(everyMs, now);
    const dueAt = now + afterMs;
    this.#timer = this.#clock.after(afterMs, () => {
      this.#history = this.#readMemory() ?? this.#history;
      this.#beat({ ...this.#history, loopDelayMs: Math.max(this.#clock.now() - dueAt, 0) });
      this.start(everyMs);
    });
  }

  #readMemory(): Memory | undefined {
    try {
      const { rss, heapUsed } = process.memoryUsage();
      return { rss, heapUsed };
    } catch (error) {
      // The kernel reports it in a file, which a process without free descriptors cannot open for now.
      const isShort = ['EMFILE', 'ENFILE'].includes((error as NodeJS.ErrnoException).code ?? '');
      if (!isShort && !this.#hasFailed) {
        this.#hasFailed = true;
        this.#failed(new Error(`The memory of this worker cannot be read, so MaxServerMemory has no effect: ${(error as Error).message}`, { cause: error }));
      }
      return undefined;
    }
  }
}
