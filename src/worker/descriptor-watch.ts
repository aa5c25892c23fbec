import { PreforkError } from '../errors.js';
import type { Clock, Timer } from '../clock.js';
import type { AcceptLoop } from './accept-loop.js';
import type { DescriptorGuard } from './descriptors.js';

/** Clients that came at least this long ago have opened their files. */
const SETTLE_MS = 20;

/** What has to be kept within a process's limit of open files. */
export interface DescriptorWatchParts {
  readonly clock: Clock;
  readonly guard: DescriptorGuard;
  readonly loop: AcceptLoop;
  readonly failed: (error: Error) => void;
}

/** Limits accepting to the open files that are left, and reports it when they run short. */
export class DescriptorWatch {
  readonly #parts: DescriptorWatchParts;
  /** Whether it has been reported that files run short. */
  #isShort = false;
  /** Clients taken since the last time that all had had time to open their files; brought up to date only when it matters. */
  #young = 0;
  #timer: Timer | undefined;

  constructor(parts: DescriptorWatchParts) {
    this.#parts = parts;
  }

  /** One more connection was accepted. */
  accepted(): void {
    const { guard, loop } = this.#parts;
    this.#young += 1;
    if (guard.isDue(loop.clients) || loop.isShortOfFiles) this.measure();
  }

  measure(): void {
    const { guard, loop } = this.#parts;
    loop.setLimits({ descriptors: guard.measure(loop.clients, this.#young) });
    if (!loop.isShortOfFiles) this.#isShort = false;
    else if (this.#young > 0) this.#timer ??= this.#settleSoon();
    else this.#runShort();
  }

  #settleSoon(): Timer {
    const old = this.#young;
    return this.#parts.clock.after(SETTLE_MS, () => {
      this.#timer = undefined;
      this.#young -= old;
      this.measure();
    }, { idle: true });
  }

  #runShort(): void {
    const { guard, loop, failed } = this.#parts;
    if (this.#isShort) return;
    this.#isShort = true;
    failed(new PreforkError(
      'ERR_PREFORK_DESCRIPTORS',
      `A worker with ${loop.clients} clients is close to its limit of ${guard.limit} open files and stops accepting until some are closed; raise the limit (ulimit -n) or lower MaxSessionPerServer.`,
    ));
  }
}
