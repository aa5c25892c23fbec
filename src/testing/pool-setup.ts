import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { show } from '../checks.js';
import type { PreforkTcpServerOptions } from '../options/options.js';
import { testingError } from './testing-error.js';

/** Options of the server that a test can replace: all that are not functions, lists of addresses aside. */
export type ReplacedOptions = {
  readonly [Name in keyof PreforkTcpServerOptions as Name extends 'Script' | 'ScriptArgs' | 'ExecArgv' | 'Env' | 'Directory' | 'Alias' | 'Address' | 'Hostname' | 'Port' | 'Domain' | 'Fd' ? never : Name]?:
  Extract<PreforkTcpServerOptions[Name], string | number | boolean | readonly string[] | undefined>
};

/** What `startPool` takes: how the program is run, and options that take the place of its own. */
export interface PoolSetup extends ReplacedOptions {
  /** The program that constructs the server, the one that is run in production: a path, or `new URL('./server.js', import.meta.url)`. */
  readonly Script: string | URL;
  /** Its arguments. Default none. */
  readonly ScriptArgs?: readonly string[] | undefined;
  /** Node's own arguments, such as `['--import', 'tsx']` for a program in TypeScript. Default none. */
  readonly ExecArgv?: readonly string[] | undefined;
  /** Added to the environment of this process; undefined removes a variable. */
  readonly Env?: Readonly<Record<string, string | undefined>> | undefined;
  /** The folder it runs in. Default that of this process. */
  readonly Directory?: string | URL | undefined;
  /** Which server is meant, in a program that constructs several. Default the first. */
  readonly Alias?: string | undefined;
  /**
   * Seconds that the start, and each wait of the test, may take. Default 10. A runner's own time-out (5 s for a test in vitest
   * and jest) has to be longer, or it ends the test first, without saying what was awaited.
   */
  readonly Patience?: number | undefined;
}

/** The setup as it is used. */
export interface ResolvedSetup {
  readonly script: string;
  readonly args: readonly string[];
  readonly execArgv: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly directory: string;
  readonly alias: string | undefined;
  readonly patienceMs: number;
  readonly options: Readonly<Record<string, unknown>>;
}

/** @throws PreforkError ERR_PREFORK_TESTING with what is wrong */
export function resolveSetup(setup: PoolSetup): ResolvedSetup {
  const { Script: script, ScriptArgs: args = [], ExecArgv: execArgv = [], Env: env = {}, Directory: folder = process.cwd(), Alias: alias, Patience: patience = 10, ...options } = { ...setup } as Partial<PoolSetup>;
  if (script === undefined) throw testingError("startPool() needs Script, the program that constructs the server: startPool({ Script: './server.js' }).");
  if (!(script instanceof URL) && (typeof script !== 'string' || script === '')) throw testingError(`startPool() was given a Script of ${show(script)}; it takes a path or a URL.`);
  const directory = folder instanceof URL ? fileURLToPath(folder) : folder;
  const path = script instanceof URL || script.startsWith('file:') ? fileURLToPath(script) : resolve(directory, script);
  if (!existsSync(path)) throw testingError(`startPool() was given a Script that is not there: ${path}.`);
  if (!(typeof patience === 'number' && patience > 0)) throw testingError(`startPool() was given a Patience of ${String(patience)}; it takes a number of seconds above 0.`);
  for (const [name, value] of Object.entries(options)) {
    if (value !== undefined && !isPlain(value)) {
      throw testingError(`startPool() was given ${name}, which cannot be sent to another process; options that take its program's place are numbers, texts and lists of texts.`);
    }
    if (FIXED.has(name)) throw testingError(`startPool() was given ${name}; the pool listens where no other test does, on a port of 127.0.0.1 that is free: see port and address.`);
  }
  return { script: path, args, execArgv, env: { ...process.env, PREFORK_TCP_SERVER_WORKER: undefined, ...env }, directory, alias, patienceMs: patience * 1000, options };
}

const FIXED: ReadonlySet<string> = new Set(['Address', 'Hostname', 'Port', 'Domain', 'Fd']);

const isPlain = (value: unknown): boolean => (
  ['string', 'number', 'boolean'].includes(typeof value) || (Array.isArray(value) && value.every((item) => typeof item === 'string'))
);
