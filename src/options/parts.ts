import type { BlockList } from 'node:net';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { resolveAdmin, type AdminConfig } from '../admin/admin-options.js';
import type { AnyFilter } from '../filters/filter.js';
import { LineFilter } from '../filters/line.js';
import { resolveFilter, type FilterSpec } from '../filters/resolve.js';
import { resolveAccount, type Account } from './accounts.js';
import type { ClientChange } from '../policy/snapshot.js';
import { blockListEntries, toBlockList } from './block-list.js';
import { DEFAULT_HIGH_MARK, isPath } from './contradictions.js';
import { mainScript } from './main-script.js';
import type { AnyCallback, ChangeableOptions, Logger, PreforkTcpServerOptions } from './options.js';
import { collectStates } from './states.js';

/** Where to listen, and whom to tell how it goes. */
export interface ListenConfig {
  readonly target: ListenName;
  /** A socket that systemd passes, by number or name; undefined = none is wanted. */
  readonly fd: number | string | undefined;
  /** Length of the kernel's queue that is asked for. */
  readonly backlog: number;
  /** ListenerArgs. */
  readonly args: readonly unknown[];
  readonly started: PreforkTcpServerOptions['Started'];
  readonly stopped: PreforkTcpServerOptions['Stopped'];
  readonly failed: PreforkTcpServerOptions['Error'];
}

/** The address as it was given: its names are resolved when it is bound. */
export type ListenName =
  | { readonly kind: 'unix'; readonly path: string; readonly mode: number | undefined }
  | {
    readonly kind: 'tcp';
    /** An address or a host name; undefined = all addresses. */
    readonly host: string | undefined;
    /** undefined = that of the address. */
    readonly family: 4 | 6 | undefined;
    /** A number, or the name of a service. */
    readonly port: number | string;
    readonly ipv6Only: boolean;
  };

/** What runs as workers, and how master and workers stand to each other. */
export interface ProcessConfig {
  readonly alias: string;
  readonly masterAlias: string;
  /** The file that workers run; undefined if this process has none that could be run again. */
  readonly script: string | undefined;
  /** Whether it is a file of its own: this process does not run it. */
  readonly hasOwnScript: boolean;
  /** undefined = those of this process. */
  readonly args: readonly string[] | undefined;
  /** undefined = those of this process. */
  readonly execArgv: readonly string[] | undefined;
  /** undefined = that of this process. */
  readonly env: Readonly<Record<string, string | undefined>> | undefined;
  /** What workers run as; undefined = as the master does. Looked up in the master only. */
  readonly account: Account | undefined;
  /** The folder that workers run in, as it was given; undefined = that of this process at its start. */
  readonly directory: string | undefined;
  readonly handlesSignals: boolean;
  /** Whether systemd is told of the server's state, if it asks to be. */
  readonly notifies: boolean;
  /** Whether workers are killed when the master ends without a drain. */
  readonly endsWorkers: boolean;
  /** Whether a thread in each worker watches its event loop, and after how long it reports that; 0 = fitted to the heartbeats. */
  readonly watch: { readonly hungMs: number } | undefined;
  /** Where the master shows the pool; undefined = nowhere. */
  readonly admin: AdminConfig | undefined;
  readonly logger: Logger | undefined;
  readonly serverStarted: AnyCallback | undefined;
  readonly serverStopped: AnyCallback | undefined;
}

/** The user's callbacks of one client. */
export interface ClientCallbacks {
  readonly connected: AnyCallback | undefined;
  readonly input: AnyCallback;
  readonly disconnected: AnyCallback | undefined;
  readonly error: AnyCallback | undefined;
  readonly flushed: AnyCallback | undefined;
  readonly high: AnyCallback | undefined;
  readonly low: AnyCallback | undefined;
  readonly draining: AnyCallback | undefined;
  readonly states: ReadonlyMap<string, AnyCallback>;
}

