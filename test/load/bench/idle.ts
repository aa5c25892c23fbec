// Memory of an idle connection in a worker, beside a plain net.Server with the same echo.
import { residentBytes } from '../../support/proc.js';
import { sendSignal } from '../../support/processes.js';
import { openMany } from '../connections.js';
import { median, printTable } from '../figures.js';
import { atRest } from './at-rest.js';
import { withServer } from './server.js';
import type { Program } from './server.js';
import type { Settings } from './settings.js';

const CONNECTIONS = 5000;
/** Opened, closed and not counted: what grows once and stays. */
const WARM_UP = 200;

const KINDS = {
  'prefork': ['prefork', { workers: 1, greet: true, options: { ServerHeartBeatTime: 10 } }],
  'net.Server': ['hand-written', { kind: 'single', greet: true }],
} satisfies Readonly<Record<string, readonly [Program, object]>>;

type Kind = keyof typeof KINDS;

/** Bytes of resident memory that the process which serves gains with each connection that was greeted and has said nothing. */
async function bytesEach(kind: Kind): Promise<number> {
  const [program, settings] = KINDS[kind];
  return withServer(program, settings, async (port, server) => {
    const pid = server.workers[0] ?? server.pid;
    const warm = await openMany(port, WARM_UP);
    const before = await inUse(pid);
    const sockets = await openMany(port, CONNECTIONS);
    const after = await inUse(pid);
    for (const socket of [...warm, ...sockets]) socket.destroy();
    return (after - before) / CONNECTIONS;
  }, ['--expose-gc']);
}

/** Resident bytes when the garbage has been collected and the process is at rest. */
async function inUse(pid: number): Promise<number> {
  sendSignal(pid, 'SIGUSR2');
  await atRest([pid]);
  return residentBytes(pid);
}

export async function run({ rounds }: Settings): Promise<unknown> {
  const bytes: Readonly<Record<Kind, number[]>> = { 'prefork': [], 'net.Server': [] };
  for (let round = 0; round < rounds; round++) {
    for (const kind of Object.keys(KINDS) as Kind[]) bytes[kind].push(await bytesEach(kind));
  }
  const ratio = median(bytes.prefork) / median(bytes['net.Server']);
  printTable(`An idle connection ÷ that of a plain net.Server with the same echo: ${CONNECTIONS} each, medians of ${rounds}`, ['', 'KiB of resident memory', 'aim'], [
    ['in a worker', median(bytes.prefork) / 1024, ''],
    ['in a plain net.Server', median(bytes['net.Server']) / 1024, ''],
    ['ratio', ratio, '≤ 1.4'],
  ]);
  return { bytes, ratio };
}
