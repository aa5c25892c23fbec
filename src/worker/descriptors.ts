import { builtIn } from '../built-ins.js';
import { openFilesLimit } from '../open-files.js';

/** Kept free for the user's own files, log rotations, DNS and the like. */
const RESERVE = 32;
/** The most accepts between two counts. */
const LONGEST_STRIDE = 4096;
/** With fewer clients than this, little is known about what each of them opens. */
const FEW_CLIENTS = 4;
/** How many clients may come before it is known what each of them opens, as a share of the free files. */
const UNKNOWN_SHARE = 1 / 64;
/** Clients that come and go need not all have their files open at the same time: they may need this many times as many as were seen. */
const MARGIN = 2;
/** While this many are free one more client is taken, whatever earlier ones seem to have opened: it may have been the program. */
const PLENTY = 2 * RESERVE;

/**
 * Watches how many files this process may still open. A process that has run out of them must not accept: libuv then
 * takes connections only to close them, without reporting it (uv__emfile_trick in libuv, src/unix/stream.c).
 */
export class DescriptorGuard {
  /** The process's limit of open files; Infinity where it is unknown. */
  readonly limit: number;
  readonly #countOpen: () => number;
  #stride = 1;
  #accepts = 0;
  /** Files per client, its socket included: what the latest clients have added. */
  #each = 1;
  /** The most clients at a count by which all of them had opened their files, and the files open then. */
  #most: { readonly clients: number; readonly open: number } | undefined;
  /** The most clients at any count. */
  #counted = 0;
  /** The most clients at a time when all of them had opened their files. */
  #proven = 0;
  /** The most files that were open since the trial began. */
  #peak = 0;
  #isShort = false;

  constructor({ limit, countOpen }: { readonly limit: number; readonly countOpen: () => number }) {
    this.limit = limit;
    this.#countOpen = countOpen;
  }

  /**
   * Whether it is time to measure; to be called once for each accept. Counting is expensive, so it is done more often the fewer files are
   * left, and whenever there are twice as many clients as ever before: what they open has to be known before the files are used up.
   */
  isDue(clients = 0): boolean {
    this.#accepts += 1;
    const isNews = clients >= Math.max(FEW_CLIENTS, 2 * this.#counted);
    return this.limit !== Infinity && (isNews || this.#accepts >= this.#stride);
  }

  /** Whether files are too few for one more client. If not, those who are there may still have to prove what they open. */
  get isShort(): boolean {
    return this.#isShort;
  }

  /** From now on the clients that are there get time to open their files. */
  beginTrial(): void {
    this.#peak = 0;
  }

  /** Counts the open files. To be called also before a client on trial leaves, since it closes those that it has opened. */
  look(): number {
    const open = this.#countOpen();
    this.#peak = Math.max(this.#peak, open);
    return open;
  }

  /**
   * How many clients this process may have, given how many it has; null = any number. A callback may open files only after it has waited for
   * something, when a whole burst has long been accepted. So the number of clients may at most double until they have shown what they open.
   *
   * @param young - how many of them may not have had time to open their files
   * @param tried - at the end of a trial: how many there were when it began. They have had that time, or as many have left
   */
  measure(clients: number, young: number, tried = 0): number | null {
    this.#accepts = 0;
    this.#counted = Math.max(this.#counted, clients);
    if (this.limit === Infinity) return null;
    const open = this.look();
    this.#learn(clients, open, young === 0);
    const proved = this.#proved(tried);
    const toCome = Math.min(young, clients) * (this.#each - 1);
    const free = Math.max(this.limit - open - toCome - this.#reserve, 0);
    this.#stride = Math.min(Math.max(Math.floor(free / this.#each / 8), 1), LONGEST_STRIDE);
    const most = clients + Math.max(Math.floor(free / this.#each), free >= PLENTY ? 1 : 0);
    this.#isShort = most <= clients && (young === 0 || open * 4 >= this.limit * 3);
    this.#proven = Math.max(this.#proven, young === 0 ? clients : 0, proved);
    return Math.max(Math.min(most, this.#proven + Math.max(this.#proven, FEW_CLIENTS, Math.floor(free * UNKNOWN_SHARE))), clients);
  }

  get #reserve(): number {
    return Math.min(RESERVE, Math.floor(this.limit / 8));
  }

  /**
   * Learns from a trial at whose end some were too young to have opened their files.
   *
   * @returns how many have proved what they open: all that were on trial, if there are files for twice as many
   */
  #proved(tried: number): number {
    const { clients, open } = this.#most ?? { clients: 0, open: 0 };
    const more = tried - clients;
    if (more <= 0) return 0;
    const opened = MARGIN * Math.max(this.#peak - open, more);
    if (open + 2 * opened > this.limit - this.#reserve) return 0;
    // What seemed to be theirs may have been the program's.
    this.#each = Math.min(this.#each, opened / more);
    return tried;
  }

  /** Only a difference of two clients or more counts: a client opens files when it is served, which the latest may not have been yet. */
  #learn(clients: number, open: number, isSettled: boolean): void {
    const { clients: before, open: openBefore } = this.#most ?? { clients: 0, open };
    const more = clients - before;
    if (this.#most === undefined || (clients === 0 && before === 0)) this.#most = { clients, open };
    if (more < 2 || clients < FEW_CLIENTS || this.#most.clients === clients) return;
    const each = Math.max((open - openBefore) / more, 1);
    // If they have not opened theirs yet, a lower number proves nothing.
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
        // There is none left to read the folder with.
        return limit;
      }
    },
  });
}
