import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { adminUrl, ask } from '../support/admin-client.js';
import { freePort } from '../support/free-port.js';
import { withMaster } from '../support/master-process.js';
import { alertQueries, dashboardQueries } from '../support/promql.js';
import { requireTool, toolPath } from '../support/tools.js';
import { poll } from '../support/wait.js';
import { TWO, withServer } from '../support/with-server.js';

const EXAMPLES = fileURLToPath(new URL('../../examples/prometheus/', import.meta.url));

/** As Prometheus answers a query (https://prometheus.io/docs/prometheus/latest/querying/api/). */
interface QueryAnswer {
  readonly status: string;
  readonly error?: string;
  readonly data: { readonly result: readonly unknown[] };
}

describe.runIf(requireTool('promtool'))('examples/prometheus', () => {
  it.each([['check', 'rules', 'alerts.yml'], ['test', 'rules', 'alerts.test.yml'], ['check', 'config', 'prometheus.yml']])('passes promtool %s %s %s', (...args) => {
    const { status, stdout, stderr } = spawnSync(toolPath('promtool'), args, { cwd: EXAMPLES, encoding: 'utf8', timeout: 20_000 });

    expect(status, stdout + stderr).toBe(0);
  });

  it('sums the counters of all workers with prom-client, beside those of the pool', async () => {
    await withMaster({ args: ['examples/prometheus/counters.js', '0', '0'], detached: true }, async (master) => {
      const [, port, metrics] = /listening on (\d+) metrics on (\d+)/.exec(await master.line(/metrics on \d+/)) ?? [];
      const clients = [await master.connect(Number(port)), await master.connect(Number(port)), await master.connect(Number(port))];
      for (const client of clients) {
        client.send('short\nrather a long line\n');
        await client.expect('short\r\nrather a long line\r\n');
        client.close();
      }

      await poll(async () => {
        const { body } = await ask(`http://127.0.0.1:${String(metrics)}/metrics`);
        return body.includes('lines_total{length="short"} 3') && body.includes('lines_total{length="long"} 3') && body.includes('prefork_workers{');
      }, () => 'the sums');
      master.signalGroup('SIGINT');
      await master.over();
    });
  });
});

describe.runIf(requireTool('prometheus'))('the real Prometheus', { timeout: 60_000 }, () => {
  it('scrapes a pool whose Alias has a quote, a backslash and a newline, and has an answer to each query of the dashboard', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'prefork-prometheus-'));
    const Alias = 'a "b" \\ c\nd';
    try {
      await withServer({ ...TWO, Alias, Admin: { Port: 0 } }, async (running) => {
        await running.settled(2);
        const port = await freePort();
        writeFileSync(join(folder, 'prometheus.yml'), `scrape_configs: [{ job_name: prefork, scrape_interval: 1s, static_configs: [{ targets: ['${new URL(adminUrl(running)).host}'] }] }]`);
        const prometheus = spawn(toolPath('prometheus'), [`--config.file=${join(folder, 'prometheus.yml')}`, `--storage.tsdb.path=${folder}/data`, `--web.listen-address=127.0.0.1:${port}`], { stdio: 'ignore' });
        const over = once(prometheus, 'exit');
        try {
          const query = async (expr: string): Promise<QueryAnswer> => (
            JSON.parse((await ask(`http://127.0.0.1:${port}/api/v1/query?query=${encodeURIComponent(expr)}`)).body) as QueryAnswer
          );
          let result: QueryAnswer['data']['result'] = [];
          await poll(async () => {
            ({ data: { result } } = await query('prefork_workers{phase="ready"}').catch(() => ({ data: { result: [] } })));
            return result.length > 0;
          }, () => 'a sample', 40_000);

          expect(result).toMatchObject([{ metric: { server: Alias, phase: 'ready' }, value: [expect.any(Number), '2'] }]);
          expect(await query(alertQueries.join(' or '))).toMatchObject({ status: 'success' });
          for (const { title, expr } of dashboardQueries) {
            // A dot of Prometheus 2 is no newline without (?s). Rates need a second scrape, and what workers report comes with a heartbeat.
            await poll(async () => {
              const { status, error, data } = await query(expr.replaceAll('$server', '(?s).*'));
              if (status !== 'success') throw new Error(`${title}: ${String(error)}`);
              return data.result.length > 0;
            }, () => `a sample for "${title}": ${expr}`);
          }
        } finally {
          prometheus.kill('SIGKILL');
          await over;
        }
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
