import type { ServerStatus, WorkerStatus } from '../status.js';

/** The versions that run. */
export interface Build {
  /** Of this package. */
  readonly version: string;
  /** Of Node, as `process.version`. */
  readonly node: string;
}

/**
 * Writes a status in Prometheus' text format, version 0.0.4
 * (https://prometheus.io/docs/instrumenting/exposition_formats/). Every sample has the label `server`: the Alias. No
 * sample has a pid: workers come and go, and each would leave a time series behind. A metric whose value is unknown,
 * such as the queue of a Unix socket, is left out.
 */
export function renderMetrics(status: ServerStatus, build: Build): string {
  return families(status, build).map((family) => renderFamily(family, status.alias)).join('');
}

/** The media type of what {@link renderMetrics} writes. */
export const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

interface Family {
  readonly name: string;
  readonly type: 'gauge' | 'counter';
  readonly help: string;
  readonly samples: readonly Sample[];
}

interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

function families(status: ServerStatus, { version, node }: Build): Family[] {
  const { totals, limits, workers, lastReload } = status;
  const sizes = known(workers, ({ rss }) => rss);
  const delays = known(workers, ({ loopDelay }) => loopDelay);
  return [
    gauge('prefork_build_info', 'Versions of prefork-tcp-server and Node; always 1.', [{ labels: { version, node }, value: 1 }]),
    gauge('prefork_start_time_seconds', 'When the server started, in seconds since 1970.', status.startedAt / 1000),
    gauge('prefork_workers', 'Worker processes by phase.', by('phase', {
      starting: totals.starting, ready: totals.ready, draining: totals.draining,
    })),
    gauge('prefork_workers_spare', 'Ready workers without a client.', totals.spare),
    gauge('prefork_workers_accepting', 'Workers that may take a client now.', workers.filter(({ accepting }) => accepting).length),
    gauge('prefork_workers_limit', 'MaxServer: how far the pool may grow.', limits.MaxServer),
    gauge('prefork_clients', 'Clients that workers serve now.', totals.connections),
    counter('prefork_clients_accepted_total', 'Clients taken since the start.', totals.served),
    counter('prefork_worker_starts_total', 'Workers forked since the start.', totals.born),
    counter('prefork_worker_exits_total', 'Workers that have gone, by reason.', by('reason', totals.exits)),
    gauge('prefork_accept_queue_clients', 'Clients that have connected and wait to be accepted.', totals.queued),
    gauge('prefork_accept_queue_limit', 'Clients that may wait: Backlog, cut by the kernel.', totals.queued === undefined ? undefined : limits.Backlog),
    gauge('prefork_workers_resident_memory_bytes', 'Resident memory of all workers, as last reported.', sizes.length === 0 ? undefined : sizes.reduce((sum, size) => sum + size, 0)),
    gauge('prefork_worker_resident_memory_max_bytes', 'Resident memory of the largest worker.', largest(sizes)),
    gauge('prefork_worker_event_loop_delay_max_seconds', 'How late the latest heartbeat of a worker was.', scaled(largest(delays), 1 / 1000)),
    gauge('prefork_paused', 'Whether pause() is in force.', Number(status.paused)),
    gauge('prefork_stopping', 'Whether the server shuts down.', Number(status.stopping)),
    counter('prefork_reloads_total', 'Reloads that have ended, by result.', by('result', status.reloads ?? { done: 0, failed: 0 })),
    gauge('prefork_last_reload_successful', 'Whether the last reload succeeded; 1 before the first.', Number(lastReload?.result !== 'failed')),
  ];
}

const gauge = (name: string, help: string, value: Family['samples'] | number | undefined): Family => family('gauge', name, help, value);
const counter = (name: string, help: string, value: Family['samples'] | number | undefined): Family => family('counter', name, help, value);

function family(type: Family['type'], name: string, help: string, value: Family['samples'] | number | undefined): Family {
  if (typeof value === 'number') return { name, type, help, samples: [{ labels: {}, value }] };
  return { name, type, help, samples: value ?? [] };
}

/** A sample for each value of a label. */
const by = (label: string, values: Readonly<Record<string, number>>): Sample[] => (
  Object.entries(values).map(([key, value]) => ({ labels: { [label]: key }, value }))
);

const known = (workers: readonly WorkerStatus[], value: (worker: WorkerStatus) => number | undefined): number[] => (
  workers.map(value).filter((each) => each !== undefined)
);
const largest = (values: readonly number[]): number | undefined => (
  values.length === 0 ? undefined : values.reduce((most, value) => Math.max(most, value))
);
const scaled = (value: number | undefined, factor: number): number | undefined => (value === undefined ? undefined : value * factor);

function renderFamily({ name, type, help, samples }: Family, server: string): string {
  if (samples.length === 0) return '';
  const lines = samples.map(({ labels, value }) => `${name}{${renderLabels({ server, ...labels })}} ${renderValue(value)}\n`);
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('')}`;
}

const renderLabels = (labels: Readonly<Record<string, string>>): string => (
  Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`).join(',')
);

const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '"': '\\"', '\n': '\\n' };
const escapeLabel = (value: string): string => value.replace(/[\\"\n]/g, (character) => ESCAPES[character] ?? character);

const renderValue = (value: number): string => (value === Infinity ? '+Inf' : String(value));
