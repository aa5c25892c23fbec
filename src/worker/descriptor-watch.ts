import { PreforkError } from '../errors.js';
import type { Clock, Timer } from '../clock.js';
import type { AcceptLoop } from './accept-loop.js';
import type { DescriptorGuard } from './descriptors.js';

/** Clients that came at least this long ago have opened their files. */
const SETTLE_MS = 20;
/** Once it has been said that files run short, it is said again only after the number of clients has been below this part of what is allowed. */
const AGAIN_BELOW = 1 / 2;

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
  /** How many clients there were when a trial began, 0 = there is none; and how many have left since. */
  #tried = 0;
  #left = 0;

  constructor(parts: DescriptorWatchParts) {
    this.#parts = parts;
  }

  /** One more connection was accepted. */
  accepted(): void {
    const { guard, loop } = this.#parts;
    this.#young += 1;
    if (guard.isDue(loop.clients) || loop.isShortOfFiles) this.measure();
  }

  /** A client is about to leave, and to close what it has opened. */
  leaving(): void {
    const { guard, loop } = this.#parts;
    if (this.#timer === undefined) return;
    this.#left += 1;
    if (loop.isShortOfFiles && !guard.isShort) guard.look();
  }

  measure(tried = 0): void {
    const { guard, loop } = this.#parts;
    const most = guard.measure(loop.clients, this.#young, tried);
    loop.setLimits({ descriptors: most });
    if (most === null || loop.clients < most * AGAIN_BELOW) this.#isShort = false;
    if (!loop.isShortOfFiles) return;
    if (this.#young > 0) this.#timer ??= this.#settleSoon();
    if (guard.isShort) this.#runShort();
  }

  #settleSoon(): Timer {
    const { clock, guard, loop } = this.#parts;
    const old = this.#young;
    if (this.#tried === 0) {
      this.#tried = loop.clients;
      this.#left = 0;
      guard.beginTrial();
    }
    return clock.after(SETTLE_MS, () => {
      this.#timer = undefined;
      this.#young -= old;
      // Where new ones come all the time, a trial is over when as many have left: those had opened all that they open.
      const isOver = this.#young === 0 || this.#left >= this.#tried;
      const tried = isOver ? this.#tried : 0;
      if (isOver) this.#tried = 0;
      this.measure(tried);
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
