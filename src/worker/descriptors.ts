import { builtIn } from '../built-ins.js';
import { openFilesLimit } from '../open-files.js';

/** Kept free for the user's own files, log rotations, DNS and the like. */
const RESERVE = 32;
/** The most accepts between two counts. */
const LONGEST_STRIDE = 4096;
/** Fewer clients say little of what each of them opens. */
const FEW_CLIENTS = 4;
/** Of the free files, so many clients may come before it is known what each of them opens. */
const UNKNOWN_SHARE = 1 / 64;
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
  /** The most clients that there were at a count, and the files then, when all of them had opened theirs. */
  #most: { readonly clients: number; readonly open: number } | undefined;
  /** The most clients that there were at any count. */
  #counted = 0;
  /** The most that there were when all of them had opened their files. */
  #proven = 0;

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
    const isNews = clients >= Math.max(FEW_CLIENTS, 2 * this.#counted);
    return this.limit !== Infinity && (isNews || this.#accepts >= this.#stride);
  }

  /**
   * How many clients this process may have, given how many it has; null = any number. A callback may open files after it has waited
   * for something, when all of a burst have long been accepted. So at most twice as many may come as have proved what they open.
   *
   * @param young - how many of them may not have had time to open their files
   */
  measure(clients: number, young: number): number | null {
    this.#accepts = 0;
    this.#counted = Math.max(this.#counted, clients);
    if (this.limit === Infinity) return null;
    const open = this.#countOpen();
    this.#learn(clients, open, young === 0);
    const toCome = Math.min(young, clients) * (this.#each - 1);
    const free = Math.max(this.limit - open - toCome - Math.min(RESERVE, Math.floor(this.limit / 8)), 0);
    this.#stride = Math.min(Math.max(Math.floor(free / this.#each / 8), 1), LONGEST_STRIDE);
    const most = clients + Math.max(Math.floor(free / this.#each), free >= PLENTY ? 1 : 0);
    if (young === 0) this.#proven = Math.max(this.#proven, clients);
    return Math.max(Math.min(most, this.#proven + Math.max(this.#proven, FEW_CLIENTS, Math.floor(free * UNKNOWN_SHARE))), clients);
  }

  /** Clients are compared in twos or more: what the latest opens it opens when it is served, and it may not have been. */
  #learn(clients: number, open: number, isSettled: boolean): void {
    const { clients: before, open: openBefore } = this.#most ?? { clients: 0, open };
    const more = clients - before;
    if (this.#most === undefined || (clients === 0 && before === 0)) this.#most = { clients, open };
    if (more < 2 || clients < FEW_CLIENTS || this.#most.clients === clients) return;
    const each = Math.max((open - openBefore) / more, 1);
    // What they have not opened yet proves nothing.
    this.#each = isSettled ? each : Math.max(each, this.#each);
    if (isSettled) this.#most = { clients, open };
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
