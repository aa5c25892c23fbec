// Workers and the master are killed, recycled, filled and stopped under load.
import { failures, isLostByKill, underLoad, visit } from '../../programs/load.js';
import type { Kill, Visit } from '../../programs/load.js';
import { withMaster } from '../../support/master-process.js';
import { sendSignal } from '../../support/processes.js';
import { Seeded } from '../../support/seeded.js';
import { poll } from '../../support/wait.js';
import { percentile } from '../figures.js';
import { fixed, sleep, withWorkers } from './scenario.js';
import type { Scenario } from './scenario.js';

/** A random worker is killed every 50 ms under load. */
export const killed: Scenario = async ({ seed, share }) => withWorkers(6, { MaxServer: 12 }, async (running) => {
  const random = new Seeded(seed);
  const kills: Kill[] = [];
  let recovery = NaN;
  const visits = await underLoad(running.port, 24, async () => {
    const end = performance.now() + 10_000 * share;
    while (performance.now() < end) {
      await sleep(50);
      const { ready } = running;
      if (ready.length === 0) continue;
      const pid = random.pick(ready);
      kills.push({ pid, at: performance.now() });
      sendSignal(pid, 'SIGKILL');
    }
    const killedAt = performance.now();
    await running.until(({ totals }) => totals.ready >= 6);
    recovery = performance.now() - killedAt;
  });
  const lost = failures(visits);
  const byKill = lost.filter((one) => isLostByKill(one, kills));
  const refused = lost.filter(({ outcome }) => outcome === 'refused');
  return [
    ['workers killed', kills.length, ''],
    ['clients served', visits.length - lost.length, ''],
    ['lost by the kill of their worker', byKill.length, ''],
    ['refused', refused.length, 0],
    ['lost otherwise', lost.length - byKill.length - refused.length, 0],
    ['seconds until the pool was at strength', recovery / 1000, '<= 1'],
  ];
});

/**
 * Every worker is recycled again and again, all at once, so that for the time of a start there is nobody to accept. A fixed number
 * of clients at once, not a rate: at 500 a second the kernel's queue grew until it overflowed, on a machine that could not serve
 * as many between two recyclings.
 */
export const recycled: Scenario = async ({ share }) => withWorkers(4, { MaxServer: 8, GraceExpireTime: 20 }, async (running) => {
  const rounds = Math.ceil(100 * share);
  const visits = await underLoad(running.port, 200, async () => {
    for (let round = 0; round < rounds; round++) {
      const old = running.ready;
      for (const pid of old) running.server.term(pid);
      await running.until(({ totals, workers }) => totals.ready >= 4 && !workers.some(({ pid }) => old.includes(pid)));
    }
  });
  return [
    ['recyclings of every worker', rounds, ''],
    ['clients, 200 at once', visits.length, ''],
    ['not served', failures(visits).length, 0],
  ];
});

/** A worker fills its JavaScript heap while the others serve. */
export const heap: Scenario = async () => withWorkers(4, { ExecArgv: ['--max-old-space-size=32'] }, async (running) => {
  const victim = await running.join();
  let seconds = NaN;
  const visits = await underLoad(running.port, 8, async () => {
    const startedAt = performance.now();
    victim.send('heap\n');
    await running.until(({ totals }) => totals.born > 4 && totals.ready === 4);
    seconds = (performance.now() - startedAt) / 1000;
  });
  const exits = running.eventsOf('worker:exit').map(({ detail }) => detail);
  // Whom it took before it read the order is lost with it.
  const others = visits.filter(({ pid }) => pid !== victim.pid);
  return [
    ['workers that died', exits.length, 1],
    ['it was the one whose heap was full', exits[0]?.pid === victim.pid, true],
    ['said by the event', exits[0]?.text ?? '', 'SIGABRT, not ours: perhaps its JavaScript heap was full'],
    ['clients of the others meanwhile', others.length, ''],
    ['not served', failures(others).length, 0],
    ['seconds until the pool was at strength', seconds, '<= 5'],
  ];
});

/** The master is stopped for longer than a worker may be silent, while clients come. */
export const stalled: Scenario = async ({ share }) => {
  const times = { MasterHeartBeatTime: 0.2, ServerHeartBeatTime: 0.1, MaxServerExpireTime: 1, GraceExpireTime: 0.5 };
  const { program, ...size } = fixed(6);
  return withMaster({ program, options: { ...size, ...times, std: { printStatus: true } } }, async (master) => {
    const port = await master.up();
    await master.ready(6);
    const stop = Math.max(1500, 3000 * share);
    master.signal('SIGSTOP');
    const meanwhile = await underLoad(port, 8, async () => sleep(stop));
    master.signal('SIGCONT');
    const continuedAt = performance.now();
    await master.status();
    const answered = (performance.now() - continuedAt) / 1000;
    // Reports of every worker, after which it could judge them.
    await master.heartbeats();
    const after: Visit[] = [];
    await poll(async () => after.push(await visit(port)) >= 20, () => '20 visits');
    return [
      ['seconds that the master was stopped, MaxServerExpireTime 1', stop / 1000, ''],
      ['clients meanwhile and afterwards', meanwhile.length + after.length, ''],
      ['not served', failures([...meanwhile, ...after]).length, 0],
      ['99th percentile of ms to the first byte meanwhile', percentile(meanwhile.map(({ firstByteMs }) => firstByteMs), 0.99), '<= 250'],
      ['seconds until the master answered again', answered, '<= 1'],
      ['workers drained or dead by it', master.all('worker:drain').length + master.all('worker:exit').length, 0],
    ];
  });
};
