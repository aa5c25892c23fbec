import { spawn } from 'node:child_process';

// An end of input without a line from the test: its process has gone, however it ended.
const REAP = 'read -r _ && exit 0; kill -KILL "-$1"; rm -rf "$2"';

/** Ends a process group when this process is gone, even if it is killed. */
export class Reaper {
  readonly #dismiss: () => void;

  /** @param folder - removed with the group */
  constructor(group: number, folder: string) {
    const child = spawn('/bin/sh', ['-c', REAP, 'sh', String(group), folder], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
    child.unref();
    // Without a shell the group ends only if this process ends in an orderly way.
    child.on('error', () => undefined);
    const { stdin } = child;
    stdin.on('error', () => undefined);
    (stdin as Partial<{ unref(): void }>).unref?.();
    this.#dismiss = () => { stdin.end('\n'); };
  }

  /** The group has been ended. */
  dismiss(): void {
    this.#dismiss();
  }
}
