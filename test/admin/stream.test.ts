import { describe, expect, it } from 'vitest';
import { follow, type StreamParts, type StreamRequest } from '../../src/admin/page/stream.js';
import { ManualClock, turn } from '../support/manual-clock.js';

/** A master as a fetch sees one: what it has been asked, and what it says. */
class Master {
  readonly asked: StreamRequest[] = [];
  /** How it answers the next request; undefined = it is stopped: the kernel takes the request, and no answer comes. */
  answer: (() => Response) | undefined = () => new Response(this.#stream());
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #signal: AbortSignal | undefined;

  readonly fetch: StreamParts['fetch'] = async (_path, init) => {
    this.asked.push(init);
    const { signal } = init;
    this.#signal = signal;
    if (this.answer !== undefined) return this.answer();
    return new Promise((_resolve, reject) => { signal.addEventListener('abort', () => { reject(signal.reason as Error); }); });
  };

  say(event: string, data: unknown): void {
    this.#controller?.enqueue(new TextEncoder().encode(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`));
  }

  end(): void {
    this.#controller?.close();
  }

  #stream(): ReadableStream<Uint8Array> {
    return new ReadableStream({
      start: (controller) => {
        this.#controller = controller;
        const signal = this.#signal;
        signal?.addEventListener('abort', () => { controller.error(signal.reason); });
      },
    });
  }
}

class Follower {
  readonly clock = new ManualClock();
  readonly heard: unknown[] = [];
  readonly links: string[] = [];

  constructor(master: Master, token?: string) {
    void follow({ token: () => token, fetch: master.fetch, clock: this.clock }, {
      heard: (event, data) => { this.heard.push([event, data]); },
      link: (state, text) => { this.links.push(state === 'open' ? state : `${state}: ${text}`); },
    });
  }

  async pass(ms = 0): Promise<void> {
    // Streams hand a piece on in several turns.
    for (let turns = 0; turns < 10; turns++) await turn();
    this.clock.advance(ms);
    for (let turns = 0; turns < 10; turns++) await turn();
  }
}

const SILENT = 'lost: It has said nothing for 8 seconds.';

describe('what the page hears of its master', () => {
  it('takes a master that stops in the middle for lost after 8 s of silence, and not before', async () => {
    const master = new Master();
    const page = new Follower(master);
    await page.pass();
    for (let second = 0; second < 30; second += 5) {
      master.say('board', second);
      await page.pass(5000);
    }
    expect(new Set(page.links)).toEqual(new Set(['open']));
    expect(page.heard).toHaveLength(6);

    await page.pass(2999);
    expect(page.links.at(-1)).toBe('open');
    await page.pass(1);
    expect(page.links.at(-1)).toBe(SILENT);
  });

  it('takes a master that was stopped before it answered for lost, asks again and again, and hears it when it goes on', async () => {
    const master = new Master();
    const { answer } = master;
    master.answer = undefined;
    const page = new Follower(master);
    for (let round = 1; round <= 3; round++) {
      await page.pass(8000);
      expect(page.links).toEqual(Array.from({ length: round }, () => SILENT));
      await page.pass(1000);
      expect(master.asked).toHaveLength(round + 1);
    }

    master.answer = answer;
    await page.pass(8000);
    await page.pass(1000);
    master.say('board', 1);
    await page.pass();
    expect(page.links.at(-1)).toBe('open');
    expect(page.heard).toEqual([['board', 1]]);
    // Of the old tries none is left that could end the new one.
    expect(page.clock.delays).toEqual([8000]);
  });

  it('comes back a second after a stream that ended', async () => {
    const master = new Master();
    const page = new Follower(master);
    await page.pass();
    master.end();
    await page.pass();
    expect(page.links).toEqual(['lost: The connection to the master has ended.']);
    expect(page.clock.delays).toEqual([1000]);

    await page.pass(1000);
    expect(master.asked).toHaveLength(2);
  });

  it('shows the token, and says what the master says of it', async () => {
    const master = new Master();
    master.answer = () => new Response('The token is not the one of Admin.Token.\n', { status: 401 });
    const page = new Follower(master, 'guess');
    await page.pass();

    expect(master.asked[0]?.headers).toEqual({ Authorization: 'Bearer guess' });
    expect(page.links).toEqual(['refused: The token is not the one of Admin.Token.\n']);
  });
});
