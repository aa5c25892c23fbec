/** The environment variable that says which server a process is a worker of. */
export const MARK = 'PREFORK_TCP_SERVER_WORKER';

/**
 * The argument of Node that workers are started with: it chooses the entry of this package without the master
 * (`exports` in package.json), whose code costs a third of the time that a worker takes to start.
 *
 * @see https://nodejs.org/api/packages.html#resolving-user-conditions
 */
export const WORKER_CONDITION = '--conditions=prefork-tcp-server-worker';
