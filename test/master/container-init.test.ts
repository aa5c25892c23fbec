import { describe, expect, it } from 'vitest';
import { containerInit } from '../../src/master/container-init.js';

/** What /proc has of process 1 and of this process, which is in the group of process 1 or in another. */
const init = (comm: string, cmdline: string, group = 1) => (path: string): string => ({
  '/proc/1/comm': `${comm}\n`, '/proc/1/cmdline': cmdline, '/proc/1/stat': `1 (${comm}) S 0 1 1 0 -1 4194560`, '/proc/self/stat': `7 (node (2) x) R 1 ${group} 1 0 -1 4194304`,
})[path] ?? '';

describe('process 1', () => {
  it.each([
    ['tini', 'tini\0--\0node\0server.js\0'], ['docker-init', '/sbin/docker-init\0--\0node\0server.js\0'], ['podman-init', '/run/podman-init\0--\0node\0server.js\0'],
    ['catatonit', 'catatonit\0--\0node\0server.js\0'], ['dumb-init', 'dumb-init\0node\0server.js\0'],
    ['init', '/dev/init\0--\0node\0server.js\0'], ['sh', 'sh\0-c\0node server.js; true\0'], ['npm start', 'npm start\0'],
  ])('may end with its child: %s', (comm, cmdline) => {
    expect(containerInit({ ppid: 1, isSuccessor: false, read: init(comm, cmdline) })).toBe(comm);
  });

  it('may end with its child, although that has a process group of its own: tini', () => {
    expect(containerInit({ ppid: 1, isSuccessor: false, read: init('tini', 'tini\0', 7) })).toBe('tini');
  });

  it.each(['bash', 'agent of a test runner'])('has only adopted a daemon of another process group: %s', (comm) => {
    expect(containerInit({ ppid: 1, isSuccessor: false, read: init(comm, `${comm}\0`, 6) })).toBeUndefined();
  });

  it.each([['systemd', '/lib/systemd/systemd\0'], ['systemd', '/sbin/init\0splash\0'], ['init', 'init [2]\0'], ['procd', '/sbin/procd\0'], ['pause', '/pause\0'], ['sleep', 'sleep\0infinity\0']])('stays: %s, %s', (comm, cmdline) => {
    expect(containerInit({ ppid: 1, isSuccessor: false, read: init(comm, cmdline) })).toBeUndefined();
  });

  it('does not matter to a process of which it is not the parent, or has become it since', () => {
    const read = init('tini', 'tini\0');

    expect(containerInit({ ppid: 7, isSuccessor: false, read })).toBeUndefined();
    expect(containerInit({ ppid: 1, isSuccessor: true, read })).toBeUndefined();
  });

  it('is not known where there is no /proc', () => {
    expect(containerInit({ ppid: 1, isSuccessor: false, read: () => { throw new Error('ENOENT'); } })).toBeUndefined();
  });
});
