import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { MasterProcess, type MasterSetup } from '../../support/master-process.js';
import type { BEGUN, Load, Measured } from './generator.js';

/** The programs in test/load/servers. They are plain JavaScript, so that no loader weighs on what is measured. */
export type Program = 'prefork' | 'hand-written';

const pathOf = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** Starts a server, gives its port to the body, and ends it and its workers whatever happens. */
export async function withServer<Result>(
  program: Program, settings: object, body: (port: number, server: MasterProcess) => Promise<Result>, setup: Pick<MasterSetup, 'execArgv' | 'env'> = {},
): Promise<Result> {
  const server = new MasterProcess({ args: [pathOf(`../servers/${program}.mjs`), JSON.stringify(settings)], ...setup });
  try {
    // 20 workers on a busy machine take their time.
    await server.until(() => server.all('up')[0], () => 'its workers', 60_000);
    return await body(await server.up(), server);
  } finally {
    await server[Symbol.asyncDispose]();
  }
}

/** A process that loads servers. */
export class Generator implements AsyncDisposable {
  readonly #process = fork(pathOf('./generator.ts'), { execArgv: ['--import', 'tsx'] });
  readonly #exit = once(this.#process, 'exit');

  /** Runs one load and returns what it measured; calls `onBegun` when it begins to count. */
  async run(settings: Load, onBegun?: () => void): Promise<Measured> {
    let hear: (message: Measured | typeof BEGUN) => void = () => undefined;
    const measured = new Promise<Measured>((resolve) => {
      hear = (message): void => {
        if (typeof message === 'string') onBegun?.();
        else resolve(message);
      };
    });
    this.#process.on('message', hear);
    try {
      this.#process.send(settings);
      return await Promise.race([
        measured,
        this.#exit.then(() => { throw new Error(`The generator ended with ${this.#process.exitCode ?? this.#process.signalCode ?? ''}.`); }),
      ]);
    } finally {
      this.#process.off('message', hear);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.connected) this.#process.disconnect();
    await this.#exit;
  }
}

/** Runs one load in a process of its own and returns what it measured. */
export async function load(settings: Load): Promise<Measured> {
  const generator = new Generator();
  try {
    return await generator.run(settings);
  } finally {
    await generator[Symbol.asyncDispose]();
  }
}
