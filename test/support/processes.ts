import { readFileSync } from 'node:fs';
import { poll } from './wait.js';

/** Whether a process runs. One that has ended and was not fetched by its parent yet does not. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  return !isZombie(pid);
}

// An orphan whose new parent is a container's first process may stay a zombie until that one ends.
function isZombie(pid: number): boolean {
  try {
    // The name is in parentheses and may have any character: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).startsWith('Z');
  } catch {
    // No /proc on this system, or gone meanwhile: kill(2) has the last word.
    return false;
  }
}

/** Waits until processes have ended. */
export async function waitGone(pids: number | readonly number[], boundMs?: number): Promise<void> {
  const all = [pids].flat();
  await poll(() => !all.some(isAlive), () => `the end of ${all.filter(isAlive).join(', ')}`, boundMs);
}

/** Sends a signal to a process that may have ended meanwhile. */
export function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
