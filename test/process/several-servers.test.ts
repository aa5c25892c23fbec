import { describe, expect, it } from 'vitest';
import { withMaster } from '../support/master-process.js';
import type { MasterProcess, PrintedEvent } from '../support/master-process.js';

/** Waits until a name was printed that often. */
const prints = (master: MasterProcess, name: string, count: number): Promise<PrintedEvent[]> => master.until(() => {
  const all = master.all(name);
  return all.length >= count ? all : undefined;
}, () => `${count} prints of ${name}`);

describe('several servers in one program', () => {
  it.each([
    ['two, each awaited before the next is constructed', ['a', 'b'], undefined],
    ['three, each awaited before the next is constructed', ['a', 'b', 'c'], undefined],
    ['three of one name, each awaited before the next is constructed', ['a', 'a', 'a'], undefined],
    ['two, the last awaited first', ['a', 'b'], [1, 0]],
    ['three, awaited in another order than they are constructed', ['a', 'b', 'c'], [2, 0, 1]],
  ])('all get their workers: %s', async (_title, aliases, order) => {
    await withMaster({ program: 'awaited-servers.mjs', options: { MaxServer: 1, std: { aliases, order } } }, async (master) => {
      await prints(master, 'up', aliases.length);
      const ends = await prints(master, 'end', aliases.length + 1);

      const inert = aliases.map(() => 'inert');
      expect(ends.map(({ roles }) => (roles as string[]).join()).toSorted()).toEqual([
        ...aliases.map((_, index) => inert.with(index, 'worker').join()), aliases.map(() => 'master').join(),
      ].toSorted());
      // What their workers say to their masters is not for the listeners of the program.
      expect(master.all('message')).toEqual([]);
    });
  });

  it('in a worker thread with a Script is a pool of its own, and inert in the workers of the other', async () => {
    await withMaster({ program: 'server-in-thread.mjs' }, async (master) => {
      await prints(master, 'up', 2);
      const roles = await prints(master, 'role', 4);

      const text = ({ thread, role, pid }: PrintedEvent): string => `${pid === master.pid ? 'master' : 'worker'} process, thread ${String(thread)}: ${String(role)}`;
      expect(roles.map(text).toSorted()).toEqual([
        'master process, thread beside: master', 'master process, thread main: master',
        'worker process, thread beside: inert', 'worker process, thread main: worker',
      ]);
      expect(master.born).toHaveLength(2);
    });
  });

  it('in a worker thread without a Script is refused with what to do, and no worker forks', async () => {
    await withMaster({ program: 'server-in-thread.mjs', options: { std: { bare: true } } }, async (master) => {
      await prints(master, 'up', 1);
      const [failed] = await prints(master, 'thread failed', 1);

      expect(failed?.['message']).toContain('In a worker thread give Script');
      await prints(master, 'role', 3);
      expect(master.born).toHaveLength(1);
    });
  });
});
