import { execFileSync } from 'node:child_process';
import { PreforkError } from '../errors.js';

/** What workers run as; undefined = as the master does. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
}

/**
 * Finds the ids that User and Group mean, with id(1) and getent(1), so that every source of accounts counts that the
 * system has. libuv drops the supplementary groups when it changes the uid (src/unix/process.c).
 *
 * @throws PreforkError ERR_PREFORK_OPTION if there is no such account, or if this process may not change its uid
 */
export function resolveAccount({ User, Group }: { readonly User?: string | number | undefined; readonly Group?: string | number | undefined }): Account | undefined {
  if (User === undefined) return undefined;
  const uid = typeof User === 'number' ? User : ask('User', User, 'id', ['-u', '--', User]);
  const gid = Group === undefined ? groupOf(User) : typeof Group === 'number' ? Group : ask('Group', Group, 'getent', ['group', Group]);
  if (process.getuid?.() !== 0 && (process.getuid?.() !== uid || process.getgid?.() !== gid)) {
    throw new PreforkError('ERR_PREFORK_OPTION', `User ${User} needs a master that runs as root, which alone may change to another account; start it as root or leave User out.`);
  }
  return { uid, gid };
}

function groupOf(user: string | number): number {
  if (typeof user === 'string') return ask('User', user, 'id', ['-g', '--', user]);
  throw new PreforkError('ERR_PREFORK_OPTION', `User ${user} is a number, whose group is not known; give Group too.`);
}

function ask(option: string, name: string, program: string, args: readonly string[]): number {
  let answer = '';
  try {
    answer = execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  } catch {
    // It exits with an error for a name that it does not know: no number is in the answer.
  }
  const id = Number.parseInt(program === 'getent' ? answer.split(':')[2] ?? '' : answer, 10);
  if (Number.isNaN(id)) throw new PreforkError('ERR_PREFORK_OPTION', `${option} ${JSON.stringify(name)} is not an account of this machine; give one that is, or a number.`);
  return id;
}
