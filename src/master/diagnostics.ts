import { channel } from 'node:diagnostics_channel';
import type { PoolObserver } from '../pool-event.js';

const CHANNELS = new Map((['worker:born', 'worker:ready', 'worker:drain', 'worker:exit'] as const).map((name) => [name as string, channel(`prefork:${name}`)]));

/** Publishes the lives of workers to node:diagnostics_channel, for tracing tools that the program need not know about. Sessions are published in the workers, see session/tracing.ts. */
export function publishWorkers(alias: string): PoolObserver {
  return ({ name, detail }) => {
    const target = CHANNELS.get(name);
    if (target?.hasSubscribers === true) target.publish({ server: alias, ...(detail as object) });
  };
}
