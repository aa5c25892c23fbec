import { toBlockList } from '../options/block-list.js';
import type { ServerContext } from '../callbacks.js';
import type { Clock } from '../clock.js';
import type { AnyFilter } from '../filters/filter.js';
import { LineFilter } from '../filters/line.js';
import { resolveFilter } from '../filters/resolve.js';
import { HANG_FD } from '../ipc/hang-report.js';
import type { AnyCallback, PreforkTcpServerOptions } from '../options/options.js';
import { DEFAULT_HIGH_MARK } from '../options/resolve.js';
import { createAdmission } from '../session/admission.js';
import { Clients, type ClientSettings } from '../session/clients.js';
import { processDescriptors } from './descriptors.js';
import { EventQueue } from '../session/event-queue.js';
import { handleListener } from './listener.js';
import type { MasterChannel } from './master-channel.js';
import { Watchdog } from './watchdog.js';
import { WorkerRuntime } from './runtime.js';
import { addServerAliases } from './server-aliases.js';
import { collectStates } from '../options/states.js';

/** The options as the worker's parts take them: their contexts are typed at the public edge. */
export type WorkerOptions = Readonly<{ [Name in keyof PreforkTcpServerOptions]: PreforkTcpServerOptions[Name] | AnyCallback }>;

/** What a worker is made of. */
export interface WorkerParts {
  readonly options: PreforkTcpServerOptions;
  readonly alias: string;
  readonly masterAlias: string;
  readonly token: string;
  readonly line: MasterChannel;
  readonly clock: Clock;
  /** Whether a thread of its own watches the event loop. */
  readonly watched: boolean;
  readonly exit: (code: number) => void;
}

/** Puts a worker together from the options that its script gave. */
export function createWorker({ options, alias, masterAlias, token, line, clock, watched, exit }: WorkerParts): WorkerRuntime {
  const queue = new EventQueue(clock);
  const context: ServerContext = { pid: process.pid, alias };
  const runtime: WorkerRuntime = new WorkerRuntime({
    line, clock, token, exit,
    createListener: (events, backlog) => handleListener({
      noDelay: isOn(options.NoDelay, true),
      keepAlive: isOn(options.KeepAlive, false),
      backlog,
      // A socket that the user handles before there is a session is an ordinary one.
      direct: options.Acceptor === undefined && options.ClientPreConnect === undefined,
    }, events),
    createClients: (left) => new Clients({
      ...clientSettings(options),
      alias, masterAlias,
      isLocal: () => typeof runtime.address === 'string',
      shared: {
        ...sessionSettings(options),
        clock, queue,
        active: () => { runtime.active(); },
        failed: (error, where) => { runtime.failed(error, where); },
      },
    }, left),
    descriptors: processDescriptors(),
    watchdog: watched ? new Watchdog({ clock, fd: HANG_FD }) : undefined,
    serverStarted: () => options.ServerStarted?.(context),
    serverStopped: () => options.ServerStopped?.(context),
  });
  addServerAliases(queue, runtime, { alias, masterAlias });
  return runtime;
}

const isOn = (flag: boolean | 0 | 1 | undefined, standard: boolean): boolean => (flag === undefined ? standard : flag === true || flag === 1);

/** How long a client may take to get past ClientPreConnect, in seconds. */
const DEFAULT_PRE_CONNECT = 10;

function clientSettings(options: PreforkTcpServerOptions): Omit<ClientSettings, 'shared' | 'alias' | 'masterAlias' | 'isLocal'> {
  const { Acceptor, ClientPreConnect, ClientPreConnectTimeout = DEFAULT_PRE_CONNECT } = options;
  return {
    shutdownOnError: isOn(options.ClientShutdownOnError, true),
    acceptor: Acceptor as AnyCallback | undefined,
    preConnect: ClientPreConnect as AnyCallback | undefined,
    preConnectMs: ClientPreConnectTimeout === 0 ? Infinity : ClientPreConnectTimeout * 1000,
    idleMs: (options.ClientTimeout ?? 0) * 1000,
    admission: createAdmission(toBlockList(options.BlockList), options.MaxSessionPerAddress ?? 0),
  };
}

function sessionSettings(options: PreforkTcpServerOptions): Pick<ClientSettings['shared'], 'callbacks' | 'clientArgs' | 'marks' | 'createFilters'> {
  const high = options.HighMark ?? DEFAULT_HIGH_MARK;
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
    clientArgs: options.ClientArgs ?? [],
    marks: { high, low: options.LowMark ?? Math.floor(high / 4) },
    createFilters: filterFactory(options),
  };
}

/** Both directions of one client share a filter, unless each has its own. */
function filterFactory({ ClientFilter, ClientInputFilter, ClientOutputFilter }: PreforkTcpServerOptions): () => { input: AnyFilter; output: AnyFilter } {
  if (ClientInputFilter !== undefined && ClientOutputFilter !== undefined) {
    const createInput = resolveFilter(ClientInputFilter);
    const createOutput = resolveFilter(ClientOutputFilter);
    return () => ({ input: createInput(), output: createOutput() });
  }
  const standard = new LineFilter();
  const create = ClientFilter === undefined ? () => standard.clone() : resolveFilter(ClientFilter);
  return () => {
    const both = create();
    return { input: both, output: both };
  };
}

function ignore(): void {
  // With an Acceptor no session is ever made.
}
