import { describe, expect, it } from 'vitest';
import { UPGRADE_VERSION, type HandedSocket, type ToPredecessor } from '../../src/ipc/upgrade-protocol.js';
import { Predecessor, type Heir, type Inheritance } from '../../src/master/predecessor.js';
import { deferred } from '../support/deferred.js';
import { ManualClock, turn } from '../support/manual-clock.js';

const handed = (alias: string, ordinal: number, fd: number): HandedSocket => ({
  alias, ordinal, fd, target: '', address: { address: '127.0.0.1', family: 'IPv4', port: 1 }, file: null, paused: false,
});

/** A process that has a predecessor with these servers, and the log of what it does. */
function succeed(...servers: readonly HandedSocket[]): { predecessor: Predecessor; log: string[]; sent: ToPredecessor[]; heir: (name: string, end?: Promise<void>) => Heir; claim: (alias: string, ordinal?: number) => Inheritance } {
  const log: string[] = [];
  const sent: ToPredecessor[] = [];
  const predecessor = new Predecessor({
    clock: new ManualClock(), mark: { version: UPGRADE_VERSION, servers },
    send: (message) => { sent.push(message); },
    disconnect: () => { log.push('disconnect'); },
    close: (fd) => { log.push(`close ${fd}`); },
    exit: (code) => { log.push(`exit ${code}`); },
  });
  return {
    predecessor, log, sent,
    heir: (name, end = Promise.resolve()) => ({
      go: () => { log.push(`${name} goes`); },
      pause: (on) => { log.push(`${name} ${on ? 'pauses' : 'resumes'}`); },
      over: () => { log.push(`${name} is over`); },
      end: ({ grace, isLast }) => {
        log.push(`${name} ends${grace === undefined ? '' : ` within ${grace} s`}${isLast ? ', the last one' : ''}`);
        return end;
      },
    }),
    claim: (alias, ordinal = 1) => {
      const inheritance = predecessor.claim({ alias, ordinal });
      if (inheritance === undefined) throw new Error(`nothing for ${alias}`);
      return inheritance;
    },
  };
}

