import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { withHandlers } from '../programs/inline.js';
import { HaProxy, freePorts } from '../support/haproxy.js';
import { heapOf } from '../support/listening.js';
import { withMaster, type MasterProcess } from '../support/master-process.js';
import { TcpClient } from '../support/tcp-client.js';
import { requireTool, toolPath } from '../support/tools.js';
import { within } from '../support/wait.js';
import { ONE, QUICK, TWO, withServer } from '../support/with-server.js';

const Proxy = { From: ['127.0.0.1'] };
const DEFAULTS = 'defaults\n  mode tcp\n  timeout connect 2s\n  timeout client 10s\n  timeout server 10s\n  timeout check 1s\n';

/** A listener of HAProxy's with one server behind it. */
const listen = (name: string, port: number, bind: string, server: string): string => (
  `listen ${name}\n  bind 127.0.0.1:${port} ${bind}\n  unique-id-format "id-%[src]-%[src_port]"\n  server pool ${server}\n`
);

/** Makes a key and a certificate of its own for a name. */
function certificate(folder: string, name: string): { readonly key: string; readonly cert: string } {
  const [keyFile, certFile] = [join(folder, `${name}.key`), join(folder, `${name}.crt`)];
  execFileSync(toolPath('openssl'), [
    'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', `/CN=${name}`, '-keyout', keyFile, '-out', certFile,
  ], { stdio: 'ignore' });
  return { key: readFileSync(keyFile, 'utf8'), cert: readFileSync(certFile, 'utf8') };
}

/** Asks addresses.mjs over TLS what it knows of the client; what it says first is its greeting. */
async function heapOverTls(options: ConnectionOptions): Promise<Record<string, unknown>> {
  const socket = connectTls({ host: '127.0.0.1', rejectUnauthorized: false, ...options });
  const answer = (async () => {
    let text = '';
    for await (const piece of socket.setEncoding('utf8')) {
      text += String(piece);
      if (text.split('\r\n').length > 2) break;
    }
    return JSON.parse(text.split('\r\n')[1] ?? '') as Record<string, unknown>;
  })();
  socket.write('who am I\n');
  return within(answer, () => 'an answer over TLS');
}

