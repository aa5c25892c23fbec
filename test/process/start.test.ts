import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { withHandlers } from '../programs/inline.js';
import { withMaster } from '../support/master-process.js';
import { isAlive, sendSignal } from '../support/processes.js';
import { ONE, Running, TWO } from '../support/with-server.js';

describe('a server that cannot listen', () => {
  const holder = createServer();
  let taken: AddressInfo;

  beforeAll(async () => {
    await new Promise<void>((resolve) => { holder.listen(0, '127.0.0.1', resolve); });
    taken = holder.address() as AddressInfo;
  });

  afterAll(() => { holder.close(); });

  it.each([
    ['its port is in use', () => ({ Port: taken.port }), () => `127.0.0.1:${taken.port}`, 'EADDRINUSE'],
    ['its address is not of this machine', () => ({ Address: '192.0.2.1', Port: 4711 }), () => '192.0.2.1:4711', 'EADDRNOTAVAIL'],
  ])('because %s says so once, and leaves no process', async (_title, options, where, code) => {
    await withMaster({ options: options() }, async (master) => {
      const failed = await master.event('failed');

      expect(await master.over()).toEqual({ code: 1, signal: null });
      expect(failed['error']).toMatchObject({ name: 'PreforkError', code: 'ERR_PREFORK_LISTEN', cause: { code } });
      expect((failed['error'] as Error).message).toContain(where());
      expect(master.all('callback:Error')).toHaveLength(1);
      expect(master.all('callback:Error')[0]).toMatchObject({ error: { code: 'ERR_PREFORK_LISTEN' } });
      expect(master.all('error')).toHaveLength(1);
      expect(master.all('up')).toEqual([]);
      expect(master.survivors).toEqual([]);
      expect(master.born.filter(isAlive)).toEqual([]);
    });
  });

  it('rejects ready() in the program that embeds it, and can be shut down', async () => {
    const running = new Running({ Port: taken.port });

    await expect(running.server.ready()).rejects.toMatchObject({ code: 'ERR_PREFORK_LISTEN' });
    await running.server.shutdown();

    expect(running.born.filter(isAlive)).toEqual([]);
    expect(running.server.address() ?? undefined).toBeUndefined();
  });
});

describe('workers that end as soon as they are ready', () => {
  it.each<[string, readonly ('exit' | 'disconnect' | NodeJS.Signals)[]]>([
    ['by process.exit(0), SIGABRT and SIGSEGV', ['exit', 'SIGABRT', 'SIGSEGV']],
    ['by process.disconnect() and SIGKILL', ['disconnect', 'SIGKILL']],
  ])('%s are replaced ever more slowly, and each says when the next one comes', async (_title, ends) => {
    await withHandlers({
      ...ONE,
      ServerStarted() {
        void released('exit').then(() => { process.exit(0); });
        void released('disconnect').then(() => { process.disconnect(); });
      },
    }, async ({ running }) => {
      for (const [count, end] of ends.entries()) {
        await running.until(({ totals }) => totals.born === count + 1 && totals.ready === 1);
        if (end === 'exit' || end === 'disconnect') running.server.broadcast({ release: end });
        else for (const pid of running.ready) sendSignal(pid, end);
        await running.event('worker:error', ({ error }) => error.message.includes(`, ${count + 1} time(s) in a row. The next try is in `));
      }

      expect(running.eventsOf('worker:error')).toHaveLength(ends.length);
      expect(running.born.length).toBeLessThanOrEqual(ends.length + 1);
    });
  });
});

describe('workers that do not start', () => {
  it.each([
    ['throw', 'boot-throws.mjs', { std: { how: 'throw' } }, /no worker will ever start/],
    ['have options that are wrong', 'boot-throws.mjs', { std: { how: 'options' } }, /Its error: .*: MaxOutput must be a whole number of at least 0, 0 = no limit, not -1\.$/],
    ['exit', 'boot-throws.mjs', { std: { how: 'exit' } }, /exit code 3/],
    ['end without a server', 'boot-throws.mjs', { std: { how: 'never' } }, /boot-throws\.mjs, ran and made no PreforkTcpServer with the Alias 'prefork_server'\. Name the file that does with the option Script/],
    ['have a ServerStarted that rejects', 'start-fails.mjs', {}, /exit code 1/],
  ])('because they %s make ready() reject, and leave no process', async (_title, file, options, message) => {
    await withMaster({ program: file, options: { ...TWO, ...options } }, async (master) => {
      const failed = await master.event('failed');

      expect(failed['error']).toMatchObject({ code: 'ERR_PREFORK_WORKER_BOOT', message: expect.stringMatching(message) as string });
      expect(await master.over()).toEqual({ code: 1, signal: null });
      expect(master.survivors).toEqual([]);
      // Tries a few times, not for ever.
      expect(master.born.length).toBeLessThanOrEqual(8);
    });
  });

  it.each([['before the server', true], ['beside the server', false]])('because their program opens a listener of its own %s say what happened and what to do, in one report', async (_title, first) => {
    await withMaster({ program: 'second-listener.mjs', options: { MaxServer: 4, std: { first } } }, async (master) => {
      expect(await master.over()).toEqual({ code: 1, signal: null });

      const text = master.stderr.join('\n');
      expect(text).toMatch(/ERR_PREFORK_WORKER_BOOT/);
      expect(text).toMatch(/listen EADDRINUSE: address already in use 127\.0\.0\.1:\d+/);
      expect(text).toContain('put what only one process can do, such as another listener, behind if (server.isMaster)');
      const reports = master.stderr.filter((line) => line.startsWith('prefork-tcp-server:'));
      expect(reports).toEqual([expect.stringMatching(/, 1 time\(s\) in a row\. .* Its error: listen EADDRINUSE: .*\. Every worker runs the script: .* behind if \(server\.isMaster\)/)]);
      expect(master.survivors).toEqual([]);
    });
  });
});
