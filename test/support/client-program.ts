import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { Waiters } from './wait.js';

/** A client that people use, such as ssh: a program that talks by its standard streams. */
export class ClientProgram {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #waiters = new Waiters();
  readonly #output: Buffer[] = [];
  #stderr = '';
  #ending: number | NodeJS.Signals | undefined;

  constructor(command: string, args: readonly string[]) {
    this.#child = spawn(command, args);
    this.#child.stdout.on('data', (bytes: Buffer) => {
      this.#output.push(bytes);
      this.#waiters.notify();
    });
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => { this.#stderr += text; });
    // A program that has ended reads no more.
    this.#child.stdin.on('error', () => undefined);
    this.#child.once('close', (code, signal) => {
      this.#ending = code ?? signal ?? undefined;
      this.#waiters.notify();
    });
  }

  /** What it has written to standard output. */
  get output(): Buffer {
    return Buffer.concat(this.#output);
  }

  /** Writes to its standard input. */
  send(bytes: string | Buffer): void {
    this.#child.stdin.write(bytes);
  }

  /** Ends its standard input. */
  end(): void {
    this.#child.stdin.end();
  }

  /** Waits until its output matches. */
  async says(pattern: RegExp): Promise<void> {
    await this.#until(() => {
      if (pattern.test(this.output.toString())) return true;
      if (this.#ending !== undefined) throw new Error(`It ended without ${String(pattern)}; ${this.#describe()}`);
      return undefined;
    }, String(pattern));
  }

  /** Waits until it has ended. @returns its exit code, or the signal that ended it */
  async over(): Promise<number | NodeJS.Signals> {
    return this.#until(() => this.#ending, 'its end');
  }

  /** What takes too long is ended. */
  async #until<T>(ask: () => T | undefined, what: string): Promise<T> {
    try {
      return await this.#waiters.until(ask, () => `${what}; ${this.#describe()}`);
    } catch (error) {
      this.#child.kill('SIGKILL');
      throw error;
    }
  }

  #describe(): string {
    return `${this.#child.spawnfile} has said ${JSON.stringify(this.output.toString().slice(-500))}, and on stderr ${JSON.stringify(this.#stderr.slice(-500))}`;
  }
}
