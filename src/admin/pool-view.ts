import type { PoolObserver } from '../pool-event.js';
import type { ServerStatus } from '../status.js';

/** What the page's buttons and `curl -X POST` can do. */
export interface AdminActions {
  /** Replaces every worker by one of the newest release; settles when it is done or has failed. Undefined where there is no reload. */
  readonly reload?: (() => Promise<unknown>) | undefined;
  readonly pause: (on: boolean) => void;
  readonly shutdown: () => void;
  /** Drains a worker. @returns false if there is none with this pid, or it is draining already */
  readonly term: (pid: number) => boolean;
  /** Ends a worker at once. @returns false if there is none with this pid */
  readonly kill: (pid: number) => boolean;
}

/** The pool as the admin side sees it. */
export interface PoolView {
  readonly status: () => ServerStatus;
  /** In Prometheus' text format. */
  readonly metrics: () => string;
  readonly observe: (observer: PoolObserver) => void;
  readonly actions: AdminActions;
}
