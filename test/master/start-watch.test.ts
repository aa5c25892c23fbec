import { describe, expect, it } from 'vitest';
import { StartWatch, activityOf, type Activity } from '../../src/master/start-watch.js';
import { ManualClock } from '../support/manual-clock.js';

/** A program that is watched while it starts. */
class Scene {
  readonly clock = new ManualClock();
  activity: Activity | undefined = { sleeps: true, ticks: 0 };
  absent = 0;
  busy = 0;
  readonly watch = new StartWatch({ clock: this.clock, look: () => this.activity, absent: () => { this.absent += 1; }, busy: () => { this.busy += 1; } });

  work(ticks: number): void {
    this.activity = { sleeps: true, ticks: (this.activity?.ticks ?? 0) + ticks };
  }
}

describe('the watch over a start', () => {
  it('knows of a program that does nothing more, and has not even loaded the library, after some seconds', () => {
    const scene = new Scene();
    scene.work(80);
    scene.clock.advance(6900);
    expect(scene.absent).toBe(0);

    scene.clock.advance(100);

    expect([scene.absent, scene.watch.made]).toEqual([1, undefined]);
    scene.clock.advance(60_000);
    expect(scene.absent).toBe(1);
  });

  it('begins anew when the program works, and when it has made a server of another name', () => {
    const scene = new Scene();
    scene.clock.advance(5500);
    scene.work(5);
    scene.clock.advance(4500);
    scene.watch.loaded(['other']);
    scene.clock.advance(5500);
    expect(scene.absent).toBe(0);

    scene.clock.advance(1000);

    expect([scene.absent, scene.watch.made]).toEqual([1, ['other']]);
  });

  it('says once, long before the start limit, that a program has used the processor for ten seconds: it may be in a loop', () => {
    const scene = new Scene();
    scene.activity = { sleeps: false, ticks: 999 };
    scene.clock.advance(30_000);
    expect(scene.busy).toBe(0);
    scene.activity = { sleeps: false, ticks: 1000 };

    scene.clock.advance(5000);

    expect([scene.busy, scene.absent]).toEqual([1, 0]);
  });

  it.each<[string, (scene: Scene) => void]>([
    ['has loaded the library and made no server yet: it may wait for its database', ({ watch }) => { watch.loaded([]); }],
    ['runs, or is stopped', (scene) => { scene.activity = { sleeps: false, ticks: 0 }; }],
    ['has made its server, or has ended', ({ watch }) => { watch.stop(); }],
    ['cannot be looked at', (scene) => { scene.activity = undefined; }],
  ])('leaves a program alone that %s', (_title, act) => {
    const scene = new Scene();
    act(scene);

    scene.clock.advance(60_000);

    expect(scene.absent).toBe(0);
  });

  it.runIf(process.platform === 'linux')('learns from the system what a process does', () => {
    const before = activityOf(process.pid);
    const end = process.cpuUsage().user + 50_000;
    while (process.cpuUsage().user < end);

    expect(before?.sleeps).toBe(false);
    expect((activityOf(process.pid)?.ticks ?? 0) - (before?.ticks ?? 0)).toBeGreaterThanOrEqual(4);
    expect(activityOf(2 ** 30)).toBeUndefined();
  });
});
