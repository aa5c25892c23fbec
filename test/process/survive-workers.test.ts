import { performance } from 'node:perf_hooks';
import type { WorkerHungEvent } from 'prefork-tcp-server';
import { describe, expect, it } from 'vitest';
import { atRate, failures, isLostByKill, underLoad, visitMany } from '../programs/load.js';
import type { Kill } from '../programs/load.js';
import { withMaster } from '../support/master-process.js';
import { Gate } from '../support/gate.js';
import { residentBytes } from '../support/proc.js';
import { isAlive, sendSignal, waitGone } from '../support/processes.js';
import type { TcpClient } from '../support/tcp-client.js';
import { poll, within } from '../support/wait.js';
import { ONE, QUICK, TWO, clientOfEach, silencesAtDrain, withServer } from '../support/with-server.js';
import type { Running } from '../support/with-server.js';

/** A silent worker is drained after a second, in which a healthy one is heard of on any machine, and killed 0.3 s later. */
const IMPATIENT = { ...QUICK, MaxServerExpireTime: 1, GraceExpireTime: 0.3 };
/** Nobody acts because of a heartbeat. */
const SLOW = { MasterHeartBeatTime: 60 };

async function nextHang(running: Running): Promise<WorkerHungEvent> {
  const hung = new Promise<WorkerHungEvent>((resolve) => { running.server.once('worker:hung', resolve); });
  return within(hung, () => `worker:hung;\n${running.describe()}`);
}

describe('a worker that is blocked', () => {
  it.each<[string, (client: TcpClient) => void]>([
    ['a busy loop', (client) => { client.send('spin 100\n'); }],
    ['a synchronous wait', (client) => { client.send('sleep 100\n'); }],
    ['SIGSTOP', ({ pid }) => { sendSignal(pid, 'SIGSTOP'); }],
  ])('by %s is replaced when MaxServerExpireTime says so and gone after GraceExpireTime; others serve new clients meanwhile', async (_title, block) => {
    await withServer({ ...TWO, ...IMPATIENT }, async (running) => {
      await running.settled(2);
      const client = await running.join();
      const silences = silencesAtDrain(running);

      block(client);
      const visits = await atRate(running.port, 50, async () => { await running.exit(client.pid); }, 4);

      // Whom it took just before it was blocked belongs to it.
      const ofOthers = visits.filter(({ pid }) => pid !== client.pid);
      expect(failures(ofOthers)).toEqual([]);
      expect(visits.length - ofOthers.length).toBeLessThanOrEqual(2);
      const [drain] = running.eventsOf('worker:drain').filter(({ detail }) => detail.pid === client.pid);
      const exit = await running.exit(client.pid);
      expect(drain?.detail.reason).toBe('expired');
      expect(silences.get(client.pid)).toBeGreaterThanOrEqual(990);
      expect(exit.detail).toMatchObject({ signal: 'SIGKILL', reason: 'killed:grace' });
      expect(exit.detail.text).toContain('GraceExpireTime');
      expect(exit.at - (drain?.at ?? 0)).toBeGreaterThanOrEqual(290);
      await running.settled(2);
    });
  });

  it('by SIGSTOP for less than MaxServerExpireTime goes on with its client', async () => {
    await withServer({ ...TWO, ...QUICK }, async (running) => {
      await running.settled(2);
      const client = await running.join();

      sendSignal(client.pid, 'SIGSTOP');
      expect(failures(await visitMany(running.port, 50, 2))).toEqual([]);
      sendSignal(client.pid, 'SIGCONT');

      await client.echo('went on');
      expect(running.eventsOf('worker:exit')).toEqual([]);
    });
  });
});

describe('HangReport', () => {
  it.each([
    ['a busy loop', 'spin', 'spinFor'],
    ['Atomics.wait', 'sleep', 'sleepFor'],
  ])('says in which function, file and line a worker hangs: %s', async (_title, word, functionName) => {
    using gate = new Gate();
    await withServer({ ...TWO, ...QUICK, HangReport: true }, async (running) => {
      await running.settled(2);
      const client = await running.join();
      const asked = nextHang(running);

      client.send(`${word} ${gate.path}\n`);
      const hung = await asked;
      gate.open();

      expect(hung.pid).toBe(client.pid);
      expect(hung.blockedFor).toBeGreaterThan(0.1);
      const inner = hung.stack.find((frame) => frame.functionName === functionName);
      expect(inner?.url).toMatch(/^file:.*\/test\/programs\/handlers\.mjs$/);
      expect(inner?.line).toBeGreaterThan(1);
      expect(inner?.column).toBeGreaterThan(0);
      expect(hung.stack.map((frame) => frame.functionName)).toContain('ClientInput');
      // It is looked at, not harmed.
      await client.expectMatch(/^(spun|slept)\r\n/);
      expect(running.eventsOf('worker:exit')).toEqual([]);
    });
  });

  it('is not made without the option', async () => {
    await withServer({ ...TWO, ...QUICK }, async (running) => {
      await running.settled(2);
      const reports: WorkerHungEvent[] = [];
      running.server.on('worker:hung', (event) => { reports.push(event); });
      const client = await running.join();

      client.send('spin 0.6\n');
      await client.expect('spun\r\n');
      await running.heartbeats();

      expect(reports).toEqual([]);
    });
  });
});

