import { callback, count, expect, flag, isNumber, isPort, isObject, isReadable, isRecord, isTexts, list, oneOf, text, type Check, type Synonyms } from '../checks.js';
import { pathOf } from './place.js';
import { tlsOption } from './tls-checks.js';

const secondsOrOff: Check = expect((value) => isNumber(value) && value >= 0 && value < Infinity, 'a number of seconds, 0 = off');
const limit: Check = expect((value) => Number.isSafeInteger(value) && (value as number) >= 0, 'a whole number of at least 0, 0 = no limit');
const interval: Check = expect((value) => isNumber(value) && value > 0 && value < Infinity, 'a number of seconds above 0');
const expiry: Check = expect((value) => isNumber(value) && value > 0, 'a number of seconds above 0, or Infinity for never');
/** Node itself takes more: with a lower limit every worker would be replaced at once, again and again. */
const LEAST_MEMORY = 16 * 1024 * 1024;
const memory: Check = expect(
  (value) => value === 0 || (Number.isSafeInteger(value) && (value as number) >= LEAST_MEMORY),
  'a number of bytes of at least 16 MiB, such as 500e6, or 0 = off',
);
const grace: Check = expect((value) => isNumber(value) && value >= 0, 'a number of seconds, 0 = at once, Infinity = without a limit');
const port: Check = expect(
  (value) => isPort(value) || (typeof value === 'string' && /^[a-z][a-z0-9-]*$/i.test(value)),
  "a port number from 0 to 65535 or the name of a service, such as 'smtp'",
);
const descriptor: Check = expect(
  (value) => (Number.isInteger(value) && (value as number) >= 3) || (typeof value === 'string' && value !== ''),
  'a descriptor that systemd passes, from 3, or its FileDescriptorName',
);
const mode: Check = expect(
  (value) => Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 0o777,
  'file permissions from 0 to 0o777',
);
const functions: Check = (value) => {
  if (!isRecord(value)) return 'must be an object of functions (methods of a class go into ObjectStates)';
  for (const [event, item] of Object.entries(value)) {
    if (typeof item !== 'function') return 'must be an object of functions';
    const problem = callback(item);
    if (problem !== undefined) return `has '${event}', which ${problem}`;
  }
  return undefined;
};
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
const signals: Check = expect(
  (value) => flag(value) === undefined || (isObject(value) && 'upgrade' in value && Object.entries(value).every(([name, signal]) => name === 'upgrade' && (signal === undefined || signal === 'SIGUSR2'))),
  "true, false, 1, 0 or { upgrade: 'SIGUSR2' }",
);
const hangReport: Check = expect((value) => typeof value === 'boolean' || (isNumber(value) && value >= 0 && value < Infinity), 'true, false, or a number of seconds');
const blocked: Check = expect(
  (value) => isTexts(value) || (isObject(value) && typeof value['check'] === 'function'),
  'a net.BlockList or an array of addresses and CIDR ranges',
);
const pointless: Check = () => 'has no meaning outside POE; leave it out: sessions are objects of this library';
// For the system a text ends at a NUL: Node refuses such a text when it starts a worker, or the rest is silently cut off.
const hasNul = (given: string): boolean => given.includes('\0');
const script: Check = expect(
  (value) => !hasNul(pathOf(value) ?? '\0'),
  'a file path or a file: URL',
);
const argv: Check = expect((value) => isTexts(value) && !(value as readonly string[]).some(hasNul), 'an array of strings without NUL characters');
const environment: Check = expect(
  (value) => isRecord(value) && Object.entries(value).every(([name, item]) => item === undefined || (typeof item === 'string' && !hasNul(name + item))),
  'an object of strings without NUL characters',
);
// A name in Linux's abstract namespace begins with NUL, and may contain more.
const address: Check = expect((value) => text(value) === undefined && (!hasNul(value as string) || (value as string).startsWith('\0')), 'a text that is not empty and has no NUL characters');
const logger: Check = expect(
  (value) => isObject(value) && ['info', 'warn', 'error'].every((method) => typeof value[method] === 'function'),
  'an object with the methods info, warn and error, such as console or a pino logger',
);
// Filters check this themselves, since they know their names and parameters.
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
  MaxSessionPerServer: limit,
  MaxServerExpireTime: expiry,
  GraceExpireTime: grace,
  MaxServerSpareTime: secondsOrOff,
  MaxServerLifeTime: secondsOrOff,
  MaxServerLifeTimes: limit,
  MaxSession: limit,
  MaxServerMemory: memory,
  Concurrency: count(-1),
  ReloadSettleTime: secondsOrOff,
  ShutdownDelay: secondsOrOff,
};

