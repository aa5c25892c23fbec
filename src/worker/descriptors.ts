import { builtIn } from '../built-ins.js';
import { openFilesLimit } from '../open-files.js';

/** Kept free for the user's own files, log rotations, DNS and the like. */
const RESERVE = 32;
/** The most accepts between two counts. */
const LONGEST_STRIDE = 4096;
/** Fewer clients say little of what each of them opens. */
const FEW_CLIENTS = 4;
/** While so many are free one more client is taken, whatever those before it seem to have opened: it may have been the program. */
const PLENTY = 2 * RESERVE;

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
  /** Files for each client, its socket included: what the last of them have added. */
  #each = 1;
  /** The most clients that there were at a count, and the files then. */
  #most: { readonly clients: number; readonly open: number } | undefined;

  constructor({ limit, countOpen }: { readonly limit: number; readonly countOpen: () => number }) {
    this.limit = limit;
    this.#countOpen = countOpen;
  }

  /**
   * To be asked once for each accept: whether it is time to measure. Counting is dear, so it is done the more often the less is
   * left, and whenever there are twice as many clients as ever before: what they open has to be known before the files are used up.
   */
  isDue(clients = 0): boolean {
    this.#accepts += 1;
    const isNews = clients >= Math.max(FEW_CLIENTS, 2 * (this.#most?.clients ?? 0));
    return this.limit !== Infinity && (isNews || this.#accepts >= this.#stride);
  }

  /** How many clients this process may have, given how many it has; null = any number. */
  measure(clients: number): number | null {
    this.#accepts = 0;
    if (this.limit === Infinity) return null;
    const open = this.#countOpen();
    this.#learn(clients, open);
    const free = Math.max(this.limit - open - Math.min(RESERVE, Math.floor(this.limit / 8)), 0);
    this.#stride = Math.min(Math.max(Math.floor(free / this.#each / 8), 1), LONGEST_STRIDE);
    return clients + Math.max(Math.floor(free / this.#each), free >= PLENTY ? 1 : 0);
  }

  /** What a client opens it opens when it is served, and the latest has not been: they are compared in twos or more. */
  #learn(clients: number, open: number): void {
    const { clients: before, open: openBefore } = this.#most ?? { clients: 0, open };
    const more = clients - before;
    if (this.#most === undefined || (clients === 0 && before === 0)) this.#most = { clients, open };
    if (more < 2 || clients < FEW_CLIENTS || this.#most.clients === clients) return;
    this.#each = Math.max((open - openBefore) / more, 1);
    this.#most = { clients, open };
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
