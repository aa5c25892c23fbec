import { existsSync, lstatSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PreforkTcpServer } from 'prefork-tcp-server';
import type { PreforkTcpServerOptions } from 'prefork-tcp-server';
import { withMaster } from '../support/master-process.js';
import type { MasterProcess } from '../support/master-process.js';
import { sendSignal, waitGone } from '../support/processes.js';
import { TcpClient } from '../support/tcp-client.js';
import type { Target } from '../support/tcp-client.js';
import { within } from '../support/wait.js';
import { program, ONE, withServer } from '../support/with-server.js';
import type { Running } from '../support/with-server.js';

/** Connects, and asks the worker what it knows of the client (addresses.mjs). */
async function heapOf(target: Target): Promise<Record<string, unknown>> {
  using client = await TcpClient.connect(target);
  await client.greeting();
  client.send('who am I\n');
  return JSON.parse(await client.readLine()) as Record<string, unknown>;
}

/** A server that cannot listen: returns the error of ready(), and what the Error callback was told. */
async function failure(options: Partial<PreforkTcpServerOptions>): Promise<{ error: unknown; told: unknown[] }> {
  const told: unknown[] = [];
  const server = new PreforkTcpServer({
    HandleSignals: false, Script: program('std.mjs'), ScriptArgs: ['{}'], ClientInput: () => undefined,
    Error: ({ operation, errno, errstr, error }) => { told.push({ operation, errno, errstr, error }); }, ...options,
  });
  const error = await within(server.ready().then(() => undefined, (reason: unknown) => reason), () => 'ready()');
  await server.shutdown();
  return { error, told };
}

const hasIpv6 = Object.values(networkInterfaces()).flat().some((one) => one?.address === '::1');
if (!hasIpv6) console.warn('SKIPPED: this machine has no address ::1, so nothing over IPv6 is tested.');

describe('an address', () => {
  it.each<[string, Partial<PreforkTcpServerOptions>, unknown]>([
    ['Address', { Address: '127.0.0.1' }, { address: '127.0.0.1', family: 'IPv4' }],
    ['Address with a name', { Address: 'localhost', Domain: 'inet' }, { address: '127.0.0.1', family: 'IPv4' }],
    ['Hostname', { Address: undefined, Hostname: 'localhost', Domain: 'inet' }, { address: '127.0.0.1', family: 'IPv4' }],
    ['Address rather than Hostname', { Address: '127.0.0.1', Hostname: 'no-such-name.invalid' }, { address: '127.0.0.1', family: 'IPv4' }],
    ['neither: all addresses of IPv4', { Address: undefined }, { address: '0.0.0.0', family: 'IPv4' }],
  ])('comes from %s', async (_title, options, expected) => {
    await withServer({ ...ONE, ...options }, async (running) => {
      expect(running.server.address()).toMatchObject(expected as object);
      await (await running.join()).echo('served');
    });
  });

  it('may be the name of a service', async () => {
    const name = await freeService();

    await withServer({ ...ONE, Port: name.service }, async (running) => {
      expect(running.port).toBe(name.port);
      await (await running.join()).echo('served');
    });
  });

  it.each<[string, Partial<PreforkTcpServerOptions>, object]>([
    ['a service that there is not', { Address: '127.0.0.1', Port: 'no-such-service' }, { operation: 'getservbyname', errno: 2 }],
    ['a name that cannot be resolved', { Hostname: 'no-such-name.invalid' }, { operation: 'resolve' }],
    ['an address of another machine', { Address: '192.0.2.1' }, { operation: 'bind', errno: 99, errstr: 'address not available' }],
  ])('that cannot be used is told to Error, once, and rejects ready(): %s', async (_title, options, expected) => {
    const { error, told } = await failure(options);

    expect(error).toMatchObject({ code: 'ERR_PREFORK_LISTEN' });
    expect(told).toMatchObject([expected]);
    expect((told[0] as { error: unknown }).error).toBe(error);
  });

  it('that is in use is EADDRINUSE, and nothing is forked', async () => {
    await withServer(ONE, async (running) => {
      const { error, told } = await failure({ Address: '127.0.0.1', Port: running.port });

      expect(error).toMatchObject({ code: 'ERR_PREFORK_LISTEN', cause: { code: 'EADDRINUSE' } });
      expect(told).toMatchObject([{ errno: 98, errstr: 'address already in use' }]);
    });
  });
});

/** A TCP service of /etc/services whose port nobody uses here. */
async function freeService(): Promise<{ service: string; port: number }> {
  for (const line of readFileSync('/etc/services', 'utf8').split('\n')) {
    const [, service, port] = /^([a-z][a-z0-9-]*)\s+(\d+)\/tcp/.exec(line) ?? [];
    // Ports below 1024 need a right that the user of the tests may not have.
    if (service === undefined || Number(port) < 1024) continue;
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once('error', () => { resolve(false); }).listen(Number(port), '127.0.0.1', () => { server.close(() => { resolve(true); }); });
    });
    if (isFree) return { service, port: Number(port) };
  }
  throw new Error('There is no free TCP service in /etc/services.');
}