describe('the master', () => {
  it('that is killed while a worker is in a busy loop leaves no orphan with HangReport: it ends after GraceExpireTime', async () => {
    const options = { ...TWO, ...QUICK, MaxServerExpireTime: 60, GraceExpireTime: 0.5, HangReport: true };
    await withMaster({ program: 'survive.mjs', options }, async (master) => {
      await master.ready(2);
      const port = await master.up();
      const client = await master.join();
      client.send('hang 100\n');
      await master.event('hanging');

      master.signal('SIGKILL');
      await master.exit();

      // It would be in its loop for longer than this waits.
      await waitGone(master.born);
      await withServer({ ...ONE, Port: port }, async (next) => { await next.join(); });
    });
  });

  it('that was stopped for longer than MaxServerExpireTime kills none when it goes on', async () => {
    const options = { ...TWO, ...QUICK, MaxServerExpireTime: 2, GraceExpireTime: 0.5, std: { printStatus: true } };
    await withMaster({ options }, async (master) => {
      const workers = await master.ready(2);
      const port = await master.up();
      const client = await master.join();
      const stoppedAt = performance.now();

      master.signal('SIGSTOP');
      // Their work goes on without it.
      for (let count = 0; performance.now() - stoppedAt < 2600; count++) {
        await client.echo(`line ${count}`);
        expect(failures(await visitMany(port, 1, 1))).toEqual([]);
      }
      master.signal('SIGCONT');
      await master.heartbeats(workers);

      await client.echo('still here');
      expect(new Set(master.workers)).toEqual(new Set(workers));
      expect(master.all('worker:drain')).toEqual([]);
      expect(master.all('worker:exit')).toEqual([]);
    });
  });
});

describe('the channel between master and worker', () => {
  it('that a worker cuts makes it drain; it is replaced, and its client finishes', async () => {
    await withServer({ ...TWO, ...QUICK, MaxSessionPerServer: 1, program: 'survive.mjs' }, async (running) => {
      await running.settled(2);
      const client = await running.join();
      // In the middle of a message Node only closes the channel after the next one.
      await running.heartbeats();

      client.send('disconnect\n');
      await client.expect('did disconnect\r\n');
      await client.echo('still here');
      await client.quit();
      const { detail } = await running.exit(client.pid);

      expect(detail).toMatchObject({ code: 0, signal: null });
      await running.settled(2);
      expect(failures(await visitMany(running.port, 20, 2))).toEqual([]);
    });
  });

  it('that is cut while a client stays has the worker replaced long before MaxServerExpireTime; it ends after its client', async () => {
    await withServer({ ...TWO, ...QUICK, MaxServerExpireTime: 60, program: 'survive.mjs' }, async (running) => {
      await running.settled(2);
      const client = await running.join();
      await running.heartbeats();

      client.send('disconnect\n');
      await client.expect('did disconnect\r\n');
      await running.until(({ totals }) => totals.ready === 2 && totals.draining === 1);

      expect(failures(await visitMany(running.port, 20, 2))).toEqual([]);
      await client.echo('still here');
      await client.quit();
      expect((await running.exit(client.pid)).detail).toMatchObject({ code: 0, signal: null, reason: 'asked' });
    });
  });

  it('that the workers cut who may accept lets others accept', async () => {
    await withServer({ MaxServer: 6, StartServer: 6, ...QUICK, MaxServerExpireTime: 60, program: 'survive.mjs' }, async (running) => {
      await running.settled(6);
      await running.until(({ workers }) => workers.filter(({ permit }) => permit).length < 6);
      const clients = await Promise.all(Array.from({ length: 60 }, () => running.join()));
      await running.heartbeats();
      const holders = running.server.status().workers.filter(({ permit }) => permit).map(({ pid }) => pid);

      for (const pid of holders) clients.find((client) => client.pid === pid)?.send('later\n');
      await running.until(({ workers }) => workers.filter(({ phase }) => phase === 'draining').length === holders.length);

      expect(failures(await visitMany(running.port, 20, 2))).toEqual([]);
      for (const client of clients) client.close();
      for (const pid of holders) await running.exit(pid);
    });
  });
});

