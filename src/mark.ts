/** The environment variable that says which server a process is a worker of. */
export const MARK = 'PREFORK_TCP_SERVER_WORKER';
