/** Tells what is wrong with a value, as the end of a sentence ("must be …"), or undefined if nothing is. */
export type Check = (value: unknown) => string | undefined;

const expect = (holds: (value: unknown) => boolean, expected: string): Check =>
  (value) => (holds(value) ? undefined : `must be ${expected}`);

const isNumber = (value: unknown): value is number => typeof value === 'number' && !Number.isNaN(value);

const count = (least: number): Check => expect(
  (value) => Number.isSafeInteger(value) && (value as number) >= least,
  `a whole number of at least ${least}`,
);
const secondsOrOff: Check = expect((value) => isNumber(value) && value >= 0 && value < Infinity, 'a number of seconds, 0 = off');
const interval: Check = expect((value) => isNumber(value) && value > 0 && value < Infinity, 'a number of seconds above 0');
const expiry: Check = expect((value) => isNumber(value) && value > 0, 'a number of seconds above 0, or Infinity for never');
const grace: Check = expect((value) => isNumber(value) && value >= 0, 'a number of seconds, 0 = at once, Infinity = for ever');
const isObject = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null && !Array.isArray(value);
const isTexts = (value: unknown): boolean => Array.isArray(value) && value.every((item) => typeof item === 'string');
const flag: Check = expect((value) => typeof value === 'boolean' || value === 0 || value === 1, 'true or false');
const text: Check = expect((value) => typeof value === 'string' && value !== '', 'a text that is not empty');
const callback: Check = expect((value) => typeof value === 'function', 'a function');
const list: Check = expect((value) => Array.isArray(value), 'an array');
const texts: Check = expect(isTexts, 'an array of strings');
const port: Check = expect(
  (value) => (Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 65_535)
    || (typeof value === 'string' && /^[a-z][a-z0-9-]*$/i.test(value)),
  "a port number from 0 to 65535 or the name of a service, such as 'smtp'",
);
const oneOf = (...names: readonly string[]): Check => expect(
  (value) => typeof value === 'string' && names.includes(value),
  names.map((name) => `'${name}'`).join(' or '),
);
const mode: Check = expect(
  (value) => Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 0o777,
  'file permissions from 0 to 0o777',
);
const functions: Check = expect(
  (value) => isObject(value) && Object.values(value).every((item) => typeof item === 'function'),
  'an object of functions',
);
const pairs: Check = expect(
  (value) => Array.isArray(value) && value.length % 2 === 0
    && value.every((item, index) => (index % 2 === 0 ? (typeof item === 'object' && item !== null) || typeof item === 'function'
      : isObject(item) || isTexts(item))),
  'an array of pairs: an object, then its events as an array of method names or as { event: method name }',
);
const account: Check = expect(
  (value) => (typeof value === 'string' && value !== '') || (Number.isSafeInteger(value) && (value as number) >= 0),
  'a name or a numeric id',
);
const blocked: Check = expect(
  (value) => isTexts(value) || (isObject(value) && typeof value['check'] === 'function'),
  'a net.BlockList or an array of addresses and CIDR ranges',
);
const pointless: Check = () => 'has no meaning outside POE; leave it out: sessions are objects of this library';
const script: Check = expect(
  (value) => (typeof value === 'string' && value !== '') || (value instanceof URL && value.protocol === 'file:'),
  'a file path or a file: URL',
);
const environment: Check = expect(
  (value) => isObject(value) && Object.values(value).every((item) => item === undefined || typeof item === 'string'),
  'an object of strings',
);
// What it may be is checked by the filters, which know their names and parameters.
const filter: Check = () => undefined;

/** The thresholds that `configure()` takes too. */
export const POOL_CHECKS: Readonly<Record<string, Check>> = {
  MaxServer: count(1),
  StartServer: count(0),
  MinServer: count(0),
  MinSpareServer: count(0),
  MaxSpareServer: count(0),
  MasterHeartBeatTime: interval,
  ServerHeartBeatTime: interval,
  MaxSessionPerServer: count(0),
  MaxServerExpireTime: expiry,
  GraceExpireTime: grace,
  MaxServerSpareTime: secondsOrOff,
  MaxServerLifeTime: secondsOrOff,
  MaxServerLifeTimes: count(0),
  MaxSession: count(0),
  MaxServerMemory: count(0),
  Concurrency: count(-1),
};

