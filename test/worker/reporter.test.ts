import { describe, expect, it } from 'vitest';
import type { WorkerState } from '../../src/ipc/protocol.js';
import { PULSE_MS } from '../../src/policy/silence.js';
import { APART_MS, Reporter } from '../../src/worker/reporter.js';
import { ManualClock } from '../support/manual-clock.js';

/** A reporter of a worker whose number of clients counts the reports asked for. */
class Reports {
  readonly clock: ManualClock;
  readonly sent: { readonly at: number; readonly clients: number }[] = [];
  readonly pulses: number[] = [];
  clients = 0;
  accepting = true;
  readonly reporter: Reporter;

  constructor(clock = new ManualClock()) {
    this.clock = clock;
    const start = clock.now();
    this.reporter = new Reporter({
      clock,
      state: () => ({ clients: this.clients, accepting: this.accepting }) as WorkerState,
      send: ({ clients }) => { this.sent.push({ at: clock.now() - start, clients }); },
      pulse: () => { this.pulses.push(clock.now() - start); },
    });
  }

  change(urgency: 'now' | 'soon' = 'soon'): void {
    this.clients += 1;
    this.reporter.changed(urgency);
  }

  get times(): number[] {
    return this.sent.map(({ at }) => at);
  }
}

describe('a reporter', () => {
  it('reports a change at once after a time of quiet', () => {
    const reports = new Reports();

    reports.change();

    expect(reports.sent).toEqual([{ at: 0, clients: 1 }]);
  });

  it('reports the changes that follow together, with the newest state', () => {
    const reports = new Reports();

    for (let change = 0; change < 5; change++) reports.change();
    reports.clock.advance(100);

    expect(reports.sent.map(({ clients }) => clients)).toEqual([1, 5]);
  });

  it.each([1, 2, 3, 5, 7, 9, 12])('sends no more than one report in 10 ms with a change every %i ms', (every) => {
    const reports = new Reports();

    for (let time = 0; time < 1000; time += every) {
      reports.change();
      reports.clock.advance(every);
    }

    const gaps = reports.times.slice(1).map((at, index) => at - (reports.times[index] ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(APART_MS);
    expect(reports.sent.length).toBeGreaterThan(400 / APART_MS);
  });

  it('keeps its distance when changes come at odd times', () => {
    const reports = new Reports();

    for (const wait of [5, 7, 2, 1]) {
      reports.change();
      reports.clock.advance(wait);
    }
    reports.clock.advance(100);

    const gaps = reports.times.slice(1).map((at, index) => at - (reports.times[index] ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(APART_MS);
    expect(reports.sent.at(-1)?.clients).toBe(4);
  });

  it('reports the last change within 10 ms', () => {
    const reports = new Reports();
    reports.change();
    reports.clock.advance(3);

    reports.change();
    reports.clock.advance(APART_MS);

    expect(reports.sent.at(-1)?.clients).toBe(2);
  });

  it('does not wait with what is urgent', () => {
    const reports = new Reports();

    reports.change();
    reports.clock.advance(1);
    reports.change('now');
    reports.change('now');

    expect(reports.sent.map(({ clients }) => clients)).toEqual([1, 2, 3]);
  });

  it('sends nothing while nothing happens, and keeps no timer', () => {
    const reports = new Reports();
    reports.change();
    reports.change();
    reports.clock.advance(1000);
    const sent = reports.sent.length;

    reports.clock.advance(3_600_000);

    expect(reports.sent).toHaveLength(sent);
    expect(reports.clock.delays).toEqual([]);
  });
});

describe('news', () => {
  it('of the first client of a spare worker is reported at once', () => {
    const reports = new Reports();
    reports.reporter.changed('now');

    reports.clients = 1;
    reports.reporter.changed('news');
    reports.clients = 2;
    reports.reporter.changed('news');

    expect(reports.sent.map(({ clients }) => clients)).toEqual([0, 1]);
  });

  it('that the worker no longer accepts is reported at once', () => {
    const reports = new Reports();
    reports.clients = 3;
    reports.reporter.changed('now');

    reports.clients = 4;
    reports.accepting = false;
    reports.reporter.changed('news');

    expect(reports.sent.map(({ clients }) => clients)).toEqual([3, 4]);
  });
});

describe('the pulse', () => {
  it('comes at its interval while nothing is said', () => {
    const reports = new Reports();

    reports.reporter.pulse(500);
    reports.clock.advance(1600);

    expect(reports.pulses).toEqual([500, 1000, 1500]);
  });

  it('is not needed where a report has just been sent', () => {
    const reports = new Reports();
    reports.reporter.pulse(100);
    reports.clock.advance(60);

    reports.change();
    reports.clock.advance(50);
    const early = [...reports.pulses];
    reports.clock.advance(50);

    expect([early, reports.pulses]).toEqual([[], [160]]);
  });

  it('changes its interval at once', () => {
    const reports = new Reports();
    reports.reporter.pulse(500);
    reports.clock.advance(10);

    reports.reporter.pulse(20);
    reports.clock.advance(50);

    expect(reports.pulses).toEqual([30, 50]);
    expect(reports.reporter.pulseMs).toBe(20);
  });

  it.each([0, 1, 340, 999, 999.5])('of workers at rest comes at the whole seconds of the machine, whatever they say and whenever they began: %d ms after one', (begunMs) => {
    const reports = new Reports();
    reports.clock.advance(begunMs);

    reports.reporter.pulse(PULSE_MS);
    for (let change = 0; change < 30; change++) {
      reports.change();
      reports.clock.advance(100);
    }

    const first = begunMs > 998 ? 2000 : 1000;
    expect(reports.pulses.slice(0, 2)).toEqual([first, first + 1000]);
  });

  it('is not doubled by a timer that is early', () => {
    class EarlyClock extends ManualClock {
      override after(delayMs: number, task: () => void): ReturnType<ManualClock['after']> {
        return super.after(Math.max(delayMs - 0.9, 0), task);
      }
    }
    const reports = new Reports(new EarlyClock());

    reports.reporter.pulse(PULSE_MS);
    reports.clock.advance(4500);

    expect(reports.pulses).toHaveLength(4);
    expect(reports.pulses.map(Math.round)).toEqual([999, 1999, 2999, 3999]);
  });

  it('stops while the event loop stands still', () => {
    const reports = new Reports();
    reports.reporter.pulse(20);

    reports.clock.sleep(500);

    expect(reports.pulses).toEqual([]);
  });
});
