import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { failures, underLoad } from '../programs/load.js';
import { Gate } from '../support/gate.js';
import { listenFailure } from '../support/listening.js';
import { withMaster } from '../support/master-process.js';
import { waitGone } from '../support/processes.js';
import { TcpClient } from '../support/tcp-client.js';
import { poll, within } from '../support/wait.js';
import { ONE, QUICK, TWO, program, withServer } from '../support/with-server.js';

/** A worker starts when the file that HELD names is there. */
const HELD = { ...ONE, ...QUICK, ExecArgv: ['--import', program('held.mjs').href], HandleSignals: true, std: { printStatus: true } };

describe('clients in the queue when the pool stops', () => {
  it('are served first: five that wait for the only worker, one at a time', async () => {
    await withServer({ ...ONE, ...QUICK, MaxSessionPerServer: 1 }, async (running) => {
      const first = await running.join();
      const waiting = await Promise.all(Array.from({ length: 5 }, async () => TcpClient.connect({ port: running.port })));

      const stopped = running.server.shutdown();
      first.send('quit\n');
      await Promise.all(waiting.map(async (client) => {
        await client.greeting();
        await client.quit();
      }));
      await stopped;

      expect(running.server.status().totals.served).toBe(6);
    });
  });

  it('are served by one worker while the other may take no more', async () => {
    await withServer({ ...TWO, ...QUICK, StartServer: 2, MinSpareServer: 0, MaxSessionPerServer: 1, MaxServerLifeTimes: 3 }, async (running) => {
      const lasting = await running.join();
      const before = await running.join();
      await before.quit();
      const first = await running.join();
      const waiting = await Promise.all(Array.from({ length: 3 }, async () => TcpClient.connect({ port: running.port })));
      expect([first.pid === before.pid, lasting.pid === before.pid]).toEqual([true, false]);

      const stopped = running.server.shutdown();
      await first.quit();
      await running.until(({ workers }) => workers.some(({ pid, paused }) => pid === first.pid && paused.includes('lifetimes')));
      await lasting.quit();
      await Promise.all(waiting.map(async (client) => {
        await client.greeting();
        await client.quit();
      }));
      await stopped;
    });
  });

  it('are served if they were connected before, under a load of 16', async () => {
    await withServer({ ...QUICK, MaxServer: 4 }, async (running) => {
      await running.settled(4);
      let stoppedAt = Infinity;

      const visits = await underLoad(running.port, 16, async (soFar) => {
        await poll(() => soFar.length > 100, () => 'the load to be on its way');
        stoppedAt = performance.now();
        await running.server.shutdown();
      });

      const before = visits.filter(({ connectedAt }) => connectedAt < stoppedAt);
      expect(before.length).toBeGreaterThan(100);
      expect(failures(before)).toEqual([]);
    });
  });

  it('are served if they were connected before, also when the signal goes to the whole process group', async () => {
    await withMaster({ detached: true, options: { ...QUICK, StartServer: 4, MinServer: 4, MaxServer: 4 } }, async (master) => {
      const port = await master.up();
      await master.ready(4);
      let stoppedAt = Infinity;

      const visits = await underLoad(port, 16, async (soFar) => {
        await poll(() => soFar.length > 100, () => 'the load to be on its way');
        stoppedAt = performance.now();
        master.signalGroup('SIGTERM');
        await master.over();
      });

      expect(failures(visits.filter(({ connectedAt }) => connectedAt < stoppedAt))).toEqual([]);
      expect(new Set(master.all('worker:drain').map(({ reason }) => reason))).toEqual(new Set(['shutdown']));
    });
  });

  it('are served if they were connected while the first worker started', async () => {
    using gate = new Gate();
    await withMaster({ options: { ...HELD, MaxSession: 10 }, env: { HELD: gate.path } }, async (master) => {
      const { address } = await master.event('listening');
      const client = await master.connect((address as AddressInfo).port);
      const stopping = master.status((status) => status.stopping);
      master.signal('SIGTERM');
      await stopping;

      gate.open();

      await client.greeting();
      await client.quit();
      await master.over();
      expect(master.all('worker:exit')).toMatchObject([{ code: 0, served: 1, reason: 'shutdown' }]);
    });
  });

  it('are not waited for if there are none: a pool whose first worker starts ends at once', async () => {
    using gate = new Gate();
    await withMaster({ options: HELD, env: { HELD: gate.path } }, async (master) => {
      await master.event('listening');

      master.signal('SIGTERM');

      await master.over();
      expect(master.all('worker:ready')).toEqual([]);
    });
  });

  it('do not hold up the end of a pool whose workers are full, for more than a second', async () => {
    await withServer({ ...ONE, ...QUICK, MaxSessionPerServer: 1 }, async (running) => {
      const first = await running.join();
      const second = await TcpClient.connect({ port: running.port });

      const stopped = running.server.shutdown();
      await second.expectOver();
      first.close();
      await stopped;
    });
  });
});

