import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { MasterProcess } from '../../support/master-process.js';
import type { Load, Measured } from './generator.js';

/** The programs in test/load/servers. They are plain JavaScript, so that no loader weighs on what is measured. */
export type Program = 'prefork' | 'hand-written';

const pathOf = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** Starts a server with Node's own arguments `execArgv`, gives its port to the body, and ends it and its workers whatever happens. */
export async function withServer<Result>(
  program: Program, settings: object, body: (port: number, server: MasterProcess) => Promise<Result>, execArgv: readonly string[] = [],
): Promise<Result> {
  const server = new MasterProcess({ args: [pathOf(`../servers/${program}.mjs`), JSON.stringify(settings)], execArgv });
  try {
    // 20 workers on a busy machine take their time.
    await server.until(() => server.all('up')[0], () => 'its workers', 60_000);
    return await body(await server.up(), server);
  } finally {
    await server[Symbol.asyncDispose]();
  }
}

/** Runs one load in a process of its own and returns what it measured. */
export async function load(settings: Load): Promise<Measured> {
  const child = spawn(process.execPath, ['--import', 'tsx', pathOf('./generator.ts'), JSON.stringify(settings)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [output] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  if (child.exitCode !== 0) throw new Error(`The generator ended with ${child.exitCode ?? child.signalCode ?? ''}.`);
  return JSON.parse(output) as Measured;
}
