import { builtIn } from '../built-ins.js';
import { openFilesLimit } from '../open-files.js';

/** Kept free for the user's own files, log rotations, DNS and the like. */
const RESERVE = 32;
/** The most accepts between two counts. */
const LONGEST_STRIDE = 4096;

/**
 * Watches how many files this process may still open. A process that is out of them must not accept: libuv then takes
 * connections only to close them, and reports it nowhere (uv__emfile_trick in libuv, src/unix/stream.c).
 */
export class DescriptorGuard {
  /** The process's limit of open files; Infinity where it cannot be known. */
  readonly limit: number;
  readonly #countOpen: () => number;
  #stride = 1;
  #accepts = 0;

  constructor({ limit, countOpen }: { readonly limit: number; readonly countOpen: () => number }) {
    this.limit = limit;
    this.#countOpen = countOpen;
  }

  /** To be asked once for each accept: whether it is time to measure. Counting is dear, so it is done the more often the less is left. */
  isDue(): boolean {
    this.#accepts += 1;
    return this.limit !== Infinity && this.#accepts >= this.#stride;
  }

  /** How many clients this process may have, given how many it has; null = any number. */
  measure(clients: number): number | null {
    this.#accepts = 0;
    if (this.limit === Infinity) return null;
    const free = Math.max(this.limit - this.#countOpen() - Math.min(RESERVE, Math.floor(this.limit / 8)), 0);
    this.#stride = Math.min(Math.max(Math.floor(free / 8), 1), LONGEST_STRIDE);
    return clients + free;
  }
}

/** The guard of this process. Without /proc (macOS) it does not watch. */
export function processDescriptors(): DescriptorGuard {
  const limit = openFilesLimit();
  return new DescriptorGuard({
    limit,
    countOpen: () => {
      try {
        return builtIn('node:fs').readdirSync('/proc/self/fd').length;
      } catch {
        // Not one is left to read the folder with.
        return limit;
      }
    },
  });
}