describe.runIf(requireTool('haproxy') && requireTool('openssl'))('HAProxy', () => {
  it('says who its clients are: version 1, version 2, and with everything that it knows of TLS in front of us', async () => {
    await withServer({ ...TWO, program: 'addresses.mjs', worker: { Proxy } }, async ({ port }) => {
      const folder = mkdtempSync(join(tmpdir(), 'prefork-haproxy-'));
      const [one = 0, two = 0, all = 0] = await freePorts(3);
      certificate(folder, 'pool.example');
      const ann = certificate(folder, 'ann');
      execFileSync('sh', ['-c', `cat ${folder}/pool.example.key ${folder}/pool.example.crt > ${folder}/pool.pem`]);
      await using haproxy = new HaProxy({ folder, config: [
        DEFAULTS,
        listen('one', one, '', `127.0.0.1:${port} send-proxy check inter 100`),
        listen('two', two, '', `127.0.0.1:${port} send-proxy-v2`),
        listen('all', all, `ssl crt ${folder}/pool.pem ca-file ${folder}/ann.crt verify optional crt-ignore-err all alpn echo/1`,
          `127.0.0.1:${port} send-proxy-v2 proxy-v2-options ssl,cert-cn,ssl-cipher,cert-sig,cert-key,authority,crc32c,unique-id`),
      ].join('') });
      await haproxy.until('pool', ({ status }) => status === 'UP');

      for (const [version, through] of [[1, one], [2, two]] as const) {
        const { remote_ip, remote_port, proxy } = await heapOf(through) as { remote_ip: string; remote_port: number; proxy: object };
        expect({ remote_ip, proxy }).toMatchObject({
          remote_ip: '127.0.0.1', proxy: { version, local: false, source: { address: '127.0.0.1', port: remote_port }, destination: { address: '127.0.0.1', port: through } },
        });
        expect(remote_port).not.toBe(port);
      }

      const known = await heapOverTls({ port: all, servername: 'pool.example', ALPNProtocols: ['echo/1'], ...ann }) as { remote_addr: string; proxy: { uniqueId: { data: number[] } } };
      expect(known.proxy).toMatchObject({
        version: 2, authority: 'pool.example', alpn: 'echo/1',
        ssl: { secure: true, certificate: true, verified: true, version: 'TLSv1.3', commonName: 'ann', cipher: 'TLS_AES_256_GCM_SHA384', signatureAlgorithm: 'ecdsa-with-SHA256', keyAlgorithm: 'EC256' },
      });
      expect(`id-${known.remote_addr.replace(':', '-')}`).toBe(Buffer.from(known.proxy.uniqueId.data).toString());
      expect((await heapOverTls({ port: all }))['proxy']).toMatchObject({ ssl: { secure: true, certificate: false, verified: false } });
    });
  });

  it('passes TLS through, or speaks it to a pool that does: who the client is comes before the handshake, and health checks are no faults', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'prefork-haproxy-'));
    const own = certificate(folder, 'pool.example');
    await withServer({ ...ONE, ...QUICK, program: 'addresses.mjs', worker: { Proxy, Tls: own } }, async (running) => {
      const [through = 0, anew = 0] = await freePorts(2);
      const pool = `127.0.0.1:${running.port} send-proxy-v2 check inter 50`;
      await using haproxy = new HaProxy({ folder, config: [
        DEFAULTS, listen('through', through, '', pool), listen('anew', anew, '', `${pool} ssl verify required ca-file ${folder}/pool.example.crt sni str(pool.example)`).replace('server pool', 'server other'),
      ].join('') });
      for (const name of ['pool', 'other']) await haproxy.until(name, ({ status }) => status === 'UP');
      // Some of their checks.
      for (let round = 0; round < 5; round++) await running.heartbeats();

      const clients = [await heapOverTls({ port: through, ca: own.cert, servername: 'pool.example', rejectUnauthorized: true }), await heapOf(anew)];

      for (const [index, port] of [through, anew].entries()) {
        const { remote_ip, remote_port } = clients[index] as { remote_ip: string; remote_port: number };
        expect(clients[index]).toMatchObject({ remote_ip: '127.0.0.1', proxy: { version: 2, local: false, source: { address: remote_ip, port: remote_port }, destination: { address: '127.0.0.1', port } } });
      }
      expect(running.eventsOf('worker:error')).toEqual([]);
    });
  });

  it('checks a pool by LOCAL headers and resets: no callback, no error event', async () => {
    await withHandlers({
      Proxy, ...QUICK,
      ClientConnected({ heap }) { tell('connected', heap.proxy?.local); },
      ClientError({ errstr }) { tell('error', errstr); },
      ClientDisconnected() { tell('disconnected'); },
    }, async (scene) => {
      const { running } = scene;
      const [port = 0] = await freePorts(1);
      await using haproxy = new HaProxy({ config: DEFAULTS + listen('checked', port, '', `127.0.0.1:${running.port} send-proxy-v2 check inter 50`) });
      await haproxy.until('pool', ({ status }) => status === 'UP');
      // Some twenty of them, of which a reset may have come before a worker took it.
      for (let round = 0; round < 5; round++) await running.heartbeats();
      expect(scene.names).toEqual([]);

      const client = await TcpClient.connect(port);
      client.send('hello\n');
      await client.expect('hello\r\n');
      client.close();

      expect(await scene.told('connected')).toBe(false);
      expect(running.eventsOf('worker:error')).toEqual([]);
    });
  });

  it('follows the agent: weights, MAINT while the pool is paused, UP again, DRAIN when it stops, DOWN while its last client finishes, UP when it has started again', async () => {
    const [port = 0, agentPort = 0, front = 0] = await freePorts(3);
    const setup = { ...ONE, ...QUICK, Port: port, Admin: { AgentPort: agentPort }, MaxSessionPerServer: 4, ShutdownDelay: 30, worker: { Proxy } };
    await using haproxy = new HaProxy({
      config: DEFAULTS + listen('pools', front, '', `127.0.0.1:${port} send-proxy-v2 weight 100 check inter 100 agent-check agent-port ${agentPort} agent-inter 100`),
    });
    const is = (state: string, percent = '100'): Promise<unknown> => haproxy.until('pool', ({ status, weight }) => status === state && weight === percent);
    await withServer(setup, async ({ server }) => {
      await is('UP');
      const client = await TcpClient.connect(front);
      await client.greeting();
      await is('UP', '75');
      client.close();
      await is('UP');
      server.pause();
      await haproxy.until('pool', ({ status }) => status?.startsWith('MAINT') === true);
      server.resume();
      await is('UP');

      const last = await TcpClient.connect(front);
      await last.greeting();
      const isGone = server.shutdown();
      await haproxy.until('pool', ({ status }) => status?.startsWith('DRAIN') === true);
      await last.echo('served while balancers leave');
      // Another call ends the delay: no new clients from then on. The agent answers until the last one has left.
      void server.shutdown({ grace: 30 });
      await haproxy.until('pool', ({ status, agent_status }) => status?.startsWith('DOWN') === true && agent_status?.includes('CHECKED') === true);
      await last.echo('served while the pool drains');
      await last.quit();
      await isGone;
      await haproxy.until('pool', ({ agent_status }) => agent_status?.includes('L4CON') === true);
    });
    await haproxy.until('pool', ({ status }) => status === 'DOWN');
    await withServer(setup, async () => { await is('UP'); });
  });
});

