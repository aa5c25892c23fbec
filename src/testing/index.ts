// Kept in the declarations: TypeScript 6 and later load only types that are asked for, and these need Node's.
/// <reference types="node" preserve="true" />
import { randomBytes } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../clock.js';
import { Doors } from './doors.js';
import { Happenings } from './happenings.js';
import { encode, type HookSetup } from './line.js';
import { loaderAdvice } from './loader-advice.js';
import { resolveSetup, type PoolSetup, type ResolvedSetup } from './pool-setup.js';
import { Program } from './program.js';
import { TestPool } from './test-pool.js';
import { testingError } from './testing-error.js';
import { Waiters } from './waiters.js';

export type { ListenAddress } from '../ipc/protocol.js';
export type { TestedEvent } from './happenings.js';
export type { PoolSetup, ReplacedOptions } from './pool-setup.js';
export type { Ending } from './program.js';
export type { TestClient } from './test-client.js';
export type { TestPool } from './test-pool.js';

/**
 * Starts the program that is run in production, unchanged, as the master of a pool in a process of its own, and resolves when
 * the first worker accepts. Its server listens on a port of 127.0.0.1 that is free (a Unix socket at a path that is free), and
 * so do its Admin side and its other servers; options that are given here take the place of the program's own.
 *
 * It works with any test runner, or none. With node:test:
 *
 * ```js
 * import assert from 'node:assert/strict';
 * import { test } from 'node:test';
 * import { startPool } from 'prefork-tcp-server/testing';
 *
 * test('a client that comes after a crash is served', async (t) => {
 *   const pool = await startPool({ Script: new URL('./server.js', import.meta.url), MaxServer: 2 });
 *   t.after(() => pool[Symbol.asyncDispose]());
 *   await pool.crash(pool.workers[0]);
 *   assert.equal(await pool.ask('hello'), 'hello');
 * });
 * ```
 *
 * With vitest: `onTestFinished(() => pool[Symbol.asyncDispose]())` in place of `t.after`. With jest, which runs CommonJS:
 * `const { startPool } = require('prefork-tcp-server/testing')`, `Script: require.resolve('./server.js')`, and `afterEach(() =>
 * pool[Symbol.asyncDispose]())`.
 *
 * @throws PreforkError ERR_PREFORK_TESTING if the program has no server that accepts within Patience, with what it did instead
 */
export async function startPool(setup: PoolSetup): Promise<TestPool> {
  const resolved = resolveSetup(setup);
  const { patienceMs } = resolved;
  const waiters = new Waiters(patienceMs);
  const happenings = new Happenings();
  const token = randomBytes(16).toString('hex');
  const doors = new Doors(token, waiters, (_pid, message) => { happenings.hear(message, systemClock.now()); });
  const folder = mkdtempSync(join(tmpdir(), 'prefork-test-'));
  const hook: HookSetup = { port: await doors.open(), token, folder, alias: resolved.alias, options: resolved.options };
  const program = new Program({ ...resolved, execArgv: ['--import', hookUrl(hook), ...resolved.execArgv], folder }, () => { waiters.notify(); });
  const pool = new TestPool({ program, doors, happenings, waiters, patienceMs });
  try {
    await waiters.until(() => {
      const problem = program.error?.message ?? happenings.failure?.message ?? (program.ending === undefined ? undefined : whyEnded(resolved, program, happenings));
      if (problem !== undefined) throw testingError(`${problem}${said(program)}`, happenings.failure ?? program.error);
      return happenings.address;
    }, () => `a worker that accepts: ${whyLate(resolved, program, doors, happenings)}${said(program)}`);
    return pool;
  } catch (error) {
    await pool[Symbol.asyncDispose]();
    throw error;
  }
}

/** The hook beside this file, with what it has to know. */
function hookUrl(setup: HookSetup): string {
  const url = new URL('./testing-hook.js', import.meta.url);
  url.searchParams.set('setup', encode(setup));
  return url.href;
}

function whyEnded({ script, alias, execArgv }: ResolvedSetup, { ending, output: { stderr } }: Program, { isConstructed, constructed }: Happenings): string {
  const how = ending?.signal ?? `exit code ${ending?.code ?? 'unknown'}`;
  if (isConstructed) return `${script} has ended (${how}) before a worker accepted.`;
  const cause = /^\w*Error\b.*/m.exec(stderr)?.[0];
  if (cause !== undefined && ending?.code !== 0) return `${script} has ended (${how}) before it had made its PreforkTcpServer${named(alias)}: ${cause}${execArgv.length === 0 ? loaderAdvice(script, stderr) : ''}`;
  return `${script} has ended (${how}) and made no PreforkTcpServer${named(alias)}${among(constructed)}; give the Script that constructs it.`;
}

function whyLate({ script, alias }: ResolvedSetup, { pid }: Program, doors: Doors, { isConstructed, constructed, events }: Happenings): string {
  if (!doors.has(pid)) return `${script} runs, but has not loaded the test kit's hook`;
  if (!isConstructed) return `${script} runs, but has made no PreforkTcpServer${named(alias)}${among(constructed)}; give the Script that constructs it, or more Patience to one that is still loading`;
  return `${script} has made its server, and then there was ${events.map(({ name }) => name).join(', ') || 'nothing'}; a program that needs longer is given more Patience`;
}

const named = (alias: string | undefined): string => (alias === undefined ? '' : ` with the Alias '${alias}'`);

const among = (constructed: readonly string[]): string => (constructed.length === 0 ? '' : `, but ${constructed.map((alias) => `'${alias}'`).join(', ')}`);

function said({ output: { stderr } }: Program): string {
  const lines = stderr.trim();
  return lines === '' ? '' : `\nIts standard error ends with:\n${lines.slice(-2000)}`;
}
