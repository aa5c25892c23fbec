import { describe, expect, it } from 'vitest';
import { UPGRADE_VERSION, type ToPredecessor } from '../../src/ipc/upgrade-protocol.js';
import { Handover } from '../../src/master/handover.js';
import { ManualClock, turn } from '../support/manual-clock.js';

const A = { alias: 'a', ordinal: 1 };
const B = { alias: 'b', ordinal: 1 };

function begin({ confirms = true } = {}): { clock: ManualClock; handover: Handover; sent: string[]; commits: number[]; hear: (message: ToPredecessor) => void } {
  const clock = new ManualClock();
  const sent: string[] = [];
  const commits: number[] = [];
  const handover = new Handover({
    clock, timeoutMs: 60_000, settleMs: 3000, servers: [A, B],
    commit: (pid) => {
      commits.push(pid);
      return Promise.resolve();
    },
  });
  handover.begin({ pid: 7, send: ({ type }) => { sent.push(type); }, kill: () => { sent.push('KILL'); } });
  handover.outcome.catch(() => undefined);
  handover.heard({ type: 'hello', version: UPGRADE_VERSION, ...(confirms && { confirms }) });
  return { clock, handover, sent, commits, hear: (message) => { handover.heard(message); } };
}

const ready = (server: typeof A): ToPredecessor => ({ type: 'ready', server });
const accepting = (server: typeof A): ToPredecessor => ({ type: 'accepting', server });