/** Clients that come one after the other, as many at once as asked for, until they are stopped. */
class Load {
  served = 0;
  readonly lost: string[] = [];
  #isOver = false;
  readonly #port: number;
  readonly #all: readonly Promise<void>[];

  constructor(port: number, clients: number) {
    this.#port = port;
    this.#all = Array.from({ length: clients }, () => this.#come());
  }

  async #come(): Promise<void> {
    while (!this.#isOver) {
      try {
        using client = await TcpClient.connect(this.#port);
        client.send('hello\nquit\n');
        await client.expectMatch(/^127\.0\.0\.1:\d+ is served by \d+\r\nhello\r\nquit\r\n/);
        await client.expectEof();
        this.served += 1;
      } catch (error) {
        this.lost.push(`${this.served} were served before: ${String(error)}`);
      }
    }
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#all);
  }
}

describe.runIf(requireTool('haproxy'))('examples/haproxy', { timeout: 180_000 }, () => {
  it('loses no client when one of two pools gets SIGTERM and the other a new release and a new master under load; limits connections of an address', async () => {
    const [front = 0, one = 0, two = 0, oneAgent = 0, twoAgent = 0, ...pages] = await freePorts(7);
    const start = (port: number, agent: number, page: number | undefined): Parameters<typeof withMaster>[0] => ({
      args: ['examples/haproxy/server.js', ...[port, agent, page].map(String)], detached: true, env: { SHUTDOWN_DELAY: '1', SETTLE_TIME: '0.2' },
    });
    await withMaster(start(one, oneAgent, pages[0]), async (first) => withMaster(start(two, twoAgent, pages[1]), async (second) => {
      for (const master of [first, second]) await master.line(/^listening on/);
      await using haproxy = new HaProxy({ config: 'examples/haproxy/haproxy.cfg', env: {
        PORT: String(front), ONE: String(one), TWO: String(two), ONE_AGENT: String(oneAgent), TWO_AGENT: String(twoAgent), INTER: '200ms', RETRIES: '0',
      } });
      for (const name of ['one', 'two']) await haproxy.until(name, ({ status, agent_status }) => status === 'UP' && agent_status === 'L7OK');
      const load = new Load(front, 1);

      second.signal('SIGHUP');
      // Workers start slowly beside a load that takes what the machine has.
      await second.until(() => second.lines.find((line) => line === 'release 2'), () => 'the end of the reload', 60_000);
      second.signal('SIGUSR2');
      expect(await second.exit(60_000)).toEqual({ code: 0, signal: null });
      // Its new master says so when it has the agent's port, which the old one keeps until it has gone.
      await second.until(() => second.lines.filter((line) => line.startsWith('listening on'))[1], () => 'the ports of the new master');
      await haproxy.until('two', ({ status, agent_status }) => status === 'UP' && agent_status === 'L7OK');
      first.signal('SIGTERM');
      expect(await first.exit()).toEqual({ code: 0, signal: null });
      const before = load.served;
      await haproxy.until('one', ({ status }) => status === 'DOWN');
      await load.end();

      expect(load.lost[0]).toBeUndefined();
      expect(before).toBeGreaterThan(50);
      await limitsAddresses(front, second);
    }));
  });
});

async function limitsAddresses(front: number, master: MasterProcess): Promise<void> {
  const clients = await Promise.all(Array.from({ length: 20 }, async () => master.connect(front)));
  for (const client of clients) await client.expectMatch(/^127\.0\.0\.1:\d+ is served by \d+\r\n/);

  // HAProxy resets it, which may be seen while it connects.
  const refused = await master.connect(front).catch((error: unknown) => (error as NodeJS.ErrnoException).code);

  if (refused instanceof TcpClient) await refused.expectOver();
  else expect(refused).toBe('ECONNRESET');
}
