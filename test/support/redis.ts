import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toolPath } from './tools.js';
import { Waiters, within } from './wait.js';

/** A Redis that keeps nothing on disk, and can be stopped and killed; its process ends with the scope. */
export class Redis implements AsyncDisposable {
  readonly port: number;
  readonly #folder = mkdtempSync(join(tmpdir(), 'prefork-redis-'));
  readonly #waiters = new Waiters();
  #child: ChildProcess | undefined;
  #output = '';

  constructor(port: number) {
    this.port = port;
  }

  /** Resolves when it takes clients. */
  async start(): Promise<void> {
    this.#output = '';
    this.#child = spawn(toolPath('redis-server'), ['--port', String(this.port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', this.#folder], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#output += text;
      this.#waiters.notify();
    });
    await this.#waiters.until(() => this.#output.includes('Ready to accept connections') || undefined, () => `redis-server, which said ${this.#output}`);
  }

  /** It stands still, with its connections open. */
  freeze(): void {
    this.#child?.kill('SIGSTOP');
  }

  /** Resolves when it is gone. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    this.#child = undefined;
    const gone = new Promise((resolve) => { child.once('exit', resolve); });
    child.kill('SIGKILL');
    await within(gone, () => 'the end of redis-server');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true });
  }
}
