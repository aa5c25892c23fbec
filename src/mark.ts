/** The environment variable that says which server a process is a worker of. */
export const MARK = 'PREFORK_TCP_SERVER_WORKER';

/**
 * The argument of Node's that workers are started with: it selects the entry of this package that leaves out the master
 * (`exports` in package.json), whose code would take a third of a worker's start.
 *
 * @see https://nodejs.org/api/packages.html#resolving-user-conditions
 */
export const WORKER_CONDITION = '--conditions=prefork-tcp-server-worker';
