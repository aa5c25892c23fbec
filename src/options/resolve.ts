import { checkEach, soundOptions, withInherited } from '../checks.js';
import { PreforkError } from '../errors.js';
import type { PoolConfig, WorkerConfig } from '../policy/snapshot.js';
import { adminPlaceProblems } from './admin-place.js';
import { clientChange, clientConfig, type ClientConfig } from './client-part.js';
import { contradictions, thresholdProblems, type ConstructionRole } from './contradictions.js';
import { givenOptions, isOfMaster, type GivenOptions } from './given.js';
import { listenConfig, type ListenConfig } from './listen-part.js';
import type { ChangeableOptions, PoolOptions, PreforkTcpServerOptions } from './options.js';
import { DEFAULT_ALIAS, processConfig, type ProcessConfig } from './process-part.js';
import { CHANGEABLE_CHECKS, CHECKS, POOL_CHECKS, SYNONYMS } from './table.js';
import { asRunning, resolveThresholds } from './thresholds.js';

/**
 * The options as everything inside reads them: checked, with their defaults, in milliseconds and booleans, filters and
 * lists built. Nothing else sees what was given.
 */
export interface ResolvedOptions {
  /** Thresholds that the plan keeps to. */
  readonly pool: PoolConfig;
  /** What workers are sent. */
  readonly worker: WorkerConfig;
  readonly listen: ListenConfig;
  readonly process: ProcessConfig;
  readonly client: ClientConfig;
  /** What the script gave, to compare releases by. */
  readonly given: GivenOptions;
  /** What `configure()` merges a change into. */
  readonly thresholds: PoolOptions;
}

/**
 * Checks and resolves the options of the constructor.
 *
 * @throws PreforkError ERR_PREFORK_OPTION with everything that is wrong
 */
export function resolveOptions(options: unknown, role: ConstructionRole): ResolvedOptions {
  if (!isOptions(options)) throw optionError(['new PreforkTcpServer({...}) needs an object of options, at least { ClientInput }.'], 'constructor');
  const given = withInherited(options, CHECKS);
  const problems = checkEach(given, CHECKS, SYNONYMS);
  // Contradictions between well-formed options are reported together with malformed ones.
  const sound = soundOptions(given, CHECKS) as PreforkTcpServerOptions;
  const named = new Set(Object.keys(given).filter((name) => given[name] !== undefined));
  problems.push(...contradictions(sound, named, role));
  const resolved = {
    ...resolveThresholds(sound),
    listen: listenConfig(sound),
    process: processConfig(sound, role === 'master', problems),
    client: clientConfig(sound, problems),
    given: givenOptions(given),
    thresholds: thresholdsIn(sound),
  };
  const { admin } = resolved.process;
  if (role === 'master' && admin !== undefined) problems.push(...adminPlaceProblems(admin, resolved.listen));
  if (problems.length > 0) throw optionError(problems, 'constructor');
  return freezeParts(resolved);
}

/** The Alias in the options, be they right or wrong: it decides the role of the construction before they are checked. */
export function aliasOf(given: unknown): string {
  const alias = isOptions(given) ? given['Alias'] : undefined;
  return typeof alias === 'string' ? alias : DEFAULT_ALIAS;
}

/**
 * Checks a change of the running pool and resolves what follows from it.
 *
 * @throws PreforkError ERR_PREFORK_OPTION with everything that is wrong
 */
export function resolveChange(before: ResolvedOptions, options: unknown): ResolvedOptions {
  if (!isOptions(options)) throw optionError(['configure({...}) needs an object of options.'], 'configure');
  const change = withInherited(options, CHECKS);
  const isFixed = (name: string): boolean => Object.hasOwn(CHECKS, name) && !Object.hasOwn(CHANGEABLE_CHECKS, name);
  const problems = [
    ...checkEach(Object.fromEntries(Object.entries(change).filter(([name]) => !isFixed(name))), CHANGEABLE_CHECKS),
    ...Object.keys(change).filter(isFixed).map(whyFixed),
  ];
  const sound = soundOptions(change, CHANGEABLE_CHECKS);
  // What is given as undefined goes back to its default.
  const unset = Object.fromEntries(Object.entries(change).filter(([, value]) => value === undefined));
  const given: ChangeableOptions = { ...sound, ...unset };
  const merged = thresholdsIn({ ...before.thresholds, ...given });
  const thresholds = sound['StartServer'] === undefined ? asRunning(merged) : merged;
  problems.push(...thresholdProblems(thresholds));
  const own = before.client.tls ?? (before.process.hasOwnScript ? 'unknown' : undefined);
  const client = clientChange({ own, before: before.worker.client, change: given, problems });
  if (problems.length > 0) throw optionError(problems, 'configure');
  const { pool, worker } = resolveThresholds(thresholds);
  return freezeParts({ ...before, pool, worker: client === undefined ? worker : { ...worker, client }, thresholds });
}

const whyFixed = (name: string): string => (isOfMaster(name)
  ? `${name} is fixed while the server runs: change it in the program, then restart it or call upgrade().`
  : `${name} is not changed by configure(): change it in the program, then call reload().`
);

const thresholdsIn = (options: ChangeableOptions): PoolOptions => (
  Object.fromEntries(Object.entries(options).filter(([name]) => Object.hasOwn(POOL_CHECKS, name)))
);

const isOptions = (given: unknown): given is Readonly<Record<string, unknown>> => typeof given === 'object' && given !== null;

/** Freezes the parts and the lists in them; the user's own values (arguments, filters) stay as they are. */
function freezeParts(resolved: ResolvedOptions): ResolvedOptions {
  for (const part of Object.values(resolved) as object[]) Object.freeze(part);
  return Object.freeze(resolved);
}

function optionError(problems: readonly string[], where: 'constructor' | 'configure'): PreforkError {
  const head = where === 'constructor' ? 'The options of PreforkTcpServer cannot be used' : 'configure() changed nothing';
  return new PreforkError('ERR_PREFORK_OPTION', `${head}: ${problems.join(' ')}`);
}
