// Clients that reset, stay, read nothing or send without end.
import { Buffer } from 'node:buffer';
import { createConnection } from 'node:net';
import { visit } from '../../programs/load.js';
import { listeningDescriptors, openFiles, residentBytes } from '../../support/proc.js';
import { poll, within } from '../../support/wait.js';
import { ONE, withServer } from '../../support/with-server.js';
import type { Running } from '../../support/with-server.js';
import { openMany } from '../connections.js';
import { MIB, sum } from '../figures.js';
import type { Row } from '../figures.js';
import { withWorkers } from './scenario.js';
import type { Scenario } from './scenario.js';

const residentSum = ({ ready }: Running): number => sum(ready.map(residentBytes));

/** Clients that connect and reset at once. */
export const resets: Scenario = async ({ share }) => withWorkers(2, { MasterHeartBeatTime: 1 }, async (running) => {
  const count = 100_000 * share;
  // Without the copies of the listening handle that a worker has in advance: they are no leak.
  const files = (): number => sum(running.ready.map((pid) => openFiles(pid) - listeningDescriptors(pid, running.port)));
  const before = files();
  let left = count;
  await Promise.all(Array.from({ length: 64 }, async () => {
    while (left > 0) {
      left -= 1;
      const socket = createConnection({ port: running.port, host: '127.0.0.1' });
      await new Promise((resolve) => { socket.once('connect', resolve).once('error', resolve); });
      socket.resetAndDestroy();
    }
  }));
  await visit(running.port);
  const { totals } = await running.until((status) => status.totals.connections === 0);
  await running.heartbeats();
  return [
    ['connect-and-reset clients', count, ''],
    ['clients left in status()', totals.connections, 0],
    ['workers that died', totals.born - 2, 0],
    ['files leaked', files() - before, '<= 4'],
  ];
});

/** Many open connections, most of them idle. */
export const idle: Scenario = async ({ share }) => withWorkers(4, { MasterHeartBeatTime: 1, ServerHeartBeatTime: 0.5 }, async (running) => {
  const connections = 10_000 * share;
  const before = residentSum(running);
  const sockets = await openMany(running.port, connections);
  await running.until(({ totals }) => totals.connections === connections);
  const after = residentSum(running);
  await running.heartbeats();
  const late = running.server.status().workers.map(({ loopDelay }) => loopDelay ?? 0);
  const some = sockets.filter((_, index) => index % 100 === 0);
  const answers = Promise.all(some.map((socket) => new Promise((resolve) => { socket.once('data', resolve); })));
  for (const socket of some) socket.write('hello\n');
  const answered = await within(answers, () => `${some.length} answers`);
  for (const socket of sockets) socket.destroy();
  return [
    ['open connections', connections, ''],
    ['KiB of a worker for each', (after - before) / connections / 1024, '<= 40'],
    ['worst delay of a heartbeat, ms', Math.max(...late), '<= 250'],
    ['every hundredth answered', answered.length, some.length],
  ];
});

/** Clients that ask for much and read nothing. */
export const slowReaders: Scenario = async ({ share }) => withWorkers(2, {}, async (running) => {
  const readers = 200 * share;
  const kilobytes = 10_000;
  const before = residentSum(running);
  const sockets = await openMany(running.port, readers);
  for (const socket of sockets) {
    socket.pause();
    // One line for each kilobyte: what can be held back is the next request, not an answer that was put whole.
    socket.write('kilobytes 1\n'.repeat(kilobytes));
  }
  const { outcome, firstByteMs } = await visit(running.port);
  const after = residentSum(running);
  for (const socket of sockets) socket.destroy();
  return [
    [`clients that ask for ${kilobytes} KiB each and read nothing`, readers, ''],
    ['MiB more in the workers, for each', (after - before) / readers / MIB, '<= 3'],
    ['another client was', outcome, 'served'],
    ['ms to its first byte', firstByteMs, '<= 1000'],
  ];
});

/** Input without end. */
export const endless: Scenario = async () => [...await endlessLine(64), ...await endlessBytes(1)];

async function endlessLine(mebibytes: number): Promise<readonly Row[]> {
  return withServer({ ...ONE, program: 'chaos.mjs' }, async (running) => {
    const [worker = NaN] = running.ready;
    const { socket } = await running.join();
    const before = residentBytes(worker);
    const chunk = Buffer.alloc(64 * 1024, 'x');
    for (let left = mebibytes * 16; left > 0 && socket.writable; left--) {
      const isTaken = new Promise((resolve) => { socket.write(chunk, resolve); });
      await within(isTaken, () => 'the kernel to take a part of the line, or an error');
    }
    await poll(() => socket.destroyed || socket.readableEnded, () => 'the end of a client with an endless line');
    return [
      [`client with a line of ${mebibytes} MiB closed`, true, true],
      ['MiB more in its worker', (residentBytes(worker) - before) / MIB, '<= 32'],
    ];
  });
}

async function endlessBytes(idleSeconds: number): Promise<readonly Row[]> {
  return withServer({ ...ONE, program: 'chaos.mjs', worker: { ClientTimeout: idleSeconds } }, async (running) => {
    const { socket } = await running.join();
    const startedAt = performance.now();
    const timer = setInterval(() => { socket.write('x'); }, idleSeconds * 200);
    await poll(() => socket.destroyed || socket.readableEnded, () => 'the end of a client that sends a byte now and then');
    clearInterval(timer);
    return [
      [`seconds until a client that sends a byte now and then is closed, ClientTimeout ${idleSeconds}`, (performance.now() - startedAt) / 1000, `<= ${2 * idleSeconds + 1}`],
    ];
  });
}
