import { describe, expect, it } from 'vitest';
import type { WorkerState } from '../../src/ipc/protocol.js';
import { APART_MS, Reporter } from '../../src/worker/reporter.js';
import { ManualClock } from '../support/manual-clock.js';

/** A reporter of a worker whose number of clients counts the reports asked for. */
class Reports {
  readonly clock = new ManualClock();
  readonly sent: { readonly at: number; readonly clients: number; readonly busy: boolean }[] = [];
  clients = 0;
  readonly #start = this.clock.now();
  readonly reporter = new Reporter({
    clock: this.clock,
    state: () => ({ clients: this.clients, busy: false }) as WorkerState,
    send: ({ clients, busy }) => { this.sent.push({ at: this.clock.now() - this.#start, clients, busy }); },
  });

  change(urgency: 'now' | 'soon' = 'soon'): void {
    this.clients += 1;
    this.reporter.changed(urgency);
  }

  get times(): number[] {
    return this.sent.map(({ at }) => at);
  }
}

describe('a reporter', () => {
  it('tells of a change at once after a time of quiet', () => {
    const reports = new Reports();

    reports.change();

    expect(reports.sent).toEqual([{ at: 0, clients: 1, busy: false }]);
  });

  it('tells of the changes that follow together, with the newest state', () => {
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

  it('tells of the last change within 10 ms', () => {
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
    reports.reporter.active();
    reports.clock.advance(1000);
    const sent = reports.sent.length;

    reports.clock.advance(3_600_000);

    expect(reports.sent).toHaveLength(sent);
    expect(reports.clock.delays).toEqual([]);
  });
});

describe('a reporter whose worker is about to run the user\'s code', () => {
  it('says so at once, and takes it back when the code has returned', () => {
    const reports = new Reports();

    reports.reporter.active();
    const atOnce = [...reports.sent];
    reports.clock.advance(100);

    expect(atOnce).toEqual([{ at: 0, clients: 0, busy: true }]);
    expect(reports.sent.at(-1)?.busy).toBe(false);
    expect(reports.times.at(-1)).toBeLessThan(3 * APART_MS);
  });

  it('says nothing more while the code does not return', () => {
    const reports = new Reports();

    reports.reporter.active();
    reports.clock.sleep(500);

    expect(reports.sent.at(-1)?.busy).toBe(true);
  });

  it('says it again and again while it is, so that the master hears of it', () => {
    const reports = new Reports();

    for (let time = 0; time < 100; time++) {
      reports.reporter.active();
      reports.clock.advance(1);
    }

    const gaps = reports.times.slice(1).map((at, index) => at - (reports.times[index] ?? 0));
    expect(reports.sent.every(({ busy }) => busy)).toBe(true);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(APART_MS);
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(APART_MS);
  });

  it('says it in the state that goes with a heartbeat', () => {
    const reports = new Reports();
    const before = reports.reporter.current().busy;

    reports.reporter.active();

    expect([before, reports.reporter.current().busy]).toEqual([false, true]);
  });
});