describe('a shorter grace', () => {
  it('reaches workers that drain already: they end in an orderly way', async () => {
    await withServer({ ...TWO, ...QUICK, GraceExpireTime: 60 }, async (running) => {
      await running.settled(2);
      const client = await running.join();
      running.server.term(client.pid);
      await running.event('worker:drain', ({ pid }) => pid === client.pid);

      await running.server.shutdown({ grace: 0.3 });

      expect(running.eventsOf('worker:exit').map(({ detail }) => [detail.code, detail.signal])).toEqual(running.eventsOf('worker:exit').map(() => [0, null]));
    });
  });
});

describe('listeners of the user that throw', () => {
  it('do not keep a dead worker from being replaced, nor the pool from its end', async () => {
    const uncaught: unknown[] = [];
    const note = (error: unknown): void => { uncaught.push(error); };
    const others = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException').on('uncaughtException', note);
    try {
      await withServer({ ...ONE, ...QUICK }, async (running) => {
        running.server.on('worker:exit', () => { throw new Error('a listener'); });
        const client = await running.join();
        running.server.kill(client.pid);
        await client.expectOver();
        await running.until(({ totals }) => totals.ready === 1 && totals.born === 2);

        await running.server.shutdown();

        expect(uncaught).toMatchObject([{ message: 'a listener' }, { message: 'a listener' }]);
      });
    } finally {
      process.off('uncaughtException', note);
      for (const other of others) process.on('uncaughtException', other);
    }
  });
});

describe('signals', () => {
  it('that come twice at once are one: clients are not cut', async () => {
    await withMaster({ options: { ...ONE, GraceExpireTime: 20 } }, async (master) => {
      await master.up();
      const client = await master.join();

      master.signal('SIGINT');
      master.signal('SIGINT');
      await master.event('worker:drain');
      await client.echo('still served');
      await client.quit();

      expect(await master.over()).toEqual({ code: 0, signal: null });
    });
  });

  it('of a closed terminal end neither workers nor a master without one', async () => {
    await withMaster({ options: { ...ONE, ...QUICK, std: { printStatus: true } }, detached: true }, async (master) => {
      await master.up();
      const client = await master.join();

      process.kill(client.pid, 'SIGHUP');
      master.signal('SIGHUP');
      await master.heartbeats();

      await client.echo('still served');
      await client.quit();
    });
  });
});

describe('a server that cannot listen', () => {
  it('and that nothing hears of ends its program with code 1 and the error on stderr', async () => {
    await withServer(ONE, async (running) => {
      await running.join();
      await withMaster({ program: 'unheard.mjs', options: { Port: running.port } }, async (master) => {
        expect(await master.over()).toEqual({ code: 1, signal: null });
        expect(master.stderr.join('\n')).toMatch(/ERR_PREFORK_LISTEN/);
        expect(master.stderr.join('\n')).toMatch(/EADDRINUSE/);
      });
    });
  });

  it('because ServerStarted throws ends its program so, too', async () => {
    await withMaster({ program: 'unheard.mjs', options: { std: { startFails: true } } }, async (master) => {
      expect(await master.over()).toEqual({ code: 1, signal: null });
      expect(master.stderr.join('\n')).toMatch(/TypeError: no luck/);
    });
  });

  it.each([
    ['waitUntil() rejects with the cause', { waits: true }, 0, /rejected ERR_PREFORK_LISTEN/],
    ['the Error callback hears of it, and the exit code says so', { handles: true }, 1, /handled ERR_PREFORK_LISTEN/],
  ])('%s', async (_title, std, code, output) => {
    await withServer(ONE, async (running) => {
      await running.join();
      await withMaster({ program: 'unheard.mjs', options: { Port: running.port, std } }, async (master) => {
        expect(await master.over()).toEqual({ code, signal: null });
        expect(master.stdout.join('\n')).toMatch(output);
      });
    });
  });
});