/** Every option and what it may be. */
export const CHECKS: Readonly<Record<string, Check>> = {
  ...POOL_CHECKS,
  Address: text,
  Hostname: text,
  Port: port,
  Domain: oneOf('inet', 'inet6', 'unix'),
  SocketMode: mode,
  Ipv6Only: flag,
  Backlog: count(1),
  Alias: text,
  MasterAlias: text,
  ShutdownChildren: flag,
  Script: script,
  ScriptArgs: texts,
  ExecArgv: texts,
  Env: environment,
  HandleSignals: flag,
  HangReport: flag,
  User: account,
  Group: account,
  ListenerArgs: list,
  ClientFilter: filter,
  ClientInputFilter: filter,
  ClientOutputFilter: filter,
  ClientArgs: list,
  ClientTimeout: secondsOrOff,
  ClientPreConnectTimeout: secondsOrOff,
  NoDelay: flag,
  KeepAlive: flag,
  MaxSessionPerAddress: count(0),
  BlockList: blocked,
  HighMark: count(1),
  LowMark: count(0),
  ClientShutdownOnError: flag,
  ServerStarted: callback,
  ServerStopped: callback,
  Error: callback,
  Started: callback,
  Stopped: callback,
  Acceptor: callback,
  ClientPreConnect: callback,
  ClientConnected: callback,
  ClientInput: callback,
  ClientDisconnected: callback,
  ClientError: callback,
  ClientFlushed: callback,
  ClientHigh: callback,
  ClientLow: callback,
  ClientDraining: callback,
  InlineStates: functions,
  ObjectStates: pairs,
  PackageStates: pairs,
  SessionType: pointless,
  SessionParams: pointless,
};

/** Events that the original's sessions use themselves; nobody may handle them in their place. */
export const RESERVED_EVENTS: ReadonlySet<string> = new Set([
  '_child', '_start', '_stop', 'shutdown',
  ...['error', 'flush', 'high', 'input', 'low'].map((name) => `tcp_server_got_${name}`),
]);

/** Lists what is wrong with single options: unknown names, with the nearest known one, and wrong types or ranges. */
export function checkEach(given: Readonly<Record<string, unknown>>, checks: Readonly<Record<string, Check>>): string[] {
  const problems: string[] = [];
  for (const [name, value] of Object.entries(given)) {
    const check = Object.hasOwn(checks, name) ? checks[name] : undefined;
    if (check === undefined) problems.push(unknownOption(name, Object.keys(checks)));
    else if (value !== undefined) {
      const problem = check(value);
      if (problem !== undefined) problems.push(`${name} ${problem}${check === pointless ? '' : `, not ${show(value)}`}.`);
    }
  }
  return problems;
}

/** The options that nothing is wrong with, each for itself. */
export function soundOptions(given: Readonly<Record<string, unknown>>, checks: Readonly<Record<string, Check>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(given).filter(([name, value]) => (
    Object.hasOwn(checks, name) && value !== undefined && checks[name]?.(value) === undefined
  )));
}

function unknownOption(name: string, known: readonly string[]): string {
  const nearest = nearestName(name, known);
  return `${name} is not an option${nearest === undefined ? '.' : `; did you mean ${nearest}?`}`;
}

/** Shows a value in a message, on one line and not too long. */
export function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}...` : value);
  if (typeof value === 'function') return value.name === '' ? 'a function' : `the function ${value.name}`;
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value === 'object' && value !== null) return 'an object';
  if (typeof value === 'bigint') return `${value}n`;
  return String(value);
}

/** Finds the known name that a misspelt one most likely meant: at most a third of its letters are wrong. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  let best: string | undefined;
  let least = Math.floor(name.length / 3) + 1;
  for (const candidate of known) {
    if (Math.abs(candidate.length - name.length) >= least) continue;
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (distance < least) [best, least] = [candidate, distance];
  }
  return best;
}

/** Letters to insert, delete or replace (Levenshtein). */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let line = 1; line <= from.length; line++) {
    const next = [line];
    for (let column = 1; column <= to.length; column++) {
      const replaced = (row[column - 1] ?? 0) + (from[line - 1] === to[column - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[column] ?? 0) + 1, (next[column - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
