import { existsSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, isAbsolute, relative, resolve, sep } from 'node:path';
import { PreforkError } from '../errors.js';

/** Where a server's releases come from: paths that may lead through symbolic links, made absolute at the start. */
export interface ReleaseSource {
  /** The file that workers run. */
  readonly script: string;
  /** The folder that they run in. */
  readonly directory: string;
}

/**
 * What workers run, with every symbolic link resolved: a worker that replaces another one runs the same, wherever the
 * links lead by then. New code comes only with a reload.
 */
export interface Release {
  /** Counts the releases that were tried, from 1. */
  readonly number: number;
  readonly script: string;
  readonly directory: string;
  /** Whether the script has been overwritten in place since: then workers of this release may not all run the same code. */
  readonly isMixed: () => boolean;
}

/** Resolves the paths once, at the start: the program may change its working folder later. */
export function releaseSource(
  { script, directory }: { readonly script: string; readonly directory: string | undefined },
  { folder, program }: Start = startOf(),
): ReleaseSource {
  return {
    script: throughLinks(resolve(folder.physical, script), [folder, program]),
    directory: directory === undefined ? folder.logical : throughLinks(resolve(folder.logical, directory), [folder, program]),
  };
}

/** @throws PreforkError ERR_PREFORK_WORKER_BOOT if a folder does not exist: no worker could start */
export function pinRelease(number: number, source: ReleaseSource): Release {
  const script = realScript(source.script);
  const before = stamp(script);
  return { number, script, directory: realFolder(source.directory, 'the folder that workers run in'), isMixed: () => stamp(script) !== before };
}

function realFolder(path: string, role: string): string {
  const isThere = statSync(path, { throwIfNoEntry: false })?.isDirectory();
  if (isThere === true) return realpathSync(path);
  throw new PreforkError('ERR_PREFORK_WORKER_BOOT', `${path}, ${role}, is ${isThere === false ? 'not a folder' : 'not there'}: make it, or name another with Directory or Script.`);
}

/** A folder without symbolic links, and by the path that led to it. */
export interface Route {
  readonly physical: string;
  readonly logical: string;
}

/** How this process was started. */
export interface Start {
  /** Its working folder. */
  readonly folder: Route;
  /** The folder of its main script. */
  readonly program: Route;
}

/**
 * `cd current && node server.mjs`: the kernel knows only where `current` led; PWD, from the shell, has the path.
 * `node current/server.mjs`: `import.meta.url` knows only where it led; the argument has the path.
 *
 * @param physical - its working folder
 */
export function startOf(physical: string = process.cwd()): Start {
  const { PWD } = process.env;
  const folder = { physical, logical: PWD !== undefined && isAbsolute(PWD) && isSame(PWD, physical) ? PWD : physical };
  const given = dirname(throughLinks(resolve(process.argv[1] ?? '.'), [folder]));
  return { folder, program: { logical: given, physical: existsSync(given) ? realpathSync(given) : given } };
}

function isSame(one: string, other: string): boolean {
  const [first, second] = [one, other].map((path) => statSync(path, { throwIfNoEntry: false, bigint: true }));
  return first !== undefined && first.ino === second?.ino && first.dev === second.dev;
}

/** `current/dist` leads to `releases/1/dist`, since `current` leads to `releases/1`: so what lies beside `dist` changes with it, too. */
function widen({ physical, logical }: Route): Route {
  const [above, aboveLogical] = [dirname(physical), dirname(logical)];
  const isBelow = basename(physical) === basename(logical) && above !== aboveLogical && isSame(above, aboveLogical);
  return isBelow ? widen({ physical: above, logical: aboveLogical }) : { physical, logical };
}

/** A path inside one of the folders, by the path that led to the folder. */
function throughLinks(path: string, routes: readonly Route[]): string {
  for (const { physical, logical } of routes.map(widen)) {
    const inside = relative(physical, path);
    if (logical !== physical && inside !== '..' && !inside.startsWith(`..${sep}`) && !isAbsolute(inside)) return resolve(logical, inside);
  }
  return path;
}

/** `node server` runs server.js: Node completes such a name itself, so only its folder can be resolved. */
function realScript(script: string): string {
  if (statSync(script, { throwIfNoEntry: false }) !== undefined) return realpathSync(script);
  return resolve(realFolder(dirname(script), 'the folder of the script'), basename(script));
}

function stamp(script: string): string {
  const file = statSync(script, { throwIfNoEntry: false, bigint: true });
  return file === undefined ? '' : `${file.dev}:${file.ino}:${file.mtimeNs}`;
}
