import { checkEach, soundOptions } from '../checks.js';
import { availableParallelism } from 'node:os';
import { toBlockList } from './block-list.js';
import { PreforkError } from '../errors.js';
import { resolveFilter, type FilterSpec } from '../filters/resolve.js';
import { CHECKS, POOL_CHECKS, RESERVED_EVENTS } from './table.js';
import type { PoolOptions, PreforkTcpServerOptions } from './options.js';
import type { PoolConfig, WorkerConfig } from '../policy/snapshot.js';

/** The thresholds, checked, with every default filled in. */
export interface Thresholds {
  readonly pool: PoolConfig;
  readonly worker: WorkerConfig;
}

/** Throws one error that lists every problem with the options of the constructor. */
export function checkOptions(given: unknown): void {
  if (typeof given !== 'object' || given === null) {
    throw optionError(['new PreforkTcpServer({...}) needs an object of options, at least { ClientInput }.'], 'constructor');
  }
  const options = given as Readonly<Record<string, unknown>>;
  const problems = checkEach(options, CHECKS);
  problems.push(...acceptorProblems(options), ...filterProblems(options), ...eventProblems(options));
  // Contradictions between what is well formed are told at the same time as what is not.
  const sound = soundOptions(options, CHECKS);
  problems.push(...contradictions(sound), ...sessionProblems(sound));
  if (problems.length > 0) throw optionError(problems, 'constructor');
}

/** Throws one error that lists every problem with what `configure()` was given, merged into the options of before. */
export function checkChange(before: PoolOptions, change: unknown): PoolOptions {
  if (typeof change !== 'object' || change === null) throw optionError(['configure({...}) needs an object of options.'], 'configure');
  const sound = soundOptions(change as Readonly<Record<string, unknown>>, POOL_CHECKS);
  const problems = checkEach(change as Readonly<Record<string, unknown>>, POOL_CHECKS);
  // What is given as undefined goes back to its default.
  const unset = Object.fromEntries(Object.entries(change).filter(([, value]) => value === undefined));
  const merged = { ...before, ...sound, ...unset };
  const after = sound['StartServer'] === undefined ? asRunning(merged) : merged;
  problems.push(...contradictions(after));
  if (problems.length > 0) throw optionError(problems, 'configure');
  return after;
}

/** A pool that runs has started: how many workers it began with is nothing that a change could contradict. */
function asRunning(given: PoolOptions): PoolOptions {
  const { StartServer, MinServer = 0, MaxServer = Infinity } = given;
  return StartServer === undefined ? given : { ...given, StartServer: clamp(StartServer, MinServer, MaxServer) };
}

function optionError(problems: readonly string[], where: 'constructor' | 'configure'): PreforkError {
  const head = where === 'constructor' ? 'The options of PreforkTcpServer cannot be used' : 'configure() changed nothing';
  return new PreforkError('ERR_PREFORK_OPTION', `${head}: ${problems.join(' ')}`);
}

/** Fills in the defaults. Those that follow from given values are fitted to them, so that they never contradict. */
export function resolveThresholds(given: PoolOptions): Thresholds {
  const most = given.MaxServer ?? 20;
  const start = given.StartServer ?? clamp(5, given.MinServer ?? 0, most);
  const least = given.MinServer ?? start;
  // A pool that may shrink to nobody keeps one worker ready, or nobody would serve the first client.
  const minSpare = given.MinSpareServer ?? Math.min(Math.max(least, 1), given.MaxSpareServer ?? most);
  const maxSpare = given.MaxSpareServer ?? Math.max(most - least, minSpare);
  // A heartbeat that was not given has to be shorter than an expiry that was.
  const heartbeat = given.MasterHeartBeatTime ?? Math.min(10, (given.MaxServerExpireTime ?? 50) / 2);
  const expire = given.MaxServerExpireTime ?? 5 * heartbeat;
  const grace = given.GraceExpireTime ?? expire;
  const report = given.ServerHeartBeatTime ?? heartbeat / 2;
  return {
    pool: {
      maxWorkers: most,
      startWorkers: start,
      minWorkers: least,
      minSpare,
      maxSpare,
      heartbeatMs: heartbeat * 1000,
      expireMs: expire * 1000,
      graceMs: grace * 1000,
      maxIdleMs: (given.MaxServerSpareTime ?? 0) * 1000,
      maxLifeMs: (given.MaxServerLifeTime ?? 0) * 1000,
      maxRss: given.MaxServerMemory ?? 0,
      maxPoolClients: given.MaxSession ?? 0,
      // Starting a worker takes a core for about 50 ms; more at once than twice the cores only makes each of them late.
      maxStarting: 2 * availableParallelism(),
      // A start loads the user's whole program: be patient with it, whatever the expiry of a running worker is.
      bootMs: Math.max(30_000, expire * 1000),
    },
    worker: {
      heartbeatMs: report * 1000,
      graceMs: grace === Infinity ? null : grace * 1000,
      maxClients: orUnlimited(given.MaxSessionPerServer ?? 0, 0),
      concurrency: orUnlimited(given.Concurrency ?? -1, -1),
      maxServed: orUnlimited(given.MaxServerLifeTimes ?? 0, 0),
    },
  };
}

