import type { ServerResponse } from 'node:http';
import type { Clock, Timer } from '../clock.js';

/** One thing that the page shows, always in full and never as a difference, so that a slow viewer may miss some. */
export interface Part {
  readonly name: string;
  /** A different value after each change; undefined = it changes with each push. */
  readonly version: () => unknown;
  readonly value: () => unknown;
}

interface Viewer {
  readonly response: ServerResponse;
  /** The version of each part that it has been sent. */
  readonly seen: Map<string, unknown>;
  /** Since when it has not taken any more; undefined while it does. */
  blockedSince: number | undefined;
}

/** At most four pushes a second. */
const SHORTEST_MS = 250;
/** Even without a change the page is sent something this often, so that it knows that the connection works. */
const LONGEST_MS = 2000;
/** What all viewers together may cost, in bytes per millisecond: if it would be more, pushes are rarer. */
const BYTES_PER_MS = 4000;
const SLOWEST_MS = 5000;
/** A viewer that takes nothing for this long is disconnected. */
const BLOCKED_MS = 30_000;

/** The open pages. Whatever their number, each push is made and turned into bytes only once. */
export class Viewers {
  readonly #clock: Clock;
  readonly #parts: readonly Part[];
  readonly #most: number;
  readonly #viewers = new Set<Viewer>();
  #timer: Timer | undefined;
  #dueAt = Infinity;
  #pushedAt = -Infinity;
  #bytes = 0;

  constructor({ clock, parts, most }: { readonly clock: Clock; readonly parts: readonly Part[]; readonly most: number }) {
    this.#clock = clock;
    this.#parts = parts;
    this.#most = most;
  }

  get count(): number {
    return this.#viewers.size;
  }

  get isFull(): boolean {
    return this.#viewers.size >= this.#most;
  }

  /** Adds a response whose head has been written, and sends it everything. */
  add(response: ServerResponse): void {
    const viewer: Viewer = { response, seen: new Map(), blockedSince: undefined };
    this.#viewers.add(viewer);
    response.on('close', () => { this.#remove(viewer); });
    response.on('drain', () => { viewer.blockedSince = undefined; });
    // Shares the next push if that is soon, so that a hundred pages that return at once are served together.
    this.changed();
  }

  /** Something to show has changed. */
  changed(): void {
    if (this.#viewers.size > 0) this.#schedule(this.#pushedAt + this.#intervalMs);
  }

  /** Sends a last push and closes all pages. */
  close(): void {
    this.#push();
    this.#timer?.cancel();
    for (const { response } of this.#viewers) response.end();
    this.#viewers.clear();
  }

  get #intervalMs(): number {
    return Math.min(Math.max(SHORTEST_MS, this.#bytes * this.#viewers.size / BYTES_PER_MS), SLOWEST_MS);
  }

  #schedule(at: number): void {
    if (at >= this.#dueAt) return;
    this.#timer?.cancel();
    this.#dueAt = at;
    this.#timer = this.#clock.after(Math.max(at - this.#clock.now(), 0), () => { this.#push(); }, { idle: true });
  }

  #push(): void {
    this.#dueAt = Infinity;
    if (this.#viewers.size === 0) return;
    const now = this.#clock.now();
    this.#pushedAt = now;
    const push = this.#serialize();
    for (const viewer of this.#viewers) this.#send(viewer, push, now);
    this.#schedule(now + Math.max(LONGEST_MS, this.#intervalMs));
  }

  /** The bytes for a viewer that lacks certain parts, made once for all viewers that lack the same. */
  #serialize(): (seen: Map<string, unknown>) => Buffer {
    const parts = this.#parts.map(({ name, version, value }) => {
      let text: string | undefined;
      return { name, version: version(), text: () => (text ??= `event: ${name}\ndata: ${JSON.stringify(value())}\n\n`) };
    });
    const made = new Map<string, Buffer>();
    return (seen) => {
      const lacking = parts.filter(({ name, version }) => version === undefined || seen.get(name) !== version);
      for (const { name, version } of lacking) seen.set(name, version);
      const key = lacking.map(({ name }) => name).join();
      const known = made.get(key);
      if (known !== undefined) return known;
      const bytes = Buffer.from(lacking.map(({ text }) => text()).join(''));
      this.#bytes = bytes.length;
      made.set(key, bytes);
      return bytes;
    };
  }

  #send(viewer: Viewer, push: (seen: Map<string, unknown>) => Buffer, now: number): void {
    const { response, blockedSince } = viewer;
    if (blockedSince !== undefined) {
      if (now - blockedSince > BLOCKED_MS) response.destroy();
      return;
    }
    if (!response.write(push(viewer.seen))) viewer.blockedSince = now;
  }

  #remove(viewer: Viewer): void {
    this.#viewers.delete(viewer);
    if (this.#viewers.size > 0) return;
    this.#timer?.cancel();
    this.#dueAt = Infinity;
  }
}
