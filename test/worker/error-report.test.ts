import { describe, expect, it } from 'vitest';
import type { WorkerErrorReport } from '../../src/ipc/protocol.js';
import { FaultReports } from '../../src/worker/error-report.js';
import { ManualClock } from '../support/manual-clock.js';

function setUp(): { clock: ManualClock; reports: FaultReports; sent: WorkerErrorReport[] } {
  const clock = new ManualClock();
  const sent: WorkerErrorReport[] = [];
  return { clock, sent, reports: new FaultReports(clock, (report) => { sent.push(report); }) };
}

describe('reports of faults', () => {
  it('are sent as they come, the first ones in full', () => {
    const { reports, sent } = setUp();

    reports.add(new SyntaxError('bad'), 'ClientInput');

    expect(sent).toMatchObject([{ name: 'SyntaxError', message: 'bad', where: 'ClientInput', stack: expect.stringContaining('bad') as unknown }]);
  });

  it('of one kind are counted after that, and the count follows', () => {
    const { clock, reports, sent } = setUp();

    for (let count = 1; count <= 100_000; count++) reports.add(new Error(`bad ${count}`), 'ClientInput');
    reports.add(new Error('other'), 'ClientError');
    const atOnce = sent.map(({ message }) => message);
    clock.advance(1000);

    expect(atOnce).toEqual(['bad 1', 'bad 2', 'bad 3', 'other']);
    expect(sent.slice(4)).toMatchObject([{ message: 'bad 100000 (the last of 99997 more like it within a second)', where: 'ClientInput' }]);
    expect(clock.delays).toEqual([]);
  });

  it('begin anew each second', () => {
    const { clock, reports, sent } = setUp();

    for (let second = 0; second < 3; second++) {
      reports.add(new Error('bad'), 'ClientInput');
      clock.advance(1000);
    }

    expect(sent.map(({ message }) => message)).toEqual(['bad', 'bad', 'bad']);
  });

  it('are bounded however many kinds there are', () => {
    const { clock, reports, sent } = setUp();

    for (let kind = 0; kind < 10_000; kind++) reports.add(new Error('bad'), `event ${kind}`);
    clock.advance(1000);

    expect(sent.length).toBeLessThan(100);
  });

  it('that were counted are sent before the worker ends', () => {
    const { clock, reports, sent } = setUp();
    for (let count = 0; count < 10; count++) reports.add(new Error('bad'), 'ClientInput');

    reports.flush();

    expect(sent.at(-1)?.message).toBe('bad (the last of 7 more like it within a second)');
    expect(clock.delays).toEqual([]);
  });
});
