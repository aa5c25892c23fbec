// What a master may find itself in.
import { build } from 'esbuild';
import { createServer, type AddressInfo } from 'node:net';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import module from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { toJson, withMaster } from '../support/master-process.js';
import { ONE, program } from '../support/with-server.js';

describe('a worker of node:cluster as the host of a pool', () => {
  it('is refused before anything is forked, and the error says what to do', async () => {
    await withMaster({ program: 'cluster-host.mjs', options: ONE }, async (master) => {
      const { error } = await master.event('refused');

      expect(error).toMatchObject({ code: 'ERR_PREFORK_OPTION', message: expect.stringMatching(/worker of node:cluster.*exec_mode 'fork'.*or give Script/) as string });
      expect(await master.over()).toEqual({ code: 0, signal: null });
      expect(master.all('primary')).toHaveLength(1);
    });
  });

  it('serves clients with a Script of its own', async () => {
    await withMaster({ program: 'cluster-host.mjs', options: { ...ONE, std: { script: true } } }, async (master) => {
      const client = await master.join();
      await client.echo('hello');
      await client.quit();

      master.signal('SIGTERM');

      await master.event('worker:exit');
      expect(master.all('primary')).toHaveLength(1);
      await master.over();
    });
  });

  it('that finds the port in use is asked whether all workers of the cluster construct the server', async () => {
    const taken = createServer();
    await new Promise<void>((listening) => { taken.listen(0, '127.0.0.1', listening); });
    const { port } = taken.address() as AddressInfo;
    onTestFinished(() => { taken.close(); });

    await withMaster({ program: 'cluster-host.mjs', options: { ...ONE, Port: port, std: { script: true } } }, async (master) => {
      const { error } = await master.event('error');

      expect(error).toMatchObject({ code: 'ERR_PREFORK_LISTEN', message: expect.stringMatching(/EADDRINUSE.* worker of node:cluster: .*let only one/) as string });
      await master.over();
    });
  });
});

// Since Node 22.1.
const hasCache = 'enableCompileCache' in module;

describe.skipIf(!hasCache)('NODE_COMPILE_CACHE (skipped where Node has none)', () => {
  it('serves the master and its workers, whose code is another', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'prefork-cache-'));
    onTestFinished(() => { rmSync(folder, { recursive: true }); });

    await withMaster({ options: { ...ONE, HandleSignals: true }, env: { NODE_COMPILE_CACHE: folder } }, async (master) => {
      await master.ready(1);
      master.signal('SIGTERM');
      await master.over();
    });

    const sizes = readdirSync(folder, { recursive: true }).map((name) => statSync(join(folder, String(name)))).filter((file) => file.isFile()).map(({ size }) => size);
    expect(sizes.filter((size) => size > 100_000)).toHaveLength(2);
  });
});

describe('a program that was bundled with this library', () => {
  let folder = '';
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'prefork-bundle-'));
    for (const [format, outfile] of [['cjs', 'server.cjs'], ['esm', 'server.mjs']] as const) {
      await build({
        entryPoints: [fileURLToPath(program('std.mjs'))], bundle: true, platform: 'node', format, outfile: join(folder, outfile),
        logLevel: 'error', logOverride: { 'empty-import-meta': 'silent' },
      });
    }
  });
  afterAll(() => { rmSync(folder, { recursive: true }); });

  it.each(['server.cjs', 'server.mjs'])('serves clients and hands over to a successor: %s', async (file) => {
    const options = { ...ONE, Address: '127.0.0.1', Port: 0, ReloadSettleTime: 0.05, HandleSignals: { upgrade: 'SIGUSR2' } };
    await withMaster({ args: [join(folder, file), toJson(options)], options }, async (master) => {
      const client = await master.join();
      await client.echo('hello');
      await client.quit();

      master.signal('SIGUSR2');

      const { pid } = await master.event('upgrade:done');
      expect(master.masters).toContain(pid);
    });
  });

  it.each([
    ['server.cjs', 'Admin', { Port: 0 }], ['server.mjs', 'Admin', { Port: 0 }],
    ['server.cjs', 'HangReport', true], ['server.mjs', 'HangReport', true],
  ])('is refused options that need files left behind, with what to do: %s, %s', async (file, name, value) => {
    await withMaster({ args: [join(folder, file), toJson({ ...ONE, Address: '127.0.0.1', Port: 0, [name]: value })] }, async (master) => {
      await master.line(new RegExp(`${name} needs files of prefork-tcp-server that a bundler has left behind .*--external:prefork-tcp-server`), 'stderr');

      expect(await master.over()).toEqual({ code: 1, signal: null });
      expect(master.all('worker:born')).toEqual([]);
    });
  });
});
