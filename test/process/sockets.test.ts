import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { describe, expect, it } from 'vitest';
import type { PreforkTcpServerOptions } from 'prefork-tcp-server';
import { heapOf, listenFailure } from '../support/listening.js';
import { TcpClient } from '../support/tcp-client.js';
import { ONE, Running, withServer } from '../support/with-server.js';

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
    const { error, told } = await listenFailure(options);

    expect(error).toMatchObject({ code: 'ERR_PREFORK_LISTEN' });
    expect(told).toMatchObject([expected]);
    expect((told[0] as { error: unknown }).error).toBe(error);
  });

  it('that is in use is EADDRINUSE, and nothing is forked', async () => {
    await withServer(ONE, async (running) => {
      const { error, told } = await listenFailure({ Address: '127.0.0.1', Port: running.port });

      expect(error).toMatchObject({ code: 'ERR_PREFORK_LISTEN', cause: { code: 'EADDRINUSE' } });
      expect(told).toMatchObject([{ errno: 98, errstr: 'address already in use' }]);
    });
  });
});

describe('the port of a server that starts', () => {
  it('is in use for another from the moment that it is bound, before any worker is there', async () => {
    const first = new Running({ ...ONE, program: 'boot-throws.mjs', worker: { std: { how: 'hang' } } });
    try {
      await first.event('listening');

      const { error } = await listenFailure({ Address: '127.0.0.1', Port: first.port });

      expect(error).toMatchObject({ code: 'ERR_PREFORK_LISTEN', cause: { code: 'EADDRINUSE' } });
    } finally {
      await first.server.shutdown({ grace: 0 });
    }
  });
});

/** A TCP service of /etc/services whose port is free here. */
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
