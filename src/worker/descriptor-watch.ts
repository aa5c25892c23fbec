import { PreforkError } from '../errors.js';
import type { AcceptLoop } from './accept-loop.js';
import type { DescriptorGuard } from './descriptors.js';

/** What has to be kept within the files of a process. */
export interface DescriptorWatchParts {
  readonly guard: DescriptorGuard;
  readonly loop: AcceptLoop;
  readonly failed: (error: Error) => void;
}

/** Keeps accepting within the open files that are left, and reports it when they run short. */
export class DescriptorWatch {
  readonly #parts: DescriptorWatchParts;
  #isShort = false;

  constructor(parts: DescriptorWatchParts) {
    this.#parts = parts;
  }

  /** One more connection was accepted. */
  accepted(): void {
    const { guard, loop } = this.#parts;
    if (guard.isDue(loop.clients) || loop.isShortOfFiles) this.measure();
  }

  measure(): void {
    const { guard, loop, failed } = this.#parts;
    loop.setLimits({ descriptors: guard.measure(loop.clients) });
    const wasShort = this.#isShort;
    this.#isShort = loop.isShortOfFiles;
    if (wasShort || !this.#isShort) return;
    failed(new PreforkError(
      'ERR_PREFORK_DESCRIPTORS',
      `A worker with ${loop.clients} clients is close to its limit of ${guard.limit} open files and stops accepting until some are closed; raise the limit (ulimit -n) or lower MaxSessionPerServer.`,
    ));
  }
}
