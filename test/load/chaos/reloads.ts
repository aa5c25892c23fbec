// One release after the other, while clients come.
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { openFiles, residentBytes } from '../../support/proc.js';
import { isAlive } from '../../support/processes.js';
import { Releases } from '../../support/releases.js';
import { withServer } from '../../support/with-server.js';
import { MIB } from '../figures.js';
import { fixed, type Scenario } from './scenario.js';

const WORKERS = 2;
const RATE = 500;
/** Fewer than the kernel's queue takes, on a machine that cannot serve as many in a second: what overflows there has not come to the pool. */
const MOST = 300;
/** Of the reloads, after which the master's memory is taken as what it needs. */
const WARM = 0.3;

/** 100 reloads in a row under 500 new connections a second, or as many as the machine serves; every tenth release is broken. */
export const reloads: Scenario = async ({ share }) => {
  const releases = new Releases();
  try {
    const good = [releases.write(), releases.write()];
    const broken = releases.write({ before: "throw new Error('broken');" });
    releases.lead(good[0] ?? '');
    return await withServer({ ...fixed(WORKERS), Script: releases.script, Directory: releases.directory, ReloadSettleTime: 0.05 }, async (running) => {
      const count = Math.ceil(100 * share);
      const resident: number[] = [];
      let refused = 0;
      const filesBefore = openFiles(process.pid);
      const startedAt = performance.now();
      const visitors = comeAtRate(running.port);
      for (let index = 1; index <= count; index++) {
        const isBroken = index % 10 === 0;
        releases.lead(isBroken ? broken : good[index % 2] ?? '');
        await running.server.reload().catch(() => { refused += 1; });
        resident.push(residentBytes(process.pid));
      }
      const visits = await visitors();
      const seconds = (performance.now() - startedAt) / 1000;
      await running.settled(WORKERS);
      const { pid } = process;
      for (const evidence of visits.lost.slice(0, 5)) console.error(`lost: ${evidence}`);
      const warm = resident[Math.floor(resident.length * WARM)] ?? NaN;
      return [
        ['reloads, every tenth of a release that throws at load', count, ''],
        ['  refused', refused, Math.floor(count / 10)],
        ['clients that came meanwhile', visits.count, ''],
        [`  in a second, of ${RATE} that would`, visits.count / seconds, ''],
        ['  not served', visits.lost.length, 0],
        ['processes left besides those of the pool', running.born.filter(isAlive).length - WORKERS, 0],
        ['descriptors more in the master', openFiles(pid) - filesBefore, '<= 4'],
        ['MiB more in the master after the last reload than after a third of them', (residentBytes(pid) - warm) / MIB, '<= 16'],
        ['release in force', running.server.status().release, count % 10 === 0 ? count : count + 1],
      ];
    });
  } finally {
    releases.remove();
  }
};

/** Clients from a process of their own, so that they do not hold the master up. @returns what ends it and says how they went */
function comeAtRate(port: number): () => Promise<{ readonly count: number; readonly lost: readonly string[] }> {
  const child = spawn(process.execPath, ['--import', 'tsx', fileURLToPath(new URL('../visitors.ts', import.meta.url)), String(port), String(RATE), String(MOST)], { stdio: ['pipe', 'pipe', 'inherit'] });
  const printed = text(child.stdout);
  return async () => {
    child.stdin.end();
    return JSON.parse(await printed) as { count: number; lost: string[] };
  };
}
