import { isIdle, isServing, type Census } from './census.js';
import type { PoolConfig, PoolSnapshot, WorkerSnapshot } from './snapshot.js';

/** How often to look at the kernel's queue while no worker is free and one is starting: more clients may have come. */
export const QUEUE_LOOK_MS = 50;

/**
 * Whether clients may be waiting for workers that have yet to be forked: none is free, and more may be forked. Only then
 * is the kernel's queue worth reading. (With MinSpareServer 0 the pool does not follow the load at all.)
 */
export function mayLackWorkers({ living }: Pick<Census, 'living'>, { minSpare, maxWorkers }: PoolConfig): boolean {
  return minSpare > 0 && living.length < maxWorkers && !living.some(isIdle);
}

/**
 * How many workers the clients in the kernel's queue need, beyond those that have a client and room for more. If the pool
 * grew by MinSpareServer alone, a burst of clients that each occupy a worker would wait for one start after the other.
 */
export function workersNeeded({ workers, waiting }: PoolSnapshot, { clientsPerWorker, maxPoolClients, minSpare, maxSpare }: PoolConfig): number {
  if (clientsPerWorker === 0 || clientsPerWorker === Infinity) return 0;
  const serving = workers.filter(isServing);
  // Where the queue's length is unknown, the pool doubles within MaxSpareServer, much as Apache's prefork does in steps.
  if (waiting === undefined) return Math.max(Math.min(serving.filter(isBusy).length, maxSpare - minSpare), 0);
  const clients = serving.reduce((sum, worker) => sum + worker.clients, 0);
  // No worker could take clients that MaxSession keeps waiting.
  const acceptable = Math.min(waiting, maxPoolClients === 0 ? Infinity : Math.max(maxPoolClients - clients, 0));
  const room = serving.reduce((sum, worker) => sum + (isTaking(worker) ? Math.max(clientsPerWorker - worker.clients, 0) : 0), 0);
  return Math.ceil(Math.max(acceptable - room, 0) / clientsPerWorker);
}

const isBusy = ({ clients }: WorkerSnapshot): boolean => clients > 0;
const isTaking = (worker: WorkerSnapshot): boolean => worker.phase === 'ready' && !worker.blocked && isBusy(worker);
