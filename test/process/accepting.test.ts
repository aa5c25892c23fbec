import { describe, expect, it } from 'vitest';
import { withHandlers } from '../programs/inline.js';
import { failures, underLoad, visitMany } from '../programs/load.js';
import { listeningDescriptors } from '../support/proc.js';
import { withMaster } from '../support/master-process.js';
import { sendSignal } from '../support/processes.js';
import type { TcpClient } from '../support/tcp-client.js';
import { answered } from '../support/tcp-client.js';
import { poll } from '../support/wait.js';
import { ONE, QUICK, TWO, withServer } from '../support/with-server.js';

const isLinux = process.platform === 'linux';
/** Nobody acts because of a heartbeat. */
const SLOW = { MasterHeartBeatTime: 60 };

/** How many of these clients each worker has. */
function countByWorker(clients: readonly TcpClient[]): number[] {
  const counts = new Map<number, number>();
  for (const { pid } of clients) counts.set(pid, (counts.get(pid) ?? 0) + 1);
  return [...counts.values()];
}

describe('400 lasting clients', () => {
  // How even a burst is shared is said by the simulations and the bench: on a machine that is busy with something else, workers
  // that do not run for a while count as blocked, and the others take what they leave.
  it.each([
    ['that come at once are all served, by several workers', 400, 2],
    ['that come one by one are shared by all workers', 1, 8],
  ])('%s', async (_title, atOnce, fewest) => {
    await withServer({ MaxServer: 8, StartServer: 8, ...SLOW }, async (running) => {
      await running.settled(8);
      const clients: TcpClient[] = [];

      while (clients.length < 400) clients.push(...await Promise.all(Array.from({ length: atOnce }, () => running.join())));

      const counts = countByWorker(clients);
      expect(counts.reduce((sum, count) => sum + count, 0)).toBe(400);
      expect(counts.length).toBeGreaterThanOrEqual(fewest);
    });
  });
});

describe('in a pool of 20 workers', () => {
  const TWENTY = { MaxServer: 20, StartServer: 20 };

  it('all of them may accept while there is no crowd, and get clients that stay', async () => {
    await withServer({ ...TWENTY, ...SLOW }, async (running) => {
      await running.settled(20);
      await running.until(({ workers }) => workers.every(({ permit }) => permit));

      const clients: TcpClient[] = [];
      while (countByWorker(clients).length < 20 && clients.length < 1000) clients.push(...await Promise.all(Array.from({ length: 10 }, () => running.join())));

      expect(countByWorker(clients)).toHaveLength(20);
    });
  });

  it('20 pauses and resumes under load refuse and lose no client', async () => {
    await withServer({ ...TWENTY, ...QUICK }, async (running) => {
      await running.settled(20);

      const visits = await underLoad(running.port, 16, async (soFar) => {
        for (let round = 0; round < 20; round++) {
          running.server.pause();
          await running.allPaused('paused');
          const before = soFar.length;
          running.server.resume();
          await poll(() => soFar.length > before + 16, () => 'clients to be served after resume()');
        }
      });

      expect(failures(visits)).toEqual([]);
      expect(visits.length).toBeGreaterThan(20 * 16);
      expect(running.eventsOf('worker:exit')).toEqual([]);
    });
  });
});

describe('MaxSessionPerServer 1', () => {
  it.runIf(isLinux)('has a worker forked at once for each of the clients that come together, not for one after the other', async () => {
    await withServer({ MaxServer: 3, StartServer: 1, MinSpareServer: 1, MaxSessionPerServer: 1, ...SLOW }, async (running) => {
      await running.settled(1);

      const clients = await Promise.all(Array.from({ length: 3 }, () => running.join()));

      expect(countByWorker(clients)).toEqual([1, 1, 1]);
      const lives = running.events.map(({ name }) => name).filter((name) => name === 'worker:born' || name === 'worker:ready');
      expect(lives).toEqual(['worker:born', 'worker:ready', 'worker:born', 'worker:born', 'worker:ready', 'worker:ready']);
    });
  });

  it('never lets a worker have two clients, over 2,000 connections', async () => {
    await withHandlers({
      MaxServer: 4, MaxSessionPerServer: 1,
      ClientConnected({ heap }) {
        const counted = globalThis as unknown as { now?: number };
        counted.now = (counted.now ?? 0) + 1;
        if (counted.now > 1) tell('two clients', counted.now);
        heap.client.put(`W${process.pid}`);
      },
      ClientInput({ heap, input, kernel }) {
        heap.client.put(input === 'quit' ? 'bye' : `${process.pid} : ${input}`);
        if (input === 'quit') kernel.yield('shutdown');
      },
      ClientDisconnected() {
        const counted = globalThis as unknown as { now: number };
        counted.now -= 1;
      },
    }, async (scene) => {
      await scene.running.settled(4);

      const visits = await visitMany(scene.running.port, 2000, 16);

      expect(failures(visits)).toEqual([]);
      expect(scene.names).toEqual([]);
      expect(new Set(visits.map(({ pid }) => pid)).size).toBe(4);
    });
  });

  it.runIf(isLinux)('lets a worker go on by itself when its client leaves, while the master is stopped, as far as its copies of the handle last', async () => {
    await withMaster({ options: { ...TWO, MaxSessionPerServer: 1, ...QUICK } }, async (master) => {
      const workers = await master.ready(2);
      const port = await master.up();
      // Workers that use up copies quickly are given up to 64 in advance, and more when half of them are left.
      expect(failures(await visitMany(port, 600, 4))).toEqual([]);
      const copies = (): number[] => workers.map((pid) => listeningDescriptors(pid, port));
      await poll(() => copies().every((count) => count >= 16), () => `copies in advance; there are ${copies().join(', ')}`);

      master.signal('SIGSTOP');
      const alone = await visitMany(port, 30, 2);
      // More than they have copies for: the rest waits for the master.
      const clients = await Promise.all(Array.from({ length: 200 }, () => master.connect()));
      for (const client of clients) client.send('early\nquit\n');
      master.signal('SIGCONT');

      expect(failures(alone)).toEqual([]);
      for (const client of clients) {
        await client.greeting();
        await client.expect(`${client.pid} : early\r\nbye\r\n`);
      }
      expect(master.all('worker:exit')).toEqual([]);
    });
  });
});