/** Everything that `configure()` takes. */
export const CHANGEABLE_CHECKS: Readonly<Record<string, Check>> = {
  ...POOL_CHECKS,
  ClientCallbackTimeout: secondsOrOff,
  MaxOutput: limit,
  BlockList: blocked,
  Tls: tlsOption,
};

/** Every option and what it may be. */
export const CHECKS: Readonly<Record<string, Check>> = {
  ...CHANGEABLE_CHECKS,
  Fd: descriptor,
  Notify: flag,
  Address: address,
  Hostname: address,
  Port: port,
  Domain: oneOf('inet', 'inet6', 'unix'),
  SocketMode: mode,
  Ipv6Only: flag,
  Backlog: count(1),
  Alias: text,
  MasterAlias: text,
  ShutdownChildren: flag,
  Script: script,
  Directory: script,
  ScriptArgs: argv,
  ExecArgv: argv,
  Env: environment,
  HandleSignals: signals,
  HangReport: hangReport,
  Admin: expect(isReadable, 'an object such as { Port: 9100 }'),
  Logger: logger,
  Proxy: expect(isReadable, "an object such as { From: ['10.0.0.0/8'] }"),
  User: account,
  Group: account,
  ListenerArgs: list,
  Heap: callback,
  ClientFilter: filter,
  ClientInputFilter: filter,
  ClientOutputFilter: filter,
  ClientArgs: list,
  ClientTimeout: secondsOrOff,
  ClientPreConnectTimeout: secondsOrOff,
  NoDelay: flag,
  KeepAlive: flag,
  MaxSessionPerAddress: limit,
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

/** Events that the original's sessions use themselves; users' handlers may not replace them. */
export const RESERVED_EVENTS: ReadonlySet<string> = new Set([
  '_child', '_start', '_stop', 'shutdown',
  ...['error', 'flush', 'high', 'input', 'low'].map((name) => `tcp_server_got_${name}`),
]);

/** Names that others use for an option, in lower case and without underscores: net.Server, node:cluster, and process managers. */
export const SYNONYMS: Synonyms = {
  host: 'Address', hostname: 'Hostname', path: 'Address (a path)', socket: 'Address (a path)', bind: 'Address', listen: 'Address and Port',
  readableall: 'SocketMode', writableall: 'SocketMode', exclusive: 'Alias', family: 'Domain',
  pauseonconnect: 'ClientPreConnect', proxyprotocol: 'Proxy', trustproxy: 'Proxy', acceptproxy: 'Proxy', highwatermark: 'HighMark', timeout: 'ClientTimeout', maxconnections: 'MaxSessionPerServer',
  workers: 'MaxServer', instances: 'MaxServer', maxworkers: 'MaxServer', minworkers: 'MinServer', maxmemoryrestart: 'MaxServerMemory', maxrequests: 'MaxServerLifeTimes',
  exec: 'Script', args: 'ScriptArgs', uid: 'User', gid: 'Group', name: 'Alias', filter: 'ClientFilter',
  gracefultimeout: 'GraceExpireTime', shutdowntimeout: 'GraceExpireTime', idletimeout: 'ClientTimeout', maxclients: 'MaxSession',
  key: 'Tls: { key, cert }', cert: 'Tls: { key, cert }', ca: 'Tls: { ca }', ssl: 'Tls', log: 'Logger', metrics: 'Admin', health: 'Admin', adminport: 'Admin: { Port }',
  onconnect: 'ClientConnected', onconnection: 'ClientConnected', connection: 'ClientConnected', onerror: 'ClientError',
  ondata: 'ClientInput', data: 'ClientInput', onmessage: 'ClientInput', online: 'ClientInput', input: 'ClientInput', handler: 'ClientInput', clientdata: 'ClientInput',
  onclose: 'ClientDisconnected', onend: 'ClientDisconnected', ondisconnect: 'ClientDisconnected', clientclose: 'ClientDisconnected', clientclosed: 'ClientDisconnected', clientend: 'ClientDisconnected',
};
