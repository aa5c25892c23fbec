import { spawn, type ChildProcess } from 'node:child_process';
import { rmSync } from 'node:fs';
import { systemClock } from '../clock.js';
import { Reaper } from './reaper.js';

/** How long to read the last output of a program that has ended, if other processes keep the streams open. */
const LAST_WORDS_MS = 200;

/** How the user's program is run. */
export interface ProgramSetup {
  readonly script: string;
  readonly args: readonly string[];
  /** Node's own arguments, the hook's among them. */
  readonly execArgv: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly directory: string;
  /** Removed with it. */
  readonly folder: string;
}

/** How a process ended. */
export interface Ending {
  /** undefined if a signal ended it. */
  readonly code?: number | undefined;
  /** The signal that ended it; undefined if it exited. */
  readonly signal?: NodeJS.Signals | undefined;
}

/** The user's program, the master of the pool. It leads a process group, to which its workers belong. */
export class Program {
  readonly pid: number;
  readonly output: { stdout: string; stderr: string } = { stdout: '', stderr: '' };
  ending: Ending | undefined;
  /** Why it could not be started. */
  error: Error | undefined;
  readonly #folder: string;
  readonly #reaper: Reaper | undefined;
  readonly #onExit = (): void => { this.#end(); };

  constructor({ script, args, execArgv, env, directory, folder }: ProgramSetup, changed: () => void) {
    this.#folder = folder;
    const child = spawn(process.execPath, [...execArgv, script, ...args], { cwd: directory, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    this.pid = child.pid ?? 0;
    // A pool that a test forgets does not keep its process alive.
    child.unref();
    this.#collect(child, 'stdout', changed);
    this.#collect(child, 'stderr', changed);
    child.on('error', (error) => {
      this.error = error;
      changed();
    });
    child.on('exit', (code, signal) => {
      const said = (): void => {
        this.ending ??= { ...(code !== null && { code }), ...(signal !== null && { signal }) };
        changed();
      };
      // Its last output is read first; but workers that live on keep the streams open.
      child.once('close', said);
      systemClock.after(LAST_WORDS_MS, said, { idle: true });
    });
    if (this.pid === 0) return;
    this.#reaper = new Reaper(this.pid, folder);
    process.once('exit', this.#onExit);
  }

  #collect(child: ChildProcess, name: 'stdout' | 'stderr', changed: () => void): void {
    const stream = child[name];
    stream?.setEncoding('utf8').on('data', (text: string) => {
      this.output[name] = (this.output[name] + text).slice(-MOST_OUTPUT);
      changed();
    });
    (stream as Partial<{ unref(): void }> | null)?.unref?.();
  }

  /** Ends it with all its workers, at once. Harmless twice. */
  end(): void {
    process.off('exit', this.#onExit);
    this.#end();
    this.#reaper?.dismiss();
  }

  #end(): void {
    if (this.pid !== 0) killGroup(this.pid);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** How many characters of each stream are kept: the last ones. */
const MOST_OUTPUT = 1024 * 1024;

function killGroup(leader: number): void {
  try {
    process.kill(-leader, 'SIGKILL');
  } catch {
    // The whole group has gone.
  }
}