describe('the memory of a worker', () => {
  it('above MaxServerMemory has it replaced: its successor is ready first, and its client finishes', async () => {
    const options = { ...TWO, ...QUICK, MaxServerMemory: 200 * 1024 * 1024, GraceExpireTime: 30, program: 'survive.mjs' };
    await withServer(options, async (running) => {
      await running.settled(2);
      const client = await running.join();

      client.send('grow 200\n');
      await client.expect('did grow\r\n');
      expect(residentBytes(client.pid)).toBeGreaterThan(options.MaxServerMemory);
      const drain = await running.event('worker:drain');

      expect(drain.detail).toMatchObject({ pid: client.pid, reason: 'memory', connections: 1 });
      const ready = running.eventsOf('worker:ready').filter(({ at }) => at <= drain.at).map(({ detail }) => detail.pid);
      expect(ready.filter((pid) => pid !== client.pid)).toHaveLength(2);
      await client.echo('still here');
      await client.quit();
      expect((await running.exit(client.pid)).detail).toMatchObject({ code: 0, reason: 'memory' });
      await running.settled(2);
      expect(running.born).toHaveLength(3);
    });
  });

  it('that fills its JavaScript heap ends that worker only, and the event says so', async () => {
    const options = { ...TWO, ...SLOW, MaxSessionPerServer: 1, ExecArgv: ['--max-old-space-size=32'] };
    await withMaster({ program: 'survive.mjs', options }, async (master) => {
      await master.ready(2);
      const [victim, other] = await clientOfEach(master);

      victim.send('heap\n');
      const exit = await master.event('worker:exit');

      expect(exit).toMatchObject({ pid: victim.pid, signal: 'SIGABRT', code: null, reason: 'crashed' });
      expect(exit.text).toContain('JavaScript heap');
      await victim.expectOver();
      await other.echo('untouched');
      const successor = await master.join();
      expect([victim.pid, other.pid]).not.toContain(successor.pid);
      expect(master.all('worker:exit')).toHaveLength(1);
      expect(master.ending).toBeUndefined();
    });
  });
});

describe('a worker that is killed', () => {
  it.each(['worker:born', 'worker:ready'] as const)('at the moment of %s costs no client, and the pool recovers', async (name) => {
    await withServer({ StartServer: 2, MinServer: 2, MinSpareServer: 0, MaxServer: 4, ...QUICK, program: 'survive.mjs' }, async (running) => {
      await running.settled(2);
      const victims: number[] = [];
      running.server.on(name, ({ pid }) => {
        if (victims.length >= 3) return;
        victims.push(pid);
        sendSignal(pid, 'SIGKILL');
      });

      const visits = await underLoad(running.port, 4, async () => {
        running.server.configure({ MinServer: 4, MaxSpareServer: 4 });
        await running.until(({ totals }) => totals.ready === 4 && victims.length === 3);
      });

      expect(failures(visits)).toEqual([]);
      for (const pid of victims) expect((await running.exit(pid)).detail).toMatchObject({ signal: 'SIGKILL', served: 0 });
      await running.settled(4);
    });
  });

  it('and then another, and another, under load costs none but their own clients', async () => {
    await withServer({ StartServer: 4, MinServer: 4, MinSpareServer: 0, MaxServer: 8, ...QUICK }, async (running) => {
      await running.settled(4);
      const kills: Kill[] = [];

      const visits = await underLoad(running.port, 8, async (soFar) => {
        while (kills.length < 3) {
          const before = soFar.length;
          await poll(() => soFar.length >= before + 20, () => 'the load to go on');
          const [pid = NaN] = running.ready;
          kills.push({ pid, at: performance.now() });
          sendSignal(pid, 'SIGKILL');
          await running.exit(pid);
        }
        await running.until(({ totals }) => totals.ready === 4);
      });

      expect(failures(visits).filter((one) => !isLostByKill(one, kills))).toEqual([]);
    });
  });

  it('while it drains costs only the clients it still has', async () => {
    await withServer({ ...TWO, ...QUICK, MaxSessionPerServer: 1, GraceExpireTime: 30 }, async (running) => {
      await running.settled(2);
      const [lost, other] = await clientOfEach(running);

      running.server.term(lost.pid);
      await running.event('worker:drain', ({ pid }) => pid === lost.pid);
      await lost.echo('still here');
      sendSignal(lost.pid, 'SIGKILL');
      const { detail } = await running.exit(lost.pid);

      expect(detail).toMatchObject({ signal: 'SIGKILL', reason: 'asked' });
      await lost.expectOver();
      await other.echo('untouched');
      await running.settled(2);
      expect(failures(await visitMany(running.port, 10, 2))).toEqual([]);
    });
  });

  it('together with all others at the same instant is replaced, and clients that come meanwhile wait', async () => {
    await withServer({ MaxServer: 4, ...SLOW }, async (running) => {
      await running.settled(4);
      const first = running.ready;

      for (const pid of first) sendSignal(pid, 'SIGSTOP');
      const waiting = await Promise.all(Array.from({ length: 20 }, () => running.connect()));
      for (const pid of first) sendSignal(pid, 'SIGKILL');

      for (const client of waiting) expect(first).not.toContain(await client.greeting());
      await poll(() => !first.some(isAlive), () => 'the end of the first workers');
      await running.settled(4);
    });
  });
});