describe.runIf(hasIpv6)('IPv6', () => {
  it.each<[string, Partial<PreforkTcpServerOptions>]>([
    ['by an address', { Address: '::1' }], ['by Domain', { Address: '::1', Domain: 'inet6' }],
  ])('is served, %s, and the heap has its addresses', async (_title, options) => {
    await withServer({ ...ONE, ...options, program: 'addresses.mjs' }, async (running) => {
      expect(running.server.address()).toMatchObject({ address: '::1', family: 'IPv6' });

      const heap = await heapOf({ host: '::1', port: running.port });

      expect(heap).toMatchObject({ remote_ip: '::1', remote_addr: `[::1]:${String(heap['remote_port'])}` });
    });
  });

  it('takes IPv4 clients too by default, and none with Ipv6Only', async () => {
    await withServer({ ...ONE, Address: undefined, Domain: 'inet6', program: 'addresses.mjs' }, async (running) => {
      expect(running.server.address()).toMatchObject({ address: '::', family: 'IPv6' });
      expect(await heapOf({ host: '127.0.0.1', port: running.port })).toMatchObject({ remote_ip: expect.stringMatching(/127\.0\.0\.1$/) as string });
      expect(await heapOf({ host: '::1', port: running.port })).toMatchObject({ remote_ip: '::1' });
    });
    await withServer({ ...ONE, Address: undefined, Domain: 'inet6', Ipv6Only: true, program: 'addresses.mjs' }, async (running) => {
      await expect(TcpClient.connect({ host: '127.0.0.1', port: running.port })).rejects.toMatchObject({ code: 'ECONNREFUSED' });
      expect(await heapOf({ host: '::1', port: running.port })).toMatchObject({ remote_ip: '::1' });
    });
  });
});

describe('a Unix socket', () => {
  let folder = '';
  beforeAll(() => { folder = mkdtempSync(join(tmpdir(), 'prefork-unix-')); });
  afterAll(() => { rmSync(folder, { recursive: true }); });
  const unix = (name: string): { Domain: 'unix'; Address: string } => ({ Domain: 'unix', Address: join(folder, name) });
  const joinAt = async (path: string): Promise<TcpClient> => {
    const client = await TcpClient.connect(path);
    await client.greeting();
    return client;
  };

  it('is created with SocketMode, serves clients as LOCAL, and is removed at shutdown', async () => {
    const options = unix('mode');
    await withServer({ ...ONE, ...options, SocketMode: 0o660, program: 'addresses.mjs' }, async (running: Running) => {
      expect(running.server.address()).toBe(options.Address);
      expect(lstatSync(options.Address).mode & 0o777).toBe(0o660);

      expect(await heapOf(options.Address)).toMatchObject({ remote_ip: 'LOCAL', remote_addr: 'LOCAL' });
    });

    expect(existsSync(options.Address)).toBe(false);
  });

  it('is left alone when a worker drains or dies', async () => {
    const options = unix('workers');
    await withServer({ MaxServer: 2, StartServer: 2, ...options }, async (running) => {
      await running.settled(2);
      const [drained = 0, killed = 0] = running.ready;

      running.server.term(drained);
      sendSignal(killed, 'SIGKILL');
      await running.exit(drained);
      await running.exit(killed);

      expect(existsSync(options.Address)).toBe(true);
      const client = await joinAt(options.Address);
      await client.echo('served by another');
      client.close();
    });

    expect(existsSync(options.Address)).toBe(false);
  });

  it('of a server that lives cannot be taken', async () => {
    const options = unix('live');
    await withServer({ ...ONE, ...options }, async () => {
      const { error } = await failure(options);

      expect(error).toMatchObject({ code: 'ERR_PREFORK_LISTEN', cause: { code: 'EADDRINUSE' } });
      const client = await joinAt(options.Address);
      await client.echo('the first server goes on');
      client.close();
    });
  });

  it('of a server that was killed is replaced', async () => {
    const options = unix('stale');
    await withMaster({ options: { ...ONE, ...options } }, async (master: MasterProcess) => {
      await master.event('up');
      master.signal('SIGKILL');
      await master.exit();
      await waitGone(master.born);
      expect(existsSync(options.Address)).toBe(true);
    });

    await withServer({ ...ONE, ...options }, async () => {
      const client = await joinAt(options.Address);
      await client.echo('served');
      client.close();
    });
  });

  it('does not take the place of a file of another kind', async () => {
    const options = unix('file');
    writeFileSync(options.Address, 'precious');

    const { error } = await failure(options);

    expect(error).toMatchObject({ code: 'ERR_PREFORK_LISTEN', cause: { code: 'EADDRINUSE' } });
    expect(readFileSync(options.Address, 'utf8')).toBe('precious');
  });

  it('in a folder that there is not rejects ready()', async () => {
    const { error } = await failure(unix('no/such/folder'));

    expect(error).toMatchObject({ code: 'ERR_PREFORK_LISTEN', cause: { code: expect.stringMatching(/^E(NOENT|ACCES)$/) as string } });
  });
});
