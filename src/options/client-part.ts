import type { BlockList } from 'node:net';
import { isOn } from '../checks.js';
import type { AnyFilter } from '../filters/filter.js';
import { LineFilter } from '../filters/line.js';
import { resolveFilter, type FilterSpec } from '../filters/resolve.js';
import type { ClientChange } from '../policy/snapshot.js';
import { blockListEntries, toBlockList } from './block-list.js';
import { DEFAULT_HIGH_MARK } from './contradictions.js';
import type { AnyCallback, ChangeableOptions, PreforkTcpServerOptions } from './options.js';
import { proxyProblems, resolveProxy, type ProxyConfig, type ProxyOptions } from './proxy.js';
import { collectStates } from './states.js';
import { changeTls, resolveTls, type TlsConfig } from './tls.js';

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
  /** Infinity = no limit. */
  readonly preConnectMs: number;
  /** ClientArgs. */
  readonly clientArgs: readonly unknown[];
  /** Queued bytes. Defaults are not above MaxOutput. */
  readonly marks: { readonly high: number; readonly low: number; readonly isDefault?: boolean };
  /** Makes fresh filters for one client. */
  readonly createFilters: () => { readonly input: AnyFilter; readonly output: AnyFilter };
  readonly shutdownOnError: boolean;
  /** 0 = off. */
  readonly idleMs: number;
  /** Within which a callback must settle; Infinity = off. */
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
  /** undefined: clients connect themselves. */
  readonly proxy: ProxyConfig | undefined;
  readonly tls: TlsConfig | undefined;
}

/** @param problems - gets what is wrong with the filters, the block list and the certificates */
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
    marks: { high, low, isDefault: options.HighMark === undefined },
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
    proxy: proxyOf(options.Proxy),
    tls: resolveTls(options.Tls, problems),
  };
}

/** What is wrong with it is found elsewhere (contradictions.ts). */
const proxyOf = (given: ProxyOptions | undefined): ProxyConfig | undefined => (
  given === undefined || proxyProblems(given, undefined).length > 0 ? undefined : resolveProxy(given)
);

/** 16 MiB: far above HighMark, from which `put` asks to stop, and small compared with the memory of a process. */
const DEFAULT_MAX_OUTPUT = 16 * 1024 * 1024;

/** The worker's own options, with the changes that `configure()` has made since. */
export function withChange(own: ClientConfig, { callbackMs, maxOutput, blockList }: ClientChange = {}): ClientConfig {
  return {
    ...own,
    ...(callbackMs === undefined ? {} : { callbackMs: callbackMs ?? Infinity }),
    ...(maxOutput === undefined ? {} : { maxOutput: maxOutput ?? Infinity }),
    ...(blockList === undefined ? {} : { blockList: toBlockList(blockList, []) }),
  };
}

/**
 * @param own - Tls of the constructor; 'unknown' if the workers run a script of their own
 * @param problems - gets what cannot be sent to workers, or is wrong
 * @returns what workers are sent; undefined = as the workers' own options say
 */
export function clientChange(
  { own, before, change, problems }: { own: TlsConfig | 'unknown' | undefined; before: ClientChange | undefined; change: ChangeableOptions; problems: string[] },
): ClientChange | undefined {
  const { callbackMs, maxOutput, blockList, tls } = before ?? {};
  const { ClientCallbackTimeout: timeout, MaxOutput: output, BlockList: list, Tls } = change;
  const isSendable = list === undefined || Array.isArray(list) || Array.isArray((list as Partial<BlockList>).rules);
  if (isSendable) toBlockList(list, problems);
  else problems.push('BlockList is an object of your own, which cannot be sent to workers; give a net.BlockList or an array.');
  const isGiven = (name: keyof ChangeableOptions): boolean => Object.hasOwn(change, name);
  const after: ClientChange = {
    callbackMs: isGiven('ClientCallbackTimeout') ? timeout === undefined ? undefined : orNull(timeout * 1000) : callbackMs,
    maxOutput: isGiven('MaxOutput') ? output === undefined ? undefined : orNull(output) : maxOutput,
    blockList: isGiven('BlockList') ? isSendable && list !== undefined ? blockListEntries(list) : undefined : blockList,
    tls: isGiven('Tls') ? Tls === undefined ? undefined : changeTls(own, tls, Tls, problems) : tls,
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

function ignore(): void {
  // With an Acceptor no session is ever created.
}
