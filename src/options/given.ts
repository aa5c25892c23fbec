import { dirname, isAbsolute, relative } from 'node:path';
import { builtIn } from '../built-ins.js';
import { pathOf } from './place.js';
import { POOL_CHECKS } from './table.js';

/** Options as a script gave them, each as JSON, so that two releases of a script can be compared. Functions are left out. */
export type GivenOptions = Readonly<Record<string, string>>;

/** Options that only the master uses, once, at its start. */
const MASTER_OPTIONS: ReadonlySet<string> = new Set([
  'Address', 'Hostname', 'Port', 'Domain', 'SocketMode', 'Ipv6Only', 'Backlog', 'ShutdownChildren', 'Script', 'ScriptArgs', 'ExecArgv', 'Env',
  'HandleSignals', 'HangReport', 'User', 'Group', 'Directory', 'Fd', 'Notify', 'Admin',
]);

/** Whether a worker of a new release cannot change an option, even if releases are not compared by it. */
export const isOfMaster = (name: string): boolean => MASTER_OPTIONS.has(name) || name === 'Alias' || name === 'MasterAlias' || name === 'Logger';

/** The options that concern the master. @param program - the main script of this process */
export function givenOptions(options: object, program: string | undefined = process.argv[1]): GivenOptions {
  const given: Record<string, string> = {};
  for (const [name, value] of Object.entries(options) as [string, unknown][]) {
    if (value === undefined || !(name in POOL_CHECKS || MASTER_OPTIONS.has(name))) continue;
    const text = toText(PLACES.has(name) ? placeOf(value, program) : value);
    if (text !== undefined) given[name] = text;
  }
  return given;
}

const PLACES: ReadonlySet<string> = new Set(['Script', 'Directory']);

/** `new URL('./worker.js', import.meta.url)` leads into a different folder in each release, but means the same: so paths are taken relative to that of the program. */
function placeOf(value: unknown, program: string | undefined): unknown {
  const path = pathOf(value);
  if (path === undefined || program === undefined || !isAbsolute(path)) return value;
  return relative(dirname(realOf(program)), path);
}

function realOf(program: string): string {
  try {
    return builtIn('node:fs').realpathSync(program);
  } catch {
    // A name that Node completes itself, or not the name of a file.
    return program;
  }
}

function toText(value: unknown): string | undefined {
  try {
    return JSON.stringify(value, (_key, inner: unknown) => (inner === Infinity ? INFINITY : inner));
  } catch {
    // Values that cannot be compared count as the same.
    return undefined;
  }
}

// JSON cannot express Infinity.
const INFINITY = { infinity: true };

/** What another release of a script gives differently. */
export interface OptionChanges {
  /** Thresholds of the pool with their new values; undefined = no longer given. */
  readonly pool: Readonly<Record<string, unknown>>;
  /** Names of options that only a new master can apply. */
  readonly master: readonly string[];
}

export function compareGiven(before: GivenOptions, after: GivenOptions): OptionChanges {
  const changed = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter((name) => before[name] !== after[name]);
  return {
    pool: Object.fromEntries(changed.filter((name) => name in POOL_CHECKS).map((name) => [name, fromText(after[name])])),
    master: changed.filter((name) => MASTER_OPTIONS.has(name)),
  };
}

function fromText(text: string | undefined): unknown {
  return text === undefined ? undefined : JSON.parse(text, (_key, inner: unknown) => (
    typeof inner === 'object' && inner !== null && 'infinity' in inner ? Infinity : inner
  ));
}