// Who holds it is read from /proc.
describe.runIf(process.platform === 'linux')('an address that is in use', () => {
  it('is held by a worker that blocks after its master was killed: the error names it, and what to do', async () => {
    await withMaster({ options: { ...ONE, ...QUICK, std: { printStatus: true } } }, async (master) => {
      const port = await master.up();
      const client = await master.join();
      const { pid } = client;
      client.send('sleep 60\n');
      await master.status(({ workers }) => workers.some(({ blocked }) => blocked));
      master.signal('SIGKILL');
      await master.exit();

      await withMaster({ program: 'unheard.mjs', options: { Port: port } }, async (next) => {
        expect(await next.over()).toEqual({ code: 1, signal: null });
        expect(next.stderr.join('\n')).toContain(`worker ${pid} of a server that was killed still holds it, blocked: end with kill -9 ${pid}.`);
      });
      process.kill(pid, 'SIGKILL');
      await waitGone(pid);
    });
  });

  it('is held by another program, or this one: the error says which process', async () => {
    await withServer(ONE, async (running) => {
      await running.join();
      const { error } = await listenFailure({ Address: '127.0.0.1', Port: running.port });
      expect((error as Error).message).toContain('this process listens there already');
      await withMaster({ program: 'unheard.mjs', options: { Port: running.port } }, async (master) => {
        await master.over();
        expect(master.stderr.join('\n')).toContain(`process ${process.pid} listens there`);
      });
    });
  });

  it.each([['the path of a Unix socket', join(tmpdir(), `prefork held-${process.pid}`)], ['an abstract name', `\0prefork-held-${process.pid}`]])('is %s: the error says which process, too', async (_title, Address) => {
    await withServer({ ...ONE, Domain: 'unix', Address }, async () => {
      const { error } = await listenFailure({ Domain: 'unix', Address });
      expect((error as Error).message).toContain('this process listens there already');
    });
  });
});

describe('an error that nothing listens to', () => {
  it('is shown on stderr, once for each place and second', async () => {
    await withMaster({ program: 'unheard.mjs', options: { ...ONE, ...QUICK, std: { throws: true } } }, async (master) => {
      const port = Number((await master.line(/^listening (\d+)$/)).split(' ')[1]);
      const client = await TcpClient.connect({ port });
      client.send('a\nb\nc\n');
      await master.line(/worker \d+, ClientInput: TypeError: no luck/, 'stderr');
      await master.line(/ClientInput: \d+ more within a second/, 'stderr');

      expect(master.stderr.filter((line) => line.includes('TypeError: no luck'))).toHaveLength(1);
      client.close();
    });
  });
});

describe('a reader of stderr', () => {
  it.each<[string, (stderr: Readable) => unknown]>([
    ['does not read', (stderr) => stderr.pause()],
    ['has gone', (stderr) => stderr.destroy()],
  ])('that %s neither stops nor ends the master, however much there is to say', async (_title, leave) => {
    const child = spawn(process.execPath, [fileURLToPath(program('unheard.mjs')), JSON.stringify({ ...ONE, ...QUICK, std: { floods: 60 } })], { stdio: ['ignore', 'pipe', 'pipe'] });
    const ended = once(child, 'exit');
    leave(child.stderr);
    try {
      const [line] = await within(once(createInterface(child.stdout), 'line'), () => 'its port') as [string];
      using client = await TcpClient.connect(Number(line.split(' ')[1]));
      client.send('go\n');
      await client.expect('flooded\r\n');

      child.kill('SIGTERM');
      client.close();

      expect(await within(ended, () => 'its end')).toEqual([0, null]);
    } finally {
      child.kill('SIGKILL');
      await waitGone(child.pid ?? 0);
    }
  });
});

describe('a worker whose script takes its time', () => {
  it('is no orphan when its master goes meanwhile', async () => {
    await withMaster({ program: 'late-server.mjs', options: ONE }, async (master) => {
      const pid = Number((await master.line(/^waiting (\d+)$/)).split(' ')[1]);
      master.signal('SIGKILL');
      await master.exit();
      process.kill(pid, 'SIGUSR2');

      await waitGone(pid);
    });
  });
});
