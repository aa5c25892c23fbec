// Public protocol libraries, unmodified, with the clients that people use.
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import type { WorkerExitEvent } from 'prefork-tcp-server';
import { startPool, type PoolSetup, type TestPool } from 'prefork-tcp-server/testing';
import ssh2 from 'ssh2';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ClientProgram } from '../support/client-program.js';
import { requireTool } from '../support/tools.js';
import { PATIENCE_MS } from '../support/wait.js';
import { program } from '../support/with-server.js';

const run = promisify(execFile);

async function withPool(setup: PoolSetup, body: (pool: TestPool) => Promise<void>): Promise<void> {
  const pool = await startPool({ MasterHeartBeatTime: 0.2, MaxServerExpireTime: 10, MaxServer: 2, Patience: PATIENCE_MS / 1000, ...setup });
  try {
    await body(pool);
    expect(pool.stderr).toBe('');
  } catch (error) {
    console.error(pool.stderr);
    throw error;
  } finally {
    await pool[Symbol.asyncDispose]();
  }
}

describe('fastify', () => {
  const Script = new URL('../../examples/fastify.js', import.meta.url);

  const exitsOf = ({ events }: TestPool): WorkerExitEvent[] => events.flatMap((event) => (event.name === 'worker:exit' ? [event.detail] : []));

  it.runIf(requireTool('ab'))('loses no request of ab to workers that are recycled meanwhile', async () => {
    await withPool({ Script, MaxServerLifeTimes: 40 }, async (pool) => {
      // Without -l an answer that is missing or cut counts as failed.
      const { stdout: report } = await run('ab', ['-q', '-n', '120', '-c', '4', `http://127.0.0.1:${pool.port}/`], { timeout: 2 * PATIENCE_MS });

      expect(report).toMatch(/^Complete requests: +120\nFailed requests: +0$/m);
      expect(report).not.toContain('Non-2xx');
      await pool.event('worker:exit');
      for (const exit of exitsOf(pool)) expect(exit).toMatchObject({ reason: 'lifetimes', code: 0, served: 40 });
    });
  });

  // Not with ab -k: it counts a connection that it has no more requests for, and that is then closed, as a failed request.
  it('answers on kept connections whose worker is recycled, until it closes them', async () => {
    await withPool({ Script, MaxServerLifeTimes: 6 }, async (pool) => {
      let reused = 0;
      /** A connection that was idle may be closed just when a request goes out on it; then it is sent once more (RFC 9112, 9.3.1). */
      const ask = async (agent: Agent | false): Promise<string> => new Promise((resolve, reject) => {
        const request = get({ agent, host: '127.0.0.1', port: pool.port, timeout: PATIENCE_MS }, (response) => {
          if (request.reusedSocket) reused += 1;
          text(response).then(resolve, reject);
        });
        request.on('timeout', () => { request.destroy(new Error('no answer in time')); });
        request.on('error', (error) => {
          if (request.reusedSocket && 'code' in error && error.code === 'ECONNRESET') resolve(ask(agent));
          else reject(error);
        });
      });
      const all = async (count: number, agent: Agent | false): Promise<void> => {
        expect(await Promise.all(Array.from({ length: count }, async () => ask(agent)))).toEqual(Array.from({ length: count }, () => '{"hello":"world"}'));
      };
      const kept = new Agent({ keepAlive: true, maxSockets: 4 });

      await all(4, kept);
      await all(4, kept);
      expect(reused).toBe(4);
      // As many as are left in the lives of both workers.
      await all(8, false);
      await pool.event('worker:drain');
      await all(4, kept);

      const { reason, code, served } = await pool.event('worker:exit');
      expect({ reason, code, served }).toEqual({ reason: 'lifetimes', code: 0, served: 6 });
      kept.destroy();
    });
  });

  it('answers a request in flight when its worker drains, and closes idle connections', async () => {
    await withPool({ Script }, async (pool) => {
      const [idle, busy] = [await pool.connect(), await pool.connect()];
      idle.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
      expect(await idle.line()).toBe('HTTP/1.1 200 OK');
      busy.send('GET /slow HTTP/1.1\r\nHost: a\r\n\r\n');
      await pool.waitUntil(({ totals }) => totals.connections === 2);

      pool.signal('SIGTERM');

      expect(await idle.closed()).toMatch(/\{"hello":"world"\}$/);
      expect(await busy.closed()).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*\{"worker":\d+\}$/);
      expect(await pool.ended()).toEqual({ code: 0 });
    });
  });
});

