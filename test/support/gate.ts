import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What a process that blocks can wait for, since it hears nothing: a file, which is there once the gate is open. */
export class Gate implements Disposable {
  readonly path: string;
  readonly #folder = mkdtempSync(join(tmpdir(), 'prefork-gate-'));

  constructor() {
    this.path = join(this.#folder, 'open');
  }

  open(): void {
    writeFileSync(this.path, '');
  }

  /** Whoever still waits is let through first: the file goes when the test is over. */
  [Symbol.dispose](): void {
    if (existsSync(this.#folder)) rmSync(this.#folder, { recursive: true });
  }
}
