import type * as buffer from 'node:buffer';
import type * as childProcess from 'node:child_process';
import type * as cluster from 'node:cluster';
import type * as crypto from 'node:crypto';
import type * as dns from 'node:dns/promises';
import type * as fs from 'node:fs';
import type module from 'node:module';
import type * as os from 'node:os';
import type * as sea from 'node:sea';
import type * as util from 'node:util';
import type * as workerThreads from 'node:worker_threads';

/** Modules of Node's that are expensive to import: a pool would pay for them in each worker. */
interface BuiltIns {
  'node:buffer': typeof buffer;
  'node:child_process': typeof childProcess;
  'node:cluster': typeof cluster;
  'node:crypto': typeof crypto;
  'node:dns/promises': typeof dns;
  'node:fs': typeof fs;
  'node:module': typeof module;
  'node:os': typeof os;
  'node:sea': typeof sea;
  'node:util': typeof util;
  'node:worker_threads': typeof workerThreads;
}

/**
 * A built-in module, loaded where it is needed instead of at the start of every worker. An `import` would also evaluate
 * every export for the module's namespace, so that `node:util` alone loads parsers of arguments and of MIME types,
 * `node:fs` its promises and streams, `node:buffer` the class File, and `node:crypto` the Web Crypto API (measured: half
 * the time that importing this library took).
 *
 * @see https://nodejs.org/api/process.html#processgetbuiltinmoduleid
 */
export function builtIn<Id extends keyof BuiltIns>(id: Id): BuiltIns[Id] {
  return process.getBuiltinModule(id);
}
