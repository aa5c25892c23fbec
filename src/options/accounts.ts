import type { PreforkTcpServerOptions } from './options.js';

/** What workers run as; undefined = as the master does. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
}

/**
 * Finds the ids that User and Group mean, with id(1) and getent(1), so that every source of accounts on the system is
 * considered. libuv drops the supplementary groups when it changes the uid (src/unix/process.c).
 *
 * @param problems - gets what is wrong: names that are not accounts, and a uid that this process may not change to
 */
export function resolveAccount({ User, Group }: Pick<PreforkTcpServerOptions, 'User' | 'Group'>, problems: string[]): Account | undefined {
  if (User === undefined) return undefined;
  const ask = (option: string, name: string, program: string, args: readonly string[]): number => {
    const id = idOf(program, args);
    if (Number.isNaN(id)) problems.push(`${option} ${JSON.stringify(name)} is not an account on this machine; give one that is, or a number.`);
    return id;
  };
  const uid = typeof User === 'number' ? User : ask('User', User, 'id', ['-u', '--', User]);
  const gid = typeof Group === 'number' ? Group
    : Group !== undefined ? ask('Group', Group, 'getent', ['group', Group])
      : typeof User === 'string' ? idOf('id', ['-g', '--', User])
        : NaN;
  if (typeof User === 'number' && Group === undefined) problems.push(`User ${User} is a number, whose group is not known; give Group too.`);
  // What could not be found has been reported already.
  if (Number.isNaN(uid) || Number.isNaN(gid)) return undefined;
  if (process.getuid?.() !== 0 && (process.getuid?.() !== uid || process.getgid?.() !== gid)) {
    problems.push(`User ${User} needs a master that runs as root, which alone may change to another account; start it as root or leave User out.`);
  }
  return { uid, gid };
}

/** NaN for a name that the program does not know. */
function idOf(program: string, args: readonly string[]): number {
  let answer = '';
  try {
    // Only a master with User needs it: workers start without loading it.
    answer = process.getBuiltinModule('node:child_process').execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  } catch {
    // It exited with an error: there is no number in the answer.
  }
  return Number.parseInt(program === 'getent' ? answer.split(':')[2] ?? '' : answer, 10);
}