describe('a handover', () => {
  it('lets the successor accept when all its servers are ready and have lived for a while, and gives up the service when they have accepted for a while', async () => {
    const { clock, handover, sent, commits, hear } = begin();
    hear(ready(A));
    clock.advance(10_000);
    expect(sent).toEqual([]);
    hear(ready(B));
    clock.advance(2999);
    expect(sent).toEqual([]);
    clock.advance(1);
    expect(sent).toEqual(['go']);
    hear(accepting(B));
    expect(commits).toEqual([]);
    hear(accepting(A));
    clock.advance(499);
    expect(sent).toEqual(['go']);
    clock.advance(1);
    expect(sent).toEqual(['go', 'confirm']);
    expect(commits).toEqual([]);
    hear({ type: 'confirmed' });
    await turn();

    expect(commits).toEqual([7]);
    expect(sent).toEqual(['go', 'confirm', 'over']);
    await expect(handover.outcome).resolves.toEqual({ pid: 7 });
  });

  it.each<[string, ToPredecessor[], string]>([
    ['before its pool is ready', [], 'boot'],
    ['while it has to live', [ready(A), ready(B)], 'crashed'],
  ])('fails with a successor that ends %s', async (_title, heard, reason) => {
    const { handover, commits, hear } = begin();
    for (const message of heard) hear(message);
    hear({ type: 'stderr', text: 'last words\n' });

    handover.exited({ code: 3, signal: null });

    await expect(handover.outcome).rejects.toMatchObject({ code: 'ERR_PREFORK_UPGRADE', reason, pid: 7, exit: { code: 3, signal: null }, stderr: 'last words\n' });
    expect(commits).toEqual([]);
  });

  it.each<[string, (handover: Handover) => void]>([
    ['ends', (handover) => { handover.exited({ code: null, signal: 'SIGKILL' }); }],
    ['shuts down', (handover) => { handover.heard({ type: 'failed', message: 'The server was shut down.' }); }],
  ])('fails with a successor that %s as soon as it accepts, and gives up nothing', async (_title, happens) => {
    const { clock, handover, sent, commits, hear } = begin();
    for (const server of [A, B]) hear(ready(server));
    clock.advance(3000);
    for (const server of [A, B]) hear(accepting(server));

    happens(handover);

    await expect(handover.outcome).rejects.toMatchObject({ code: 'ERR_PREFORK_UPGRADE', reason: 'crashed' });
    expect(commits).toEqual([]);
    expect(sent.filter((type) => type === 'KILL' || type === 'over')).toEqual([]);
  });

  it('does not ask a successor of an earlier release, which would not answer: it is enough that it lives for a while', async () => {
    const { clock, sent, commits, hear } = begin({ confirms: false });
    for (const server of [A, B]) hear(ready(server));
    clock.advance(3000);
    for (const server of [A, B]) hear(accepting(server));

    clock.advance(499);
    const early = [...commits];
    clock.advance(1);
    await turn();

    expect([early, commits, sent]).toEqual([[], [7], ['go', 'over']]);
  });

  it.each([
    ['before it accepts', [], 'accepted', ['go', 'abort', 'confirm']],
    ['as soon as it accepts', [accepting(A), accepting(B)], 'did not answer', ['go', 'confirm', 'abort', 'confirm']],
  ])('ends a successor that hangs %s, in the end by force: its workers might take clients for ever', async (_title, said, detail, words) => {
    const { clock, handover, sent, commits, hear } = begin();
    for (const server of [A, B]) hear(ready(server));
    clock.advance(3000);
    for (const message of said) hear(message);

    clock.advance(57_000);
    expect(sent).toEqual(words);
    clock.advance(2000);
    expect(sent.at(-1)).toBe('KILL');
    expect(handover.isBound).toBe(true);
    handover.exited({ code: null, signal: 'SIGKILL' });

    await expect(handover.outcome).rejects.toMatchObject({ code: 'ERR_PREFORK_UPGRADE', reason: 'timeout', message: expect.stringContaining(detail) as string });
    expect(commits).toEqual([]);
  });

  it('lets a successor that is too late, but answers, finish with the clients that it may have', async () => {
    const { clock, handover, sent, commits, hear } = begin();
    for (const server of [A, B]) hear(ready(server));
    clock.advance(60_000);

    hear({ type: 'confirmed' });
    clock.advance(10_000);

    await expect(handover.outcome).rejects.toMatchObject({ code: 'ERR_PREFORK_UPGRADE', reason: 'timeout' });
    expect([sent, commits, handover.isBound]).toEqual([['go', 'abort', 'confirm'], [], false]);
  });

  it.each<[string, (given: ReturnType<typeof begin>) => void]>([
    ['that is too late', ({ clock }) => { clock.advance(60_000); }],
    ['when the old pool ends', ({ handover }) => { handover.abandon(new Error('shut down')); }],
  ])('lets a successor of an earlier release, which cannot answer, finish with the clients that it may have, %s', async (_title, giveUp) => {
    const given = begin({ confirms: false });
    const { clock, handover, sent, hear } = given;
    for (const server of [A, B]) hear(ready(server));
    clock.advance(3000);

    giveUp(given);
    clock.advance(60_000);

    await expect(handover.outcome).rejects.toThrow();
    expect([sent, handover.isBound]).toEqual([['go', 'abort'], false]);
  });

  it('that takes too long ends the successor, in the end by force, and names the server that is missing', async () => {
    const { clock, handover, sent, hear } = begin();
    hear(ready(A));
    clock.advance(60_000);
    expect(sent).toEqual(['abort']);
    clock.advance(2000);
    expect(sent).toEqual(['abort', 'KILL']);

    handover.exited({ code: null, signal: 'SIGKILL' });

    await expect(handover.outcome).rejects.toMatchObject({ reason: 'timeout', message: expect.stringContaining('of the server b') as string });
  });

  it('to another version of the protocol is none', async () => {
    const { handover, sent, hear } = begin();
    hear({ type: 'hello', version: UPGRADE_VERSION + 1 });
    expect(sent).toEqual(['abort']);
    handover.exited({ code: 1, signal: null });

    await expect(handover.outcome).rejects.toMatchObject({ reason: 'version' });
  });

  it('is given up when the old pool ends, and the successor with it', async () => {
    const { handover, sent, hear } = begin();
    hear(ready(A));
    handover.abandon(new Error('shut down'));

    expect(sent).toEqual(['abort']);
    await expect(handover.outcome).rejects.toThrow('shut down');
  });

  it('binds the successor to this process until it is gone, or has the service, or was given up when it might have had clients and does not hang', async () => {
    const states: [string, boolean, boolean][] = [];
    const note = async (title: string, { handover }: ReturnType<typeof begin>): Promise<void> => {
      let isReleased = false;
      void handover.released.then(() => { isReleased = true; });
      await turn();
      states.push([title, handover.isBound, isReleased]);
    };
    const bringUp = ({ clock, hear }: ReturnType<typeof begin>): void => {
      hear(ready(A));
      hear(ready(B));
      clock.advance(3000);
    };
    const early = begin();
    early.handover.abandon(new Error('shut down'));
    await note('given up early', early);
    early.handover.exited({ code: 1, signal: null });
    await note('gone', early);
    const late = begin();
    bringUp(late);
    await note('told to accept', late);
    late.handover.abandon(new Error('shut down'));
    await note('given up late', late);
    late.hear({ type: 'confirmed' });
    await note('and not hanging', late);
    const done = begin();
    bringUp(done);
    done.hear(accepting(A));
    done.hear(accepting(B));
    done.clock.advance(500);
    done.hear({ type: 'confirmed' });
    await note('has the service', done);

    expect(states).toEqual([
      ['given up early', true, false], ['gone', true, true], ['told to accept', true, false], ['given up late', true, false], ['and not hanging', false, true], ['has the service', false, true],
    ]);
  });
});