describe('MaxSession', () => {
  it('is there for other workers when those that have it pause themselves', async () => {
    await withHandlers({
      MaxServer: 4, StartServer: 4, MaxSession: 2, ...SLOW,
      ClientConnected({ heap }) { heap.client.put(`W${process.pid}`); },
      ClientInput({ heap, kernel }) {
        kernel.post(heap.master_alias, 'pause');
        kernel.yield('shutdown');
      },
    }, async ({ running }) => {
      await running.settled(4);
      const first = [await running.join(), await running.join()];
      for (const client of first) {
        client.send('pause\n');
        await client.expectEof();
      }

      const next = [await running.join(), await running.join()];

      const paused = new Set(first.map(({ pid }) => pid));
      expect(paused.size).toBe(2);
      expect(next.filter(({ pid }) => paused.has(pid))).toEqual([]);
    });
  });

  it('holds from when it is lowered: who leaves makes room for nobody while there are as many as it', async () => {
    await withServer({ ...TWO, ...QUICK, StartServer: 2, MinSpareServer: 0, MaxSession: 4 }, async (running) => {
      await running.settled(2);
      const inside = await Promise.all(Array.from({ length: 4 }, async () => running.join()));
      const waiting = [await running.connect(), await running.connect()];

      running.server.configure({ MaxSession: 2 });
      await running.heartbeats();
      for (const client of inside.slice(0, 2)) await client.quit();
      await running.until(({ totals }) => totals.connections === 2);
      await running.heartbeats();
      for (const client of waiting) client.expectNothing();
      for (const client of inside.slice(2)) await client.quit();

      for (const client of waiting) await client.greeting();
    });
  });

  it('is never exceeded over the pool while workers are killed, and is reached again', async () => {
    await withServer({ MaxServer: 4, MaxSession: 10, ...QUICK }, async (running) => {
      await running.settled(4);
      const waiting = new Set(await Promise.all(Array.from({ length: 80 }, () => running.connect())));
      const inside = new Set<TcpClient>();
      let most = 0;
      let kills = 0;
      // A killed worker has no clients from here on: the master gives their places away only after its end.
      const forget = (pid: number): void => {
        for (const client of inside) if (client.pid === pid) inside.delete(client);
      };

      while (waiting.size > 0) {
        for (const client of await answered([...waiting], Math.min(1, waiting.size))) {
          const pid = await client.greeting();
          waiting.delete(client);
          inside.add(client);
          most = Math.max(most, inside.size);
          if (inside.size < 10) continue;
          // Everybody is in. Every third time a worker dies with its clients; otherwise some leave.
          kills += 1;
          if (kills % 3 === 0) {
            forget(pid);
            sendSignal(pid, 'SIGKILL');
            // Whoever it has taken meanwhile is lost with it.
            await running.exit(pid);
            for (const other of waiting) {
              if (other.socket.destroyed) waiting.delete(other);
            }
          } else {
            for (const leaving of [...inside].slice(0, 5)) {
              inside.delete(leaving);
              await leaving.quit();
            }
          }
        }
      }

      expect(most).toBe(10);
      expect(kills).toBeGreaterThan(6);
      await running.settled(4);
      expect(running.server.status().totals.connections).toBeLessThanOrEqual(10);
    });
  });
});

describe.runIf(isLinux)('the copies of the listening handle of a worker', () => {
  it('are closed as soon as it drains: none stays open for the client that it still has', async () => {
    await withServer({ ...TWO, ...QUICK, MaxSessionPerServer: 2, GraceExpireTime: 30 }, async (running) => {
      await running.settled(2);
      expect(failures(await visitMany(running.port, 300, 4))).toEqual([]);
      const client = await running.join();
      await poll(() => listeningDescriptors(client.pid, running.port) > 1, () => 'copies in advance');

      running.server.term(client.pid);

      await poll(() => listeningDescriptors(client.pid, running.port) === 0, () => 'the end of its copies');
      await running.heartbeats([client.pid]);
      expect(listeningDescriptors(client.pid, running.port)).toBe(0);
      await client.echo('still here');
    });
  });

  it('are one for use and at most 64 in advance', async () => {
    await withServer({ ...ONE, ...QUICK, MaxSessionPerServer: 1 }, async (running) => {
      await running.settled(1);
      const [pid = 0] = running.ready;

      for (let round = 0; round < 5; round++) {
        expect(failures(await visitMany(running.port, 200, 2))).toEqual([]);
        expect(listeningDescriptors(pid, running.port)).toBeLessThanOrEqual(65);
      }
    });
  });
});
