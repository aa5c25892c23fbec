import { spawn } from 'node:child_process';

// Without a word from the test there will be none: its process has gone, however it ended.
const REAP = 'read -r _ && exit 0; kill -KILL "-$1"; rm -rf "$2"';

/** Ends a process group when this process is gone, were it killed. */
export class Reaper {
  readonly #dismiss: () => void;

  /** @param folder - removed with the group */
  constructor(group: number, folder: string) {
    const child = spawn('/bin/sh', ['-c', REAP, 'sh', String(group), folder], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
    child.unref();
    // Without a shell there is only the way of an orderly end.
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
