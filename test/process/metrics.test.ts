import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { poll } from '../support/wait.js';
import { QUICK, TWO, withServer } from '../support/with-server.js';

describe.runIf(process.platform === 'linux')('The accept queue', () => {
  it('is counted, on IPv4 and on IPv6', async () => {
    for (const Address of ['127.0.0.1', '::']) {
      await withServer({ ...TWO, ...QUICK, Address }, async (running) => {
        const { server } = running;
        await running.until(({ totals }) => totals.queued === 0);
        server.pause();
        await running.allPaused('paused');

        for (let client = 0; client < 3; client++) await running.connect();

        // That they wait is not an event: waitUntil() looks by itself.
        await running.until(({ totals }) => totals.queued === 3);
        expect(server.metrics()).toContain('prefork_accept_queue_clients{server="prefork_server"} 3\n');
        server.resume();
        await poll(() => server.status().totals.queued === 0, () => 'an empty queue');
      });
    }
  });

  it('is not known of a Unix socket', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'prefork-'));
    try {
      await withServer({ ...TWO, Domain: 'unix', Address: join(folder, 's') }, async ({ server }) => {
        await server.ready();

        expect(server.status().totals).toHaveProperty('queued', undefined);
        expect(server.metrics()).not.toContain('accept_queue');
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('is as long as Backlog, cut by the kernel', async () => {
    await withServer({ ...TWO, Backlog: 7 }, async ({ server }) => {
      await server.ready();

      expect(server.status().limits.Backlog).toBe(7);
    });
    await withServer({ ...TWO, Backlog: 1_000_000_000 }, async ({ server }) => {
      await server.ready();

      expect(server.status().limits.Backlog).toBeLessThan(1_000_000_000);
    });
  });
});
