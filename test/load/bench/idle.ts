// Memory of an idle connection in a worker, beside a plain net.Server with the same echo.
import { residentBytes } from '../../support/proc.js';
import { sendSignal } from '../../support/processes.js';
import { openMany } from '../connections.js';
import { median, printTable } from '../figures.js';
import { atRest } from './at-rest.js';
import { withServer } from './server.js';
import type { Program } from './server.js';
import type { Settings } from './settings.js';

/** So many that what grows once, by whole megabytes, hardly counts; each process has to be allowed to open more files than that. */
const CONNECTIONS = 15_000;
/** Opened and not counted: what grows once and stays. */
const WARM_UP = 200;

const KINDS = {
  'prefork': ['prefork', { workers: 1, greet: true, options: { ServerHeartBeatTime: 10 } }],
  'net.Server': ['hand-written', { kind: 'single', greet: true }],
} satisfies Readonly<Record<string, readonly [Program, object]>>;

type Kind = keyof typeof KINDS;

/**
 * What is resident with Node's defaults depends on more than the connections: garbage of the start that is used again makes them
 * cheaper, and the young generation grows as they come. With a small one what is left is what connections take.
 */
const YOUNG = {
  'with a young generation of 1 MiB': ['--max-semi-space-size=1'],
  'with the defaults of Node': [],
} satisfies Readonly<Record<string, readonly string[]>>;

/** Bytes of resident memory that the process which serves gains with each connection that was greeted and has said nothing. */
async function bytesEach(kind: Kind, execArgv: readonly string[]): Promise<number> {
  const [program, settings] = KINDS[kind];
  return withServer(program, settings, async (port, server) => {
    const pid = server.workers[0] ?? server.pid;
    const warm = await openMany(port, WARM_UP);
    const before = await inUse(pid);
    const sockets = await openMany(port, CONNECTIONS);
    const after = await inUse(pid);
    for (const socket of [...warm, ...sockets]) socket.destroy();
    return (after - before) / CONNECTIONS;
  }, { execArgv: ['--expose-gc', ...execArgv] });
}

/** Resident bytes when the garbage has been collected and the process is at rest. */
async function inUse(pid: number): Promise<number> {
  sendSignal(pid, 'SIGUSR2');
  await atRest([pid]);
  return residentBytes(pid);
}

export async function run({ rounds }: Settings): Promise<unknown> {
  const results: Record<string, unknown> = {};
  for (const [name, execArgv] of Object.entries(YOUNG)) {
    const bytes: Readonly<Record<Kind, number[]>> = { 'prefork': [], 'net.Server': [] };
    for (let round = 0; round < rounds; round++) {
      for (const kind of Object.keys(KINDS) as Kind[]) bytes[kind].push(await bytesEach(kind, execArgv));
    }
    const ratio = median(bytes.prefork) / median(bytes['net.Server']);
    printTable(`An idle connection ÷ that of a plain net.Server with the same echo, ${name}: ${CONNECTIONS} each, medians of ${rounds}`, ['', 'KiB of resident memory', 'aim'], [
      ['in a worker', median(bytes.prefork) / 1024, ''],
      ['in a plain net.Server', median(bytes['net.Server']) / 1024, ''],
      ['ratio', ratio, '≤ 1.4'],
    ]);
    results[name] = { bytes, ratio };
  }
  return results;
}
