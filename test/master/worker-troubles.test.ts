import { describe, expect, it } from 'vitest';
import { WorkerTroubles } from '../../src/master/worker-troubles.js';

/** @returns it, and what it has said */
function troubles(): { readonly troubles: WorkerTroubles; readonly said: string[] } {
  const said: string[] = [];
  return { troubles: new WorkerTroubles(42, ({ message }, where) => { said.push(`${where}: ${message}`); }), said };
}

const failure = (syscall: string, code: string): Error => Object.assign(new Error(`${syscall} ${code}`), { syscall, code });

describe('a worker', () => {
  it('that the master may not kill, since it has given up root after its start, is named once, with what to do', () => {
    const { troubles: worker, said } = troubles();

    worker.undelivered(failure('kill', 'EPERM'));
    worker.undelivered(failure('kill', 'EPERM'));

    expect(said).toEqual([expect.stringMatching(/^kill: Worker 42 .* not permitted to \(EPERM\).* kill -9 42.* User and Group /)]);
  });

  it.each([['kill', 'ESRCH'], ['write', 'EPIPE'], ['send', 'EPERM']])('that has ended says so itself: nothing is said of a %s that failed with %s', (syscall, code) => {
    const { troubles: worker, said } = troubles();

    worker.undelivered(failure(syscall, code));

    expect(said).toEqual([]);
  });

  it('that computes instead of making its server is named with its program', () => {
    const { troubles: worker, said } = troubles();

    worker.computes('/srv/app.mjs', 'app');

    expect(said).toEqual([expect.stringMatching(/^start: Worker 42 has used .* Alias 'app'.* \/srv\/app\.mjs, /)]);
  });

  it.each(['destroy', 'close'] as const)('that sends a handle has it closed by %s(), so that its client does not wait without end, and hears of it once', (method) => {
    const { troubles: worker, said } = troubles();
    let closed = 0;
    const handle = { [method]: () => { closed += 1; } } as never;

    worker.givenHandle(handle);
    worker.givenHandle(handle);

    expect(closed).toBe(2);
    expect(said).toEqual([expect.stringMatching(/^message: Worker 42 sent a socket by process\.send\(\)/)]);
  });
});