/** How clients are served. */
export interface ClientConfig {
  readonly callbacks: ClientCallbacks;
  readonly acceptor: AnyCallback | undefined;
  readonly preConnect: AnyCallback | undefined;
  /** Infinity = for ever. */
  readonly preConnectMs: number;
  /** ClientArgs. */
  readonly clientArgs: readonly unknown[];
  /** Queued bytes. */
  readonly marks: { readonly high: number; readonly low: number };
  /** Makes fresh filters for one client. */
  readonly createFilters: () => { readonly input: AnyFilter; readonly output: AnyFilter };
  readonly shutdownOnError: boolean;
  /** 0 = off. */
  readonly idleMs: number;
  /** In which a callback must settle; Infinity = off. */
  readonly callbackMs: number;
  /** Queued bytes beyond which a client is ended; Infinity = no bound. */
  readonly maxOutput: number;
  /** Makes the user's own fields of a client's heap. */
  readonly createHeap: (() => object) | undefined;
  readonly noDelay: boolean;
  readonly keepAlive: boolean;
  readonly blockList: BlockList | undefined;
  /** Clients of one address at once; 0 = unlimited. */
  readonly mostPerAddress: number;
}

export function listenConfig(options: PreforkTcpServerOptions): ListenConfig {
  const { Backlog = DEFAULT_BACKLOG, ListenerArgs = [], Started, Stopped, Error: failed } = options;
  return { target: listenName(options), fd: options.Fd, backlog: Backlog, args: ListenerArgs, started: Started, stopped: Stopped, failed };
}

/** libuv's default, too. */
const DEFAULT_BACKLOG = 511;

function listenName({ Address, Hostname, Port = 0, Domain, SocketMode, Ipv6Only }: PreforkTcpServerOptions): ListenName {
  if (Domain === 'unix' || (Domain === undefined && isPath(Address))) return { kind: 'unix', path: Address ?? '', mode: SocketMode };
  return {
    kind: 'tcp',
    host: Address ?? Hostname,
    family: Domain === undefined ? undefined : Domain === 'inet6' ? 6 : 4,
    port: typeof Port === 'string' && /^\d+$/.test(Port) ? Number(Port) : Port,
    ipv6Only: isOn(Ipv6Only),
  };
}

/** @param problems - gets what is wrong with User and Group; only a master asks for them */
export function processConfig(options: PreforkTcpServerOptions, isMaster: boolean, problems: string[]): ProcessConfig {
  const { Script } = options;
  return {
    alias: options.Alias ?? DEFAULT_ALIAS,
    masterAlias: options.MasterAlias ?? 'prefork_master',
    // Absolute from now on: the program may change its folder before the next worker starts.
    script: Script === undefined ? mainScript() : scriptPath(Script),
    hasOwnScript: Script !== undefined,
    args: options.ScriptArgs,
    execArgv: options.ExecArgv,
    env: options.Env,
    account: isMaster ? resolveAccount(options, problems) : undefined,
    directory: options.Directory,
    notifies: isOn(options.Notify, true),
    handlesSignals: isOn(options.HandleSignals, true),
    endsWorkers: isOn(options.ShutdownChildren),
    watch: watchOf(options.HangReport),
    admin: options.Admin === undefined ? undefined : resolveAdmin(options.Admin),
    logger: options.Logger,
    serverStarted: options.ServerStarted as AnyCallback | undefined,
    serverStopped: options.ServerStopped as AnyCallback | undefined,
  };
}

const scriptPath = (script: string | URL): string => (
  script instanceof URL || script.startsWith('file:') ? fileURLToPath(script) : resolve(script)
);

export const DEFAULT_ALIAS = 'prefork_server';

/** @param problems - gets what is wrong with the filters and the block list */
export function clientConfig(options: PreforkTcpServerOptions, problems: string[]): ClientConfig {
  const { HighMark: high = DEFAULT_HIGH_MARK, LowMark: low = Math.floor(high / 4), ClientPreConnectTimeout: preConnect = 10 } = options;
  return {
    callbacks: {
      connected: options.ClientConnected as AnyCallback | undefined,
      input: (options.ClientInput ?? ignore) as AnyCallback,
      disconnected: options.ClientDisconnected as AnyCallback | undefined,
      error: options.ClientError as AnyCallback | undefined,
      flushed: options.ClientFlushed as AnyCallback | undefined,
      high: options.ClientHigh as AnyCallback | undefined,
      low: options.ClientLow as AnyCallback | undefined,
      draining: options.ClientDraining as AnyCallback | undefined,
      states: collectStates(options),
    },
    acceptor: options.Acceptor as AnyCallback | undefined,
    preConnect: options.ClientPreConnect as AnyCallback | undefined,
    preConnectMs: preConnect === 0 ? Infinity : preConnect * 1000,
    clientArgs: options.ClientArgs ?? [],
    marks: { high, low },
    createFilters: filterFactory(options, problems),
    shutdownOnError: isOn(options.ClientShutdownOnError, true),
    idleMs: (options.ClientTimeout ?? 0) * 1000,
    callbackMs: orInfinity(options.ClientCallbackTimeout ?? 0) * 1000,
    maxOutput: orInfinity(options.MaxOutput ?? DEFAULT_MAX_OUTPUT),
    createHeap: options.Heap,
    noDelay: isOn(options.NoDelay, true),
    keepAlive: isOn(options.KeepAlive),
    blockList: toBlockList(options.BlockList, problems),
    mostPerAddress: options.MaxSessionPerAddress ?? 0,
  };
}

