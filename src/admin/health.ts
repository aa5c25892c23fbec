import type { ServerStatus } from '../status.js';

/** Reasons why a balancer should send the pool no new clients; empty if there are none. A full pool is ready: its clients queue. */
export function unreadiness({ stopping, paused, totals }: ServerStatus): string[] {
  if (stopping) return ['it shuts down'];
  return [
    ...(paused ? ['it is paused'] : []),
    ...(totals.ready === 0 ? ['no worker is ready'] : []),
  ];
}

/**
 * The line for HAProxy's agent-check
 * (https://docs.haproxy.org/2.6/configuration.html#5.2-agent-check): the state, and as weight the spare capacity.
 * It always says `ready` with `up`; otherwise a server once in maintenance or drained would stay in that state.
 */
export function agentLine(status: ServerStatus): string {
  if (status.stopping) return 'drain\n';
  if (status.paused) return 'maint\n';
  if (status.totals.ready === 0) return 'down # no worker is ready\n';
  return `ready up ${sparePercent(status)}%\n`;
}

/** Free places for clients, in percent, at least 1: a weight of 0 would be a drain. 100 if the pool has no limit. */
export function sparePercent({ limits, totals }: ServerStatus): number {
  const capacity = Math.min(
    limits.MaxSession === 0 ? Infinity : limits.MaxSession,
    limits.MaxSessionPerServer === 0 ? Infinity : limits.MaxServer * limits.MaxSessionPerServer,
    limits.Concurrency === -1 ? Infinity : limits.MaxServer * limits.Concurrency,
  );
  const taken = totals.connections + (totals.queued ?? 0);
  const free = capacity === Infinity ? 1 : capacity === 0 ? 0 : 1 - taken / capacity;
  return Math.min(Math.max(Math.round(free * 100), 1), 100);
}
