// Handshakes per second beside a tls.Server in as many processes of node:cluster, with `openssl s_time` as clients: whole ones,
// and sessions that are resumed, which our workers can whichever of them the client comes to.
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { Authority } from '../../support/certificates.js';
import { toolPath } from '../../support/tools.js';
import { median, printTable, sum } from '../figures.js';
import { withServer } from './server.js';
import type { Program } from './server.js';
import type { Settings } from './settings.js';

const WORKERS = 2;
/** Clients, each of which shakes hands as fast as it can. */
const CLIENTS = 2;

const KINDS = { 'new': 'whole handshakes per s', 'reuse': 'resumed per s, TLS 1.2' } as const;
type Kind = keyof typeof KINDS;

/** One s_time. @returns connections per second */
async function time(port: number, kind: Kind, seconds: number): Promise<number> {
  const args = ['s_time', '-connect', `127.0.0.1:${port}`, `-${kind}`, '-time', String(seconds), ...(kind === 'reuse' ? ['-tls1_2'] : [])];
  const output = await text(spawn(toolPath('openssl'), args, { stdio: ['ignore', 'pipe', 'ignore'] }).stdout);
  const [, count = '0'] = /(\d+) connections in \d+ real seconds/.exec(output) ?? [];
  return Number(count) / seconds;
}

export async function run({ rounds, seconds }: Settings): Promise<unknown> {
  const authority = new Authority();
  const { cert, key } = authority.issue('localhost');
  const tls = { cert, key };
  const servers: Readonly<Record<string, readonly [Program, object]>> = {
    'prefork with Tls': ['prefork', { workers: WORKERS, options: { Tls: tls } }],
    'cluster of tls.Servers, shared handle': ['hand-written', { kind: 'shared', workers: WORKERS, tls }],
  };
  const rates: { readonly server: string; readonly kind: Kind; readonly rate: number }[] = [];
  try {
    for (let round = 0; round < rounds; round++) {
      for (const [server, [program, settings]] of Object.entries(servers)) {
        await withServer(program, settings, async (port) => {
          await time(port, 'new', 1);
          for (const kind of Object.keys(KINDS) as Kind[]) {
            const each = await Promise.all(Array.from({ length: CLIENTS }, async () => time(port, kind, Math.max(Math.round(seconds), 1))));
            rates.push({ server, kind, rate: sum(each) });
          }
        });
      }
    }
  } finally {
    authority.remove();
  }
  const rateOf = (server: string, kind: Kind): number => median(rates.filter((one) => one.server === server && one.kind === kind).map(({ rate }) => rate));
  printTable(`TLS: ${WORKERS} processes, P-256, medians of ${rounds}`, ['', ...Object.values(KINDS)],
    Object.keys(servers).map((server) => [server, ...(Object.keys(KINDS) as Kind[]).map((kind) => rateOf(server, kind))]));
  return rates;
}