/** 16 MiB: far above HighMark, where `put` asks to stop, and small beside the memory of a process. */
const DEFAULT_MAX_OUTPUT = 16 * 1024 * 1024;

/** The worker's own options with what `configure()` has changed since. */
export function withChange(own: ClientConfig, { callbackMs, maxOutput, blockList }: ClientChange = {}): ClientConfig {
  return {
    ...own,
    ...(callbackMs === undefined ? {} : { callbackMs: callbackMs ?? Infinity }),
    ...(maxOutput === undefined ? {} : { maxOutput: maxOutput ?? Infinity }),
    ...(blockList === undefined ? {} : { blockList: toBlockList(blockList, []) }),
  };
}

/** @param problems - gets the entries of a block list that are none; undefined = as the workers' own options say */
export function clientChange(before: ClientChange | undefined, change: ChangeableOptions, problems: string[]): ClientChange | undefined {
  const { callbackMs, maxOutput, blockList } = before ?? {};
  const { ClientCallbackTimeout: timeout, MaxOutput: output, BlockList: list } = change;
  const isSendable = list === undefined || Array.isArray(list) || Array.isArray((list as Partial<BlockList>).rules);
  if (isSendable) toBlockList(list, problems);
  else problems.push('BlockList is an object of your own, which cannot be sent to workers; give a net.BlockList or an array.');
  const isGiven = (name: keyof ChangeableOptions): boolean => Object.hasOwn(change, name);
  const after: ClientChange = {
    callbackMs: isGiven('ClientCallbackTimeout') ? timeout === undefined ? undefined : orNull(timeout * 1000) : callbackMs,
    maxOutput: isGiven('MaxOutput') ? output === undefined ? undefined : orNull(output) : maxOutput,
    blockList: isGiven('BlockList') ? isSendable && list !== undefined ? blockListEntries(list) : undefined : blockList,
  };
  return Object.values(after).every((value) => value === undefined) ? undefined : after;
}

const orInfinity = (value: number): number => (value === 0 ? Infinity : value);
const orNull = (value: number): number | null => (value === 0 ? null : value);

/** Both directions of one client share a filter, unless each has its own. */
function filterFactory(options: PreforkTcpServerOptions, problems: string[]): ClientConfig['createFilters'] {
  const make = (name: 'ClientFilter' | 'ClientInputFilter' | 'ClientOutputFilter'): (() => AnyFilter) => {
    const standard = new LineFilter();
    const given: FilterSpec | undefined = options[name];
    if (given === undefined) return () => standard.clone();
    try {
      return resolveFilter(given);
    } catch (error) {
      problems.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
      return () => standard.clone();
    }
  };
  const createBoth = make('ClientFilter');
  const createInput = make('ClientInputFilter');
  const createOutput = make('ClientOutputFilter');
  if (options.ClientInputFilter !== undefined) return () => ({ input: createInput(), output: createOutput() });
  return () => {
    const both = createBoth();
    return { input: both, output: both };
  };
}

const watchOf = (given: boolean | number = false): ProcessConfig['watch'] => (
  given === false || given === 0 ? undefined : { hungMs: given === true ? 0 : given * 1000 }
);

/** A switch of the original's form or ours. */
const isOn = (flag: boolean | 0 | 1 | undefined, standard = false): boolean => (flag === undefined ? standard : flag === true || flag === 1);

function ignore(): void {
  // With an Acceptor no session is ever made.
}
