import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { handleSignals } from '../../src/master/signals.js';
import { ManualClock, turn } from '../support/manual-clock.js';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** What signals did to a pool whose drain ends when a test says so. */
class Scene {
  readonly clock = new ManualClock();
  readonly done: string[] = [];
  mayHurry = false;
  drained: () => void = () => undefined;
  readonly remove: () => void;

  constructor({ hasTerminal = false }: { readonly hasTerminal?: boolean } = {}) {
    this.remove = handleSignals({
      clock: this.clock,
      drain: async () => {
        this.done.push('drain');
        return new Promise((resolve) => { this.drained = resolve; });
      },
      hurry: () => {
        if (this.mayHurry) this.done.push('hurry');
        return this.mayHurry;
      },
      killAll: () => { this.done.push('kill'); },
      reload: () => { this.done.push('reload'); },
      hangUp: () => { this.done.push('hang-up'); },
      upgrade: undefined,
    }, () => hasTerminal);
  }
}

const send = (signal: NodeJS.Signals): void => { process.emit(signal, signal); };

describe('signals', () => {
  const others = new Map<string, NodeJS.SignalsListener[]>();
  let scene: Scene;

  beforeEach(() => {
    for (const signal of SIGNALS) {
      others.set(signal, process.listeners(signal));
      process.removeAllListeners(signal);
      // Ending the process is left to whoever else listens.
      process.on(signal, other);
    }
  });
  afterEach(() => {
    scene.remove();
    for (const signal of SIGNALS) {
      process.removeAllListeners(signal);
      for (const listener of others.get(signal) ?? []) process.on(signal, listener);
    }
  });
  const other = (): void => undefined;

  it.each(['SIGINT', 'SIGTERM'] as const)('%s drains; the same again within half a second is the same one, as with npx or node --watch', (signal) => {
    scene = new Scene();

    send(signal);
    for (const ms of [0, 16, 106, 300]) {
      scene.clock.advance(ms);
      send(signal);
    }

    expect(scene.done).toEqual(['drain']);
  });

  it('SIGTERM soon after SIGINT is the same end asked for twice, as when a parent answers Ctrl-C with child.kill()', () => {
    scene = new Scene();

    send('SIGINT');
    scene.clock.advance(499);
    send('SIGTERM');

    expect(scene.done).toEqual(['drain']);
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('that come later end everything: SIGINT, %s', (second) => {
    scene = new Scene();
    send('SIGINT');
    scene.clock.advance(500);

    send(second);

    expect(scene.done).toEqual(['drain', 'kill']);
  });

  it('that come again while balancers leave begin the drain, and only the next one ends it', () => {
    scene = new Scene();
    scene.mayHurry = true;
    send('SIGTERM');
    scene.clock.advance(1000);

    send('SIGTERM');
    scene.mayHurry = false;
    scene.clock.advance(100);
    send('SIGTERM');
    expect(scene.done).toEqual(['drain', 'hurry']);
    scene.clock.advance(500);
    send('SIGTERM');

    expect(scene.done).toEqual(['drain', 'hurry', 'kill']);
  });

  it('SIGHUP reloads without a terminal; with one it says so and drains, however often it comes', () => {
    scene = new Scene();
    send('SIGHUP');
    send('SIGHUP');
    expect(scene.done).toEqual(['reload', 'reload']);
    scene.remove();

    scene = new Scene({ hasTerminal: true });
    send('SIGHUP');
    scene.clock.advance(1000);
    send('SIGHUP');
    expect(scene.done).toEqual(['hang-up', 'drain']);
  });

  it('are handled no longer once the pool has drained', async () => {
    scene = new Scene();
    send('SIGTERM');
    scene.drained();
    await turn();

    expect(SIGNALS.map((signal) => process.listenerCount(signal))).toEqual([1, 1, 1]);
  });
});