const clamp = (value: number, least: number, most: number): number => Math.min(Math.max(value, least), most);
const orUnlimited = (value: number, unlimited: number): number | null => (value === unlimited ? null : value);

/** Finds thresholds with which the pool could not settle. */
function contradictions(given: PoolOptions): string[] {
  const { pool, worker } = resolveThresholds(given);
  const problems: string[] = [];
  const ordered = (low: string, lowValue: number, high: string, highValue: number): void => {
    if (lowValue > highValue) problems.push(`${low} (${lowValue}) must not exceed ${high} (${highValue}); lower the first or raise the second.`);
  };
  if (given.StartServer !== undefined) ordered('MinServer', pool.minWorkers, 'StartServer', pool.startWorkers);
  ordered('StartServer', pool.startWorkers, 'MaxServer', pool.maxWorkers);
  ordered('MinServer', pool.minWorkers, 'MaxServer', pool.maxWorkers);
  ordered('MinSpareServer', pool.minSpare, 'MaxSpareServer', pool.maxSpare);
  ordered('MinSpareServer', pool.minSpare, 'MaxServer', pool.maxWorkers);
  if (pool.minWorkers === 0 && pool.minSpare === 0) {
    problems.push('MinServer (0) and MinSpareServer (0) leave a pool without workers, and nothing would fork the first; make one of them at least 1.');
  }
  const shorter = (name: string, ms: number): void => {
    if (ms >= pool.expireMs) {
      problems.push(`${name} (${ms / 1000} s) must be shorter than MaxServerExpireTime (${pool.expireMs / 1000} s), or healthy workers would be taken for dead.`);
    }
  };
  shorter('MasterHeartBeatTime', pool.heartbeatMs);
  shorter('ServerHeartBeatTime', worker.heartbeatMs);
  return problems;
}

/** Either the whole client side or an Acceptor, as in the original. */
function acceptorProblems(options: Readonly<Record<string, unknown>>): string[] {
  if (options['Acceptor'] === undefined) {
    return options['ClientInput'] === undefined ? ['ClientInput is missing: give a function that takes each record, or an Acceptor.'] : [];
  }
  return Object.keys(options)
    .filter((name) => options[name] !== undefined && (/^(Client|HighMark|LowMark)/.test(name) || /^(Inline|Object|Package)States$/.test(name)))
    .map((name) => `${name} is not used with Acceptor, which replaces the whole client side; leave one of them out.`);
}

/** What the filters and the block list have to say about their own parameters. */
function filterProblems(options: Readonly<Record<string, unknown>>): string[] {
  const problems: string[] = [];
  const attempt = (name: string, make: () => unknown): void => {
    if (options[name] === undefined) return;
    try {
      make();
    } catch (error) {
      problems.push(`${name}: ${(error as Error).message}`);
    }
  };
  for (const name of ['ClientFilter', 'ClientInputFilter', 'ClientOutputFilter']) attempt(name, () => resolveFilter(options[name] as FilterSpec));
  const { BlockList } = options;
  if (Array.isArray(BlockList) && BlockList.every((entry) => typeof entry === 'string')) attempt('BlockList', () => toBlockList(BlockList));
  return problems;
}

/** Events that the session handles itself must not be taken from it: its clients would never be closed. */
function eventProblems(options: Readonly<Record<string, unknown>>): string[] {
  return ['InlineStates', 'ObjectStates', 'PackageStates'].flatMap((name) => eventNames(options[name])
    .filter((event) => RESERVED_EVENTS.has(event))
    .map((event) => `${name} has '${event}', which is an event of the session itself; choose another name.`));
}

function eventNames(states: unknown): string[] {
  if (Array.isArray(states)) return states.flatMap((item, index) => (index % 2 === 0 ? [] : Array.isArray(item) ? item as string[] : eventNames(item)));
  return typeof states === 'object' && states !== null ? Object.keys(states) : [];
}

/** Contradictions between the options of sessions. */
function sessionProblems(options: PreforkTcpServerOptions): string[] {
  const { HighMark: high = DEFAULT_HIGH_MARK, LowMark: low = high / 4, ClientHigh, ClientLow } = options;
  const problems: string[] = [];
  if (low >= high) problems.push(`LowMark (${low}) must be lower than HighMark (${high}).`);
  const marks = [options.HighMark, options.LowMark, ClientHigh, ClientLow].filter((given) => given !== undefined);
  if (marks.length > 0 && marks.length < 4) problems.push('HighMark, LowMark, ClientHigh and ClientLow go together: give all four or none.');
  if ((options.ClientInputFilter === undefined) !== (options.ClientOutputFilter === undefined)) {
    problems.push('ClientInputFilter and ClientOutputFilter go together: give both or use ClientFilter.');
  } else if (options.ClientInputFilter !== undefined && options.ClientFilter !== undefined) {
    problems.push('ClientFilter excludes ClientInputFilter and ClientOutputFilter; give the one or the other two.');
  }
  if (options.Domain === 'unix' && options.Address === undefined) problems.push("Domain 'unix' needs the path of the socket as Address.");
  if (options.Group !== undefined && options.User === undefined) problems.push('Group needs User; give both.');
  return problems;
}

/** 1 MiB: what a client that does not read can make a worker hold. */
export const DEFAULT_HIGH_MARK: number = 1024 * 1024;
