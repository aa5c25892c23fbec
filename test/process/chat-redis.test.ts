import { describe, expect, it } from 'vitest';
import { freePort } from '../support/free-port.js';
import { withMaster, type MasterProcess } from '../support/master-process.js';
import { Redis } from '../support/redis.js';
import type { TcpClient } from '../support/tcp-client.js';
import { requireTool } from '../support/tools.js';
import { poll } from '../support/wait.js';

/** One who is in the chat, and what came. */
class Guest {
  readonly heard: string[] = [];
  readonly #client: TcpClient;
  readonly #name: string;
  #isQuiet = false;

  private constructor(client: TcpClient, name: string) {
    this.#client = client;
    this.#name = name;
  }

  static async enter(pool: MasterProcess, port: number): Promise<Guest> {
    const client = await pool.connect(port);
    const [, name = ''] = await client.expectMatch(/^welcome (\S+)\r\n/);
    return new Guest(client, name);
  }

  /** Says something, and hears it and what comes before. */
  async say(line: string): Promise<void> {
    this.#client.send(`${line}\n`);
    await this.hear(`${this.#name}: ${line}`);
  }

  async hear(awaited: string): Promise<void> {
    do this.heard.push(await this.#client.readLine()); while (this.heard.at(-1) !== awaited);
  }

  /** Says one thing after the other until it is to be quiet. @returns what it said */
  async chatter(): Promise<string[]> {
    const said: string[] = [];
    while (!this.#isQuiet) {
      const line = `word ${said.length}`;
      await this.say(line);
      said.push(`${this.#name}: ${line}`);
    }
    return said;
  }

  quiet(): void {
    this.#isQuiet = true;
  }

  leave(): void {
    this.#client.close();
  }

  /** What it heard of another. */
  of(other: Guest): string[] {
    return this.heard.filter((line) => line.startsWith(`${other.#name}: `));
  }

  get name(): string {
    return this.#name;
  }
}

/** Two pools as two processes, and two guests in each. */
async function withPools(redisPort: number, body: (pools: readonly [MasterProcess, MasterProcess], guests: readonly [Guest, Guest, Guest, Guest]) => Promise<void>): Promise<void> {
  const setup = { args: ['examples/chat-redis.js', '0', `redis://127.0.0.1:${redisPort}`], detached: true };
  await withMaster(setup, async (one) => withMaster(setup, async (two) => {
    const guests: Guest[] = [];
    for (const pool of [one, two]) {
      const port = Number(/port: (\d+)/.exec(await pool.line(/^listening on/))?.[1]);
      guests.push(await Guest.enter(pool, port), await Guest.enter(pool, port));
    }
    await body([one, two], guests as [Guest, Guest, Guest, Guest]);

    for (const guest of guests) guest.leave();
    for (const pool of [one, two]) {
      pool.signalGroup('SIGINT');
      expect(await pool.over()).toEqual({ code: 0, signal: null });
      expect(pool.stderr).toEqual([]);
    }
  }));
}

/** Waits until each of them hears more. */
async function goesOn(guests: readonly Guest[]): Promise<void> {
  const before = guests.map(({ heard }) => heard.length);
  await poll(() => guests.every(({ heard }, index) => heard.length > (before[index] ?? 0) + 4), () => 'more lines');
}

/** Waits until each pool has said this so many times. */
async function saidBy(pools: readonly MasterProcess[], pattern: RegExp, times: number): Promise<void> {
  for (const pool of pools) {
    const count = (): number => pool.lines.filter((line) => pattern.test(line)).length;
    await pool.until(() => count() >= times || undefined, () => `${String(pattern)}, ${times} times`);
  }
}

describe.runIf(requireTool('redis-server'))('examples/chat-redis.js', () => {
  it('brings the lines of two pools to all clients in one order', async () => {
    await using redis = new Redis(await freePort());
    await redis.start();
    await withPools(redis.port, async (pools, guests) => {
      await saidBy(pools, /^joined/, 1);
      const [ann] = guests;

      await Promise.all(guests.map(async (guest) => {
        for (let count = 0; count < 25; count++) await guest.say(`word ${count}`);
      }));
      await ann.say('the end');
      await Promise.all(guests.slice(1).map(async (guest) => guest.hear(`${ann.name}: the end`)));

      expect(ann.heard).toHaveLength(101);
      for (const guest of guests) expect(guest.heard).toEqual(ann.heard);
    });
  });

  it('goes on within each pool while Redis is not there, stands still or is killed, and joins the pools when it is back', { timeout: 60_000 }, async () => {
    await using redis = new Redis(await freePort());
    await withPools(redis.port, async (pools, guests) => {
      const [ann, bob, cid, dora] = guests;
      const chatter = guests.map(async (guest) => guest.chatter());
      await saidBy(pools, /^alone: .*ECONNREFUSED/, 1);
      await goesOn(guests);
      await redis.start();
      await saidBy(pools, /^joined/, 1);
      redis.freeze();
      await saidBy(pools, /^alone/, 2);
      await goesOn(guests);
      await redis.kill();
      await redis.start();
      await saidBy(pools, /^joined/, 2);
      await redis.kill();
      await saidBy(pools, /^alone/, 3);
      await goesOn(guests);
      await redis.start();
      await saidBy(pools, /^joined/, 3);
      for (const guest of guests) guest.quiet();
      const said = await Promise.all(chatter);

      await ann.say('the end');
      await Promise.all([bob, cid, dora].map(async (guest) => guest.hear(`${ann.name}: the end`)));

      // Within a pool: everything once, in one order.
      for (const [index, guest] of guests.entries()) {
        const mate = guests[index ^ 1];
        expect(mate?.of(guest).filter((line) => !line.endsWith('the end'))).toEqual(said[index]);
      }
      expect(bob.heard).toEqual(ann.heard);
      expect(dora.heard).toEqual(cid.heard);
    });
  });
});
