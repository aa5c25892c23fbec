import { mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A link to a script, which a test leads from one release to the next, as a deployment does. */
export class ScriptLink {
  readonly #folder = mkdtempSync(join(tmpdir(), 'prefork-script-'));
  readonly path = join(this.#folder, 'current.mjs');
  #count = 0;

  /** @param code - the text of the new release */
  lead(code: string): void {
    this.#count += 1;
    const release = join(this.#folder, `${this.#count}.mjs`);
    writeFileSync(release, code);
    symlinkSync(release, join(this.#folder, 'next'));
    renameSync(join(this.#folder, 'next'), this.path);
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true });
  }
}
