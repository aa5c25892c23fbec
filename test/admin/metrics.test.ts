import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { renderMetrics } from '../../src/admin/metrics.js';
import { serverStatus, workerStatus } from '../support/status.js';
import { requireTool, toolPath } from '../support/tools.js';

const BUILD = { version: '1.2.3', node: 'v20.20.2' };

/** The samples without labels of their own, by name. */
const samples = (text: string): Record<string, string> => Object.fromEntries(
  text.split('\n').filter((line) => line.includes('{server="echo"} ')).map((line) => [line.slice(0, line.indexOf('{')), line.slice(line.lastIndexOf(' ') + 1)]),
);

describe('renderMetrics', () => {
  const busy = serverStatus({
    workers: [
      workerStatus({ id: 1, connections: 3, served: 8, rss: 60e6, loopDelay: 4 }),
      workerStatus({ id: 2, connections: 0, served: 1, rss: 90e6, loopDelay: 250, accepting: false }),
      workerStatus({ id: 3, phase: 'starting', accepting: false, rss: undefined, loopDelay: undefined }),
    ],
    paused: true, totals: { queued: 37, served: 120, born: 7 }, limits: { MaxServer: 8, Backlog: 128 },
  });

  it('writes what the pool is and has done', () => {
    expect(samples(renderMetrics(busy, BUILD))).toEqual({
      prefork_start_time_seconds: '1700000000', prefork_workers_spare: '1', prefork_workers_accepting: '1', prefork_workers_limit: '8',
      prefork_clients: '3', prefork_clients_accepted_total: '120', prefork_worker_starts_total: '7',
      prefork_accept_queue_clients: '37', prefork_accept_queue_limit: '128',
      prefork_workers_resident_memory_bytes: '150000000', prefork_worker_resident_memory_max_bytes: '90000000',
      prefork_worker_event_loop_delay_max_seconds: '0.25', prefork_paused: '1', prefork_stopping: '0', prefork_last_reload_successful: '1',
    });
  });

  it('counts workers by phase, and exits and reloads by every outcome from 0', () => {
    const text = renderMetrics(busy, BUILD);

    expect(text).toContain('prefork_workers{server="echo",phase="starting"} 1\nprefork_workers{server="echo",phase="ready"} 2\nprefork_workers{server="echo",phase="draining"} 0\n');
    for (const reason of Object.keys(busy.totals.exits)) expect(text).toContain(`prefork_worker_exits_total{server="echo",reason="${reason}"} 0\n`);
    expect(text).toContain('prefork_reloads_total{server="echo",result="done"} 0\nprefork_reloads_total{server="echo",result="failed"} 0\n');
    expect(text).toContain('prefork_build_info{server="echo",version="1.2.3",node="v20.20.2"} 1\n');
  });

  it('says how reloads went', () => {
    const lastReload = { result: 'failed', release: 2, at: 0, seconds: 1 } as const;
    const text = renderMetrics(serverStatus({ lastReload, reloads: { done: 3, failed: 1 } }), BUILD);

    expect(text).toContain('prefork_reloads_total{server="echo",result="failed"} 1\n');
    expect(samples(text)['prefork_last_reload_successful']).toBe('0');
  });

  it('leaves out what is not known: the queue of a Unix socket, the memory of workers that have not reported', () => {
    const text = renderMetrics(serverStatus({ workers: [], totals: { queued: undefined } }), BUILD);

    expect(text).not.toMatch(/accept_queue|memory_|delay|undefined|NaN/);
  });

  it('writes a limit without end as the format wants it', () => {
    const limits = { MaxServer: Infinity };

    expect(samples(renderMetrics(serverStatus({ limits }), BUILD))['prefork_workers_limit']).toBe('+Inf');
  });

  it('escapes the Alias', () => {
    expect(renderMetrics(serverStatus({ alias: 'a "b" \\ c\nd' }), BUILD)).toContain('prefork_clients{server="a \\"b\\" \\\\ c\\nd"} 0\n');
  });

  it.runIf(requireTool('promtool'))('passes Prometheus\' own check', () => {
    for (const status of [busy, serverStatus({ alias: 'a "b" \\ c\nd', workers: [] })]) {
      const { status: code, stdout, stderr } = spawnSync(toolPath('promtool'), ['check', 'metrics'], { input: renderMetrics(status, BUILD), encoding: 'utf8', timeout: 10_000 });

      expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: '', stderr: '' });
    }
  });
});
