import type { WorkerConfig } from '../policy/snapshot.js';
import type { AcceptLimits } from './accept-loop.js';

type Configured = Pick<WorkerConfig, 'maxClients' | 'concurrency' | 'maxServed'>;

/** The limits of a worker that are set by options. A later set_concurrency remains in force, unless Concurrency itself changes. */
export class ConfiguredLimits {
  #concurrency: number | null | undefined;

  /** @returns what has to change in the limits in force */
  change({ maxClients, concurrency, maxServed }: Configured): Partial<AcceptLimits> {
    const isNew = concurrency !== this.#concurrency;
    this.#concurrency = concurrency;
    return isNew ? { maxClients, concurrency, maxServed } : { maxClients, maxServed };
  }
}