describe('a predecessor', () => {
  it('hears the version first, and what becomes of each server, by its name', () => {
    const { claim, sent } = succeed(handed('a', 1, 4), handed('a', 2, 5));

    const [first, second] = [claim('a'), claim('a', 2)];
    second.ready();
    first.ready();
    first.accepting();
    second.failed(new Error('no room'));

    expect([first.socket.fd, second.socket.fd]).toEqual([4, 5]);
    expect(sent).toEqual([
      { type: 'hello', version: UPGRADE_VERSION, confirms: true },
      { type: 'ready', server: { alias: 'a', ordinal: 2 } }, { type: 'ready', server: { alias: 'a', ordinal: 1 } },
      { type: 'accepting', server: { alias: 'a', ordinal: 1 } }, { type: 'failed', message: 'no room' },
    ]);
  });

  it('leaves nothing to a server that it did not have', () => {
    const { predecessor } = succeed(handed('a', 1, 4));

    expect([predecessor.claim({ alias: 'b', ordinal: 1 }), predecessor.claim({ alias: 'a', ordinal: 2 })]).toEqual([undefined, undefined]);
  });

  it('hears of a server that has a socket of its own, and closes the one that it was to have', () => {
    const { claim, sent, log } = succeed(handed('a', 1, 4));

    claim('a').decline();

    expect(sent.slice(1)).toEqual([{ type: 'declined', server: { alias: 'a', ordinal: 1 } }]);
    expect(log).toEqual(['close 4']);
  });

  it('lets the servers go, and then gives up the service: sockets that no server has taken are closed', () => {
    const { predecessor, claim, heir, log, sent } = succeed(handed('a', 1, 4), handed('left', 1, 5), handed('b', 1, 6));
    claim('a').attach(heir('a'));
    claim('b').attach(heir('b'));

    predecessor.heard({ type: 'go' });
    predecessor.heard({ type: 'go' });
    expect(log.splice(0)).toEqual(['a goes', 'b goes']);
    predecessor.heard({ type: 'confirm' });
    expect(sent.at(-1)).toEqual({ type: 'confirmed' });
    predecessor.heard({ type: 'over' });
    // Its end follows, and is no news.
    predecessor.gone();

    expect(log).toEqual(['a is over', 'b is over', 'close 5', 'disconnect']);
  });

  it('that ends without a word leaves the service to its successor, wherever that is', () => {
    const early = succeed(handed('a', 1, 4));
    early.claim('a').attach(early.heir('a'));
    early.predecessor.gone();
    const late = succeed(handed('a', 1, 4), handed('b', 1, 5));
    late.claim('a').attach(late.heir('a'));
    late.predecessor.heard({ type: 'go' });
    late.claim('b').attach(late.heir('b'));
    late.predecessor.gone();

    expect(early.log).toEqual(['a goes', 'a is over', 'disconnect']);
    expect(late.log).toEqual(['a goes', 'b goes', 'a is over', 'b is over', 'disconnect']);
  });

  it('is heard of by a server that was claimed before and attaches after its end; one that comes later is an ordinary one', () => {
    const { predecessor, claim, heir, log } = succeed(handed('a', 1, 4), handed('b', 1, 5));
    const inheritance = claim('a');
    predecessor.gone();

    inheritance.attach(heir('a'));

    expect(log).toEqual(['close 5', 'disconnect', 'a goes', 'a is over']);
    expect(predecessor.claim({ alias: 'b', ordinal: 1 })).toBeUndefined();
  });

  it('that is paused or resumed meanwhile has its successor do the same, loaded or not, until that has the service', () => {
    const { predecessor, claim, heir, log } = succeed(handed('a', 1, 4), { ...handed('b', 1, 5), paused: true });
    const [a, b] = [{ alias: 'a', ordinal: 1 }, { alias: 'b', ordinal: 1 }];
    predecessor.heard({ type: 'pause', server: a, on: true });
    const [first, second] = [claim('a'), claim('b')];
    expect([first.socket.paused, second.socket.paused]).toEqual([true, true]);
    first.attach(heir('a'));
    second.attach(heir('b'));

    predecessor.heard({ type: 'pause', server: b, on: false });
    predecessor.heard({ type: 'pause', server: { alias: 'b', ordinal: 2 }, on: false });
    predecessor.heard({ type: 'go' });
    predecessor.heard({ type: 'pause', server: a, on: false });
    predecessor.heard({ type: 'over' });
    predecessor.heard({ type: 'pause', server: a, on: true });

    expect(log).toEqual(['b resumes', 'a goes', 'b goes', 'a resumes', 'a is over', 'b is over', 'disconnect']);
  });

  it('loses the descriptor of a server that is to have another address', () => {
    const { claim, log } = succeed(handed('a', 1, 4));

    claim('a').decline();

    expect(log).toEqual(['close 4']);
  });

  it('ends this process with its workers when the upgrade has failed; clients that it has taken are served first', async () => {
    const early = succeed(handed('a', 1, 4));
    early.claim('a').attach(early.heir('a'));
    early.predecessor.heard({ type: 'abort' });
    await turn();
    expect(early.log).toEqual(['a ends within 0 s', 'exit 1']);

    const end = deferred();
    const late = succeed(handed('a', 1, 4));
    late.claim('a').attach(late.heir('a', end.promise));
    late.predecessor.heard({ type: 'go' });
    late.predecessor.heard({ type: 'abort', isLast: true });
    // The pipe closes, and the service is not this process's for all that.
    late.predecessor.gone();
    await turn();
    expect(late.log).toEqual(['a goes', 'a ends, the last one']);
    end.resolve();
    await turn();

    expect(late.log).toEqual(['a goes', 'a ends, the last one', 'exit 1']);
  });

  it('that has given up the service can take nothing back, nor does it hear of faults any more', async () => {
    const { predecessor, claim, heir, log, sent } = succeed(handed('a', 1, 4));
    const inheritance = claim('a');
    inheritance.attach(heir('a'));
    predecessor.heard({ type: 'over' });

    predecessor.heard({ type: 'abort' });
    inheritance.failed(new Error('later'));
    await turn();

    expect(log).toEqual(['a goes', 'a is over', 'disconnect']);
    expect(sent).toHaveLength(1);
  });
});
