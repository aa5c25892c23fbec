import { describe, expect, it } from 'vitest';
import { boardOf } from '../../src/admin/page-data.js';
import { COLUMNS, duration, line, mode, poolActions, releases, sentence, sorted } from '../../src/admin/page/format.js';
import { serverStatus, workerStatus } from '../support/status.js';

const board = (...given: Parameters<typeof serverStatus>): ReturnType<typeof boardOf> => boardOf(serverStatus(...given), { now: 1_700_000_020_000, hangs: [] });

describe('what the page says', () => {
  it('shows durations in two units', () => {
    expect([0, 59_400, 61_000, 3_600_000, 90_000_000].map(duration)).toEqual(['0 s', '59 s', '1 min 1 s', '1 h 0 min', '1 d 1 h']);
  });

  it('says of a worker what its cell shows by colour', () => {
    const [cell] = board({ workers: [workerStatus({ connections: 1, paused: ['limit'] })] }).cells;

    expect(cell === undefined ? '' : sentence(cell)).toBe('Worker 4001: full (limit), 1 client');
  });

  it('says how the pool is', () => {
    expect(mode(board())).toEqual({ text: 'serving', good: true });
    expect(mode(board({ reloading: true })).text).toBe('reloading');
    expect(mode(board({ paused: true })).text).toBe('paused');
    expect(mode(board({ workers: [] })).text).toBe('no worker is ready');
    expect(mode(board({ stopping: true, workers: [] })).text).toBe('ended');
  });

  it('says which releases there are, and how the last reload went', () => {
    const lastReload = { result: 'done', release: 2, at: 0, seconds: 1.25 } as const;
    const workers = [1, 1, 2, 3].map((release, index) => workerStatus({ id: index, release }));

    expect(releases(board())).toBe('Release 1 serves. There was no reload yet.');
    expect(releases(board({ release: 2, workers, reloading: true, lastReload }))).toBe('Release 2 serves. 2 workers run release 1. 1 worker runs release 3. A reload is under way. The last reload took 1.3 s.');
    expect(releases(board({ workers: [], release: 2, mixed: true, lastReload: { ...lastReload, result: 'failed', release: 3, text: 'It crashed.' } })))
      .toBe('Release 2 serves. Its script has been overwritten in place: workers that start from now on may run the new code. The last reload, to release 3, failed: It crashed.');
  });

  it('offers what makes sense now', () => {
    const labels = (given: Parameters<typeof poolActions>[0], mayReload = true): string[] => poolActions(given, mayReload).map(({ label }) => label);

    expect(labels({ paused: false, stopping: false, reloading: false })).toEqual(['Reload', 'Pause', 'Shut down']);
    expect(labels({ paused: true, stopping: false, reloading: true })).toEqual(['Resume', 'Shut down']);
    expect(labels({ paused: false, stopping: false, reloading: false }, false)).toEqual(['Pause', 'Shut down']);
    expect(labels({ paused: false, stopping: true, reloading: false })).toEqual([]);
  });

  it('draws a line over five minutes, with gaps for what is not known', () => {
    expect(line([[0, 0, null], [150_000, 5, null], [300_000, 10, null]], ([, clients]) => clients)).toEqual({ points: '0.0,77.0 150.0,40.0 300.0,3.0', most: 10, last: 10 });
    expect(line([[0, 0, null]], ([, , queued]) => queued)).toEqual({ points: '', most: 0, last: null });
    expect(line([], ([, clients]) => clients).points).toBe('');
  });

  it('sorts by any column, either way, equal ones by age', () => {
    const { cells } = board({ workers: [3, 1, 2].map((id) => workerStatus({ id, pid: id * 10, connections: id === 2 ? 5 : 0 })) });
    const clients = COLUMNS.find(({ title }) => title === 'clients');

    expect(sorted(cells, COLUMNS[0], false).map(({ pid }) => pid)).toEqual([10, 20, 30]);
    expect(sorted(cells, clients, true).map(({ pid }) => pid)).toEqual([20, 10, 30]);
  });
});
