import { readFileSync } from 'node:fs';

/** Programs that, as process 1, do not end with a child: those that start services, and those that only keep a container running. */
const STAYS: readonly string[] = [
  'systemd', 'init', 'launchd', 'procd', 'dinit', 'openrc-init', 'finit', 'shepherd', 'runit', 'runsvdir', 's6-svscan', 'supervisord', 'pause', 'sleep', 'tail',
];

/** Init processes of containers, which end when the process that they started does. They give it a process group of its own. */
const ENDS: readonly string[] = ['tini', 'tini-static', 'docker-init', 'podman-init', 'catatonit', 'dumb-init'];
/** What `podman run --init` ran until version 4, whose name is that of a service manager. */
const CONTAINER_INIT = '/dev/init';

/** How a process got its parent. */
export interface Parentage {
  /** The parent when this process started: one that has only adopted it since does not count. */
  readonly ppid: number;
  /** Whether another master has started this process, to be its successor. */
  readonly isSuccessor: boolean;
  /** Reads a file of /proc. @throws where there is none */
  readonly read?: (path: string) => string;
}

/**
 * The program that is process 1, has started this process, and may end with it: the init process of a container, a shell,
 * npm. Whatever this process leaves behind then ends, too. A process that process 1 has only adopted, such as a daemon whose shell
 * has ended, is in another process group.
 *
 * @returns undefined if process 1 is not the parent, stays, or is not known
 */
export function containerInit({ ppid, isSuccessor, read = readText }: Parentage): string | undefined {
  if (ppid !== 1 || isSuccessor) return undefined;
  try {
    const name = read('/proc/1/comm').trim();
    const [program = ''] = read('/proc/1/cmdline').split('\0');
    if (ENDS.includes(name) || program === CONTAINER_INIT) return name;
    return STAYS.includes(name) || groupIn(read('/proc/self/stat')) !== groupIn(read('/proc/1/stat')) ? undefined : name;
  } catch {
    // A system without /proc.
    return undefined;
  }
}

/** The process group in a `stat` of /proc (proc_pid_stat(5)). The name of the program, in brackets, may have spaces. */
const groupIn = (stat: string): string | undefined => stat.slice(stat.lastIndexOf(')') + 2).split(' ')[2];

const readText = (path: string): string => readFileSync(path, 'utf8');
