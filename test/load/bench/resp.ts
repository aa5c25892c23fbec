// Requests per second of redis-benchmark with pipelines: examples/resp.js, which has one worker, beside a server with the
// same store written by hand on node:net.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { MasterProcess } from '../../support/master-process.js';
import { requireTool } from '../../support/tools.js';
import { median, printTable } from '../figures.js';
import type { Settings } from './settings.js';

const PEERS = { 'prefork-tcp-server': '../../../examples/resp.js', 'by hand on node:net': '../servers/resp.mjs' };
const REQUESTS = 200_000;

export async function run({ rounds, clients }: Settings): Promise<unknown> {
  if (!requireTool('redis-benchmark')) return undefined;
  const measured = Object.entries(PEERS).map(([name, file]) => ({ name, file, SET: [] as number[], GET: [] as number[] }));
  for (let round = 0; round < rounds; round++) {
    for (const { file, SET, GET } of measured) {
      const speeds = await benchmark(file, clients);
      SET.push(speeds.get('SET') ?? NaN);
      GET.push(speeds.get('GET') ?? NaN);
    }
  }
  const rows = measured.map(({ name, SET, GET }) => ({ name, SET: median(SET), GET: median(GET) }));
  printTable(`RESP: requests per second, ${clients} clients, pipelines of 16`, ['', 'SET', 'GET'], rows.map(({ name, SET, GET }) => [name, Math.round(SET), Math.round(GET)]));
  return rows;
}

/** Requests per second by command. redis-benchmark ends with an error at the first error of the server. */
async function benchmark(file: string, clients: number): Promise<ReadonlyMap<string, number>> {
  const server = new MasterProcess({ args: [fileURLToPath(new URL(file, import.meta.url)), '0'] });
  try {
    const port = await server.until(() => server.stdout.map((line) => /\bport\W+(\d+)/.exec(line)?.[1]).find((one) => one !== undefined), () => 'its port');
    const { stdout } = await promisify(execFile)('redis-benchmark', [
      '-p', port, '-t', 'set,get', '-n', String(REQUESTS), '-c', String(clients), '-P', '16', '-r', '10000', '-d', '64', '--csv',
    ]);
    return new Map([...stdout.matchAll(/^"(SET|GET)","([\d.]+)"/gm)].map(([, name = '', speed]) => [name, Number(speed)]));
  } finally {
    await server[Symbol.asyncDispose]();
  }
}
