import type { AdminOptions } from '../../src/admin/admin-options.js';
import { resolveAdmin } from '../../src/admin/admin-options.js';
import type { Admin, openAdmin } from '../../src/admin/index.js';
import { renderMetrics } from '../../src/admin/metrics.js';
import type { AdminActions, PoolView } from '../../src/admin/pool-view.js';
import type { PoolEvent, PoolObserver } from '../../src/pool-event.js';
import type { ServerStatus, WorkerStatus } from '../../src/status.js';
import { serverStatus, workerStatus } from './status.js';

export const BUILD = { version: '1.2.3', node: 'v20.20.2' };

/** A pool whose status and answers a test sets, as the admin side sees one. */
export class FakePool implements PoolView {
  readonly asked: string[] = [];
  #status: ServerStatus;
  readonly #observers: PoolObserver[] = [];
  /** What becomes of a reload. */
  reload: () => Promise<unknown> = () => Promise.resolve({ release: 2 });

  constructor(status: ServerStatus = serverStatus()) {
    this.#status = status;
  }

  readonly actions: AdminActions = {
    reload: async () => {
      this.asked.push('reload');
      return this.reload();
    },
    pause: (on) => { this.asked.push(on ? 'pause' : 'resume'); },
    shutdown: () => { this.asked.push('shutdown'); },
    term: (pid) => this.#steer('term', pid),
    kill: (pid) => this.#steer('kill', pid),
  };

  /** How often its status was asked for. */
  reads = 0;
  readonly status = (): ServerStatus => {
    this.reads += 1;
    return this.#status;
  };

  readonly metrics = (): string => renderMetrics(this.#status, BUILD);
  readonly observe = (observer: PoolObserver): void => { this.#observers.push(observer); };

  /** Sets the status, and says that it has changed. */
  show(status: ServerStatus): void {
    this.#status = status;
    this.emit({ name: 'status', detail: undefined });
  }

  emit(event: PoolEvent): void {
    for (const observe of this.#observers) observe(event);
  }

  #steer(what: string, pid: number): boolean {
    this.asked.push(`${what} ${pid}`);
    return this.#status.workers.some((worker) => worker.pid === pid);
  }
}

/** The admin side of the build, for a pool that is not there. To be closed. */
export async function openFakeAdmin(pool: FakePool, options: AdminOptions): Promise<Admin & { readonly url: string }> {
  const built = await import(new URL('../../dist/admin.js', import.meta.url).href) as { openAdmin: typeof openAdmin };
  const admin = await built.openAdmin({ config: resolveAdmin(options), pool, build: BUILD });
  if (admin.url === undefined) throw new Error('It has no port.');
  return { ...admin, url: admin.url };
}

const ONE_OF_EACH: readonly Partial<WorkerStatus>[] = [
  { connections: 0 }, { connections: 3 }, { connections: 4, accepting: false, paused: ['limit'] }, { phase: 'starting', accepting: false, rss: undefined, loopDelay: undefined },
  { phase: 'draining', connections: 1, accepting: false, drainReason: 'lifetime' }, { accepting: false, paused: ['descriptors'] },
];

/** Workers in every state that there is, in turn: most of them at work. */
export function manyWorkers(count: number, now = Date.now()): WorkerStatus[] {
  return Array.from({ length: count }, (_, index) => {
    const id = index + 1;
    const state = index % 10 < 4 ? { connections: 1 + index % 3 } : ONE_OF_EACH[index % 10 - 4];
    return workerStatus({
      id, pid: 10_000 + 7 * id, startedAt: now - 61_000 * id, lastHeartbeatAt: now - (id * 31) % 5000, served: 1000 + (index * 7919) % 5000,
      rss: 60e6 + (index * 104_729) % 40e6, loopDelay: index % 9, ...state,
    });
  });
}
