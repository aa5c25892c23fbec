// Clients that stay for a while, and what they see of the pool from outside: how many of them are in, and who of them is lost.
import { performance } from 'node:perf_hooks';
import type { Seeded } from '../../support/seeded.js';
import { TcpClient } from '../../support/tcp-client.js';
import { sleep } from './scenario.js';

/** A limit that may be changed: who was let in under a higher one is still there for a while. */
export class MovingLimit {
  readonly #past: { readonly value: number; readonly until: number }[] = [];
  #value: number;

  constructor(value: number) {
    this.#value = value;
  }

  set(value: number): void {
    this.#past.push({ value: this.#value, until: performance.now() });
    this.#value = value;
  }

  /** The highest that was in force in the last few seconds: longer than a client stays and a process is stopped. */
  get most(): number {
    const since = performance.now() - 7000;
    return Math.max(this.#value, ...this.#past.filter(({ until }) => until >= since).map(({ value }) => value));
  }
}

/** When a worker was to be killed, and had been, in milliseconds of `performance.now()`. */
export interface Killing {
  readonly pid: number;
  readonly at: number;
  /** Infinity until it has. */
  until: number;
}

/** A client that was not served to its end. */
export interface Lost {
  /** The worker that greeted it; undefined if none did. */
  readonly pid: number | undefined;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly evidence: string;
}

/** A client that was greeted. */
interface Guest {
  readonly pid: number;
  /** Its connection was closed before it took leave. */
  isLost: boolean;
}

/** How long before its kill a worker may have taken a client that it had no time to greet. */
const UNGREETED_MS = 100;

/** Whether a client was lost because its worker was killed. One without a greeting may have been with any that was killed then. */
export const isExcused = ({ pid, startedAt, endedAt }: Lost, killings: readonly Killing[]): boolean => killings.some(
  (kill) => endedAt >= kill.at && (pid === undefined ? startedAt <= kill.until + UNGREETED_MS : kill.pid === pid),
);

/** Counts the clients of a pool as they see it themselves: each is in from its greeting until it takes leave. */
export class Guests {
  readonly lost: Lost[] = [];
  /** Each case in which more were in than may be. */
  readonly excesses: string[] = [];
  /** Milliseconds until each was greeted. */
  readonly waits: number[] = [];
  served = 0;
  readonly #port: number;
  readonly #limits: { readonly pool: MovingLimit; readonly worker: MovingLimit };
  readonly #inside = new Set<Guest>();

  constructor(port: number, limits: { readonly pool: MovingLimit; readonly worker: MovingLimit }) {
    this.#port = port;
    this.#limits = limits;
  }

  /** One client after the other, each of which stays for so many milliseconds, until it is over. */
  async come(random: Seeded, [least, most]: readonly [number, number], isOver: () => boolean): Promise<void> {
    while (!isOver()) await this.visit(random.between(least, most));
  }

  /** One client: is greeted, says a line now and then while it stays, and takes leave. */
  async visit(stayMs: number): Promise<void> {
    const startedAt = performance.now();
    let guest: Guest | undefined;
    let client: TcpClient | undefined;
    try {
      client = await TcpClient.connect(this.#port);
      guest = { pid: await client.greeting(), isLost: false };
      this.waits.push(performance.now() - startedAt);
      this.#enter(guest, client);
      for (const end = performance.now() + stayMs; performance.now() < end;) {
        await client.echo('hello');
        await sleep(Math.min(100, stayMs));
      }
      this.#inside.delete(guest);
      await client.quit();
      this.served += 1;
    } catch (error) {
      const endedAt = performance.now();
      const evidence = `${guest?.pid ?? 'not greeted'}, after ${(endedAt - startedAt).toFixed()} ms: ${error instanceof Error ? error.message : ''}`;
      this.lost.push({ pid: guest?.pid, startedAt, endedAt, evidence });
      client?.close();
    }
  }

  #enter(guest: Guest, { socket }: TcpClient): void {
    this.#inside.add(guest);
    const over = (): void => { if (this.#inside.delete(guest)) guest.isLost = true; };
    socket.once('end', over).once('close', over);
    const { pool, worker } = this.#limits;
    void this.#check([...this.#inside], 'the pool', pool.most);
    void this.#check([...this.#inside].filter(({ pid }) => pid === guest.pid), `worker ${guest.pid}`, worker.most);
  }

  /** These are in at once, unless the end of some was only about to be seen, which made room for the others. */
  async #check(guests: readonly Guest[], where: string, most: number): Promise<void> {
    if (guests.length <= most) return;
    await sleep(50);
    const { length: count } = guests.filter(({ isLost }) => !isLost);
    if (count > most) this.excesses.push(`${count} clients of ${where}, where ${most} are the most`);
  }
}
