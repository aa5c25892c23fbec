import { mkdirSync, mkdtempSync, realpathSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { program } from './with-server.js';

/** What one release has beside the handler set STD. */
export interface ReleaseCode {
  /** Runs before the server is constructed. */
  readonly before?: string;
  /** More options, as code. */
  readonly options?: string;
  /** Runs when there is a `server`. */
  readonly after?: string;
}

/** Writes releases of a server into folders of their own, and leads the link `current` to one of them. */
export class Releases {
  readonly root = realpathSync(mkdtempSync(join(tmpdir(), 'prefork-releases-')));
  readonly script = join(this.root, 'current/server.js');
  readonly directory = join(this.root, 'current');
  #count = 0;

  constructor() {
    writeFileSync(join(this.root, 'package.json'), '{ "type": "module" }');
  }

  /** Its line `release` is answered with its folder and the working folder. @returns its folder */
  write({ before = '', options = '', after = '' }: ReleaseCode = {}): string {
    this.#count += 1;
    const folder = join(this.root, String(this.#count));
    mkdirSync(folder);
    writeFileSync(join(folder, 'server.js'), `
      import { PreforkTcpServer } from ${JSON.stringify(import.meta.resolve('prefork-tcp-server'))};
      import { stdHandlers } from ${JSON.stringify(program('handlers.mjs'))};
      ${before}
      const handlers = stdHandlers();
      const server = new PreforkTcpServer({
        ...handlers,
        ClientInput(context) {
          if (context.input === 'release') context.heap.client.put('${folder} ' + process.cwd());
          else handlers.ClientInput(context);
        },
        ${options}
      });
      ${after}`);
    return folder;
  }

  lead(folder: string): void {
    symlinkSync(folder, join(this.root, 'next'));
    renameSync(join(this.root, 'next'), this.directory);
  }

  remove(): void {
    rmSync(this.root, { recursive: true });
  }
}