describe.runIf(requireTool('ssh'))('ssh2, with the client of OpenSSH', () => {
  const folder = mkdtempSync(join(tmpdir(), 'prefork-ssh-'));
  const [hostKey, userKey, knownHosts] = [join(folder, 'host'), join(folder, 'user'), join(folder, 'known_hosts')];
  const setup = { Script: program('ssh.mjs'), ScriptArgs: [hostKey, userKey] };

  beforeAll(() => {
    const [host, user] = [ssh2.utils.generateKeyPairSync('ed25519'), ssh2.utils.generateKeyPairSync('ed25519')];
    writeFileSync(hostKey, host.private);
    // ssh refuses a key that others can read.
    writeFileSync(userKey, user.private, { mode: 0o600 });
    writeFileSync(knownHosts, `* ${host.public}\n`);
  });
  afterAll(() => { rmSync(folder, { recursive: true }); });

  const remote = ({ port }: TestPool, command: string): ClientProgram => new ClientProgram('ssh', [
    '-F', 'none', '-o', 'BatchMode=yes', '-o', `UserKnownHostsFile=${knownHosts}`, '-o', 'GlobalKnownHostsFile=none', '-o', 'IdentitiesOnly=yes',
    '-i', userKey, '-p', String(port), 'someone@127.0.0.1', command,
  ]);

  it('runs commands, and passes bytes and exit codes', async () => {
    await withPool(setup, async (pool) => {
      const sent = randomBytes(300_000);
      const [who, cat, exit] = [remote(pool, 'who'), remote(pool, 'cat'), remote(pool, 'exit 42')];
      cat.send(sent);
      for (const client of [who, cat, exit]) client.end();

      expect(await Promise.all([who, cat, exit].map((client) => client.over()))).toEqual([0, 0, 42]);
      expect(pool.workers).toContain(Number(who.output.toString()));
      expect(cat.output.equals(sent)).toBe(true);
    });
  });

  it('lets a command go on while its worker drains', async () => {
    await withPool(setup, async (pool) => {
      const cat = remote(pool, 'cat');
      cat.send('before\n');
      await cat.says(/^before\n$/);

      pool.signal('SIGTERM');
      await pool.event('worker:drain', ({ connections }) => connections === 1);
      cat.send('after\n');
      cat.end();

      expect(await cat.over()).toBe(0);
      expect(cat.output.toString()).toBe('before\nafter\n');
      expect(await pool.ended()).toEqual({ code: 0 });
    });
  });
});

describe.runIf(requireTool('mosquitto_sub') && requireTool('mosquitto_pub'))('aedes, with the clients of mosquitto', () => {
  it('brings what is published by one worker to the subscribers of another, in order', async () => {
    // One client for each worker.
    await withPool({ Script: new URL('../../examples/mqtt.js', import.meta.url), MaxSessionPerServer: 1 }, async (pool) => {
      await pool.ready(2);
      const mosquitto = (command: 'mosquitto_sub' | 'mosquitto_pub', ...args: string[]): ClientProgram => (
        new ClientProgram(command, ['-h', '127.0.0.1', '-p', String(pool.port), '-q', '1', ...args])
      );
      const first = mosquitto('mosquitto_pub', '-r', '-t', 'greetings/kept', '-m', 'zero');
      expect(await first.over()).toBe(0);
      const subscriber = mosquitto('mosquitto_sub', '-v', '-C', '4', '-t', 'greetings/#');
      // A retained message comes to every subscriber, and shows that it has subscribed.
      await subscriber.says(/^greetings\/kept zero$/m);
      const publisher = mosquitto('mosquitto_pub', '-l', '-t', 'greetings/world');

      publisher.send('one\ntwo\nthree\n');
      publisher.end();

      expect(await Promise.all([publisher.over(), subscriber.over()])).toEqual([0, 0]);
      expect(subscriber.output.toString()).toBe('greetings/kept zero\ngreetings/world one\ngreetings/world two\ngreetings/world three\n');
    });
  });
});
