import type { AdminOptions } from '../admin/admin-options.js';
import type { AnyFilter } from '../filters/filter.js';
import type { FilterName, FilterSpec } from '../filters/resolve.js';
import type { LineFilter } from '../filters/line.js';
import type { BlockList } from 'node:net';
import type { TlsOptions } from './tls-options.js';
import type {
  AcceptorContext, ClientErrorContext, ConnectedContext, DisconnectedContext, DrainingContext, InputContext, ListenErrorContext,
  PreConnectContext, PreConnectResult, RecordOf, ServerContext, StartedContext, WheelContext,
} from '../callbacks.js';
import type { CallbackResult, Context, StateHandler, StatePairs } from '../kernel.js';
import type { ProxyOptions } from './proxy.js';

/** Thresholds and limits of the pool; `configure()` takes them at any time, as a part of ChangeableOptions. Times are seconds. */
export interface PoolOptions {
  /**
   * The most living workers. Not counted are those that drain, and those past their life or memory limit while their
   * successors start (a quarter at a time); all processes together are at most twice as many. Default 20.
   */
  MaxServer?: number | undefined;
  /**
   * Workers forked once the socket is bound: at first twice as many as there are cores, and one more whenever one has loaded
   * its program. Default MinServer, or else 5, within MaxServer.
   */
  StartServer?: number | undefined;
  /** The fewest living workers: if there are fewer, more are forked. Default StartServer. */
  MinServer?: number | undefined;
  /**
   * The fewest workers without a client; a starting worker counts. If there are fewer, more are forked at once, at most
   * twice as many at a time as the machine has cores. While no worker is free, as many more are forked as the clients in the
   * kernel's queue need, given MaxSessionPerServer, Concurrency or MaxServerLifeTimes (where the queue's length is unknown,
   * as for Unix sockets and outside Linux: as many as are busy, within MaxSpareServer). Default MinServer, adjusted to the
   * other options. 0 = the pool does not grow.
   */
  MinSpareServer?: number | undefined;
  /**
   * The most workers without a client. If there have been more for a whole heartbeat, the oldest idle one is drained, then one
   * every quarter of a heartbeat; never a busy one. Default MaxServer - MinServer, at least MinSpareServer.
   */
  MaxSpareServer?: number | undefined;
  /** Seconds between two checks of the pool by the master, which are only a fallback: it reacts to events as they happen. Default 10. */
  MasterHeartBeatTime?: number | undefined;
  /** Seconds between two reports of an idle worker; at most half of MaxServerExpireTime. Default half of MasterHeartBeatTime. */
  ServerHeartBeatTime?: number | undefined;
  /** Clients that a worker serves at once, exactly. Default 0: unlimited. */
  MaxSessionPerServer?: number | undefined;
  /**
   * Seconds of silence after which a worker is drained and replaced: one whose callback blocks for longer is killed
   * GraceExpireTime later. Default 5 x MasterHeartBeatTime. Infinity = never.
   */
  MaxServerExpireTime?: number | undefined;
  /** Seconds that a draining worker has, fixed when its drain begins; then it is killed. Default MaxServerExpireTime. Infinity = no limit. */
  GraceExpireTime?: number | undefined;
  /**
   * Seconds for which a server that has been asked to shut down goes on serving while its readiness checks fail (`/readyz`; the
   * agent says `drain`, systemd gets STOPPING=1), so that balancers send new clients elsewhere and none is lost. A second signal
   * or `shutdown({ grace })` ends this delay; `shutdown({ grace: 0 })` skips it. Default 0.
   */
  ShutdownDelay?: number | undefined;
  /** Seconds without a client after which a worker is drained, never below MinServer or MinSpareServer. Default 0: off. */
  MaxServerSpareTime?: number | undefined;
  /** Seconds that a worker lives, less a random part of up to a tenth; its successor is ready before it stops accepting. Default 0: off. */
  MaxServerLifeTime?: number | undefined;
  /** Clients that a worker takes in its life, exactly; then it drains. Default 0: off. */
  MaxServerLifeTimes?: number | undefined;
  /** Clients of the whole pool at once, exactly; the rest wait in the kernel's queue. Default 0: unlimited. */
  MaxSession?: number | undefined;
  /** Clients that a worker serves at once; as in Server::TCP, 0 = none and -1 = unlimited. Independent of MaxSessionPerServer: either limit alone makes the worker pause. Default -1. */
  Concurrency?: number | undefined;
  /** Resident memory in bytes from which a worker is drained, once its successor is ready; at least 16 MiB. Checked at each heartbeat. Default 0: off. */
  MaxServerMemory?: number | undefined;
  /** Seconds that the first worker of a new release has to live before `reload()` accepts the release. Default 3. */
  ReloadSettleTime?: number | undefined;
}

/** What `configure()` takes, at any time. Times are seconds; `undefined` goes back to the default. */
export interface ChangeableOptions extends PoolOptions {
  /**
   * Seconds within which a client's callback must settle. One that does not is reported as `worker:error` and its
   * client is ended, since no later callback of that client would ever run. Default 0: off.
   */
  ClientCallbackTimeout?: number | undefined;
  /**
   * Bytes of output that may be queued for one client. Beyond that the client is ended with ClientError ('write', ENOBUFS): it
   * reads too slowly. Default 16 MiB; 0 = no bound. `put` is never refused; from HighMark on it asks you to stop.
   */
  MaxOutput?: number | undefined;
  /** Addresses, CIDR ranges and ranges ('192.0.2.1-192.0.2.9'), or a net.BlockList, whose clients are closed before any callback. */
  BlockList?: BlockList | readonly string[] | undefined;
  /**
   * Every client speaks TLS: what tls.createServer takes, with certificates and keys as they are in their files. The handshake
   * is done, and a client's certificate verified as tls.Server does (`requestCert`, `ca`), before ClientPreConnect,
   * ClientConnected or Acceptor, whose socket is a tls.TLSSocket. A handshake that fails, or takes longer than
   * ClientPreConnectTimeout or `handshakeTimeout`, is reported to ClientError alone. `configure({ Tls: { key, cert } })` renews
   * certificates in the running pool: what it does not name stays as the workers' own script says, and sessions go on.
   */
  Tls?: TlsOptions | undefined;
}

/**
 * Where the master logs what happens: a pino or winston logger, or the global `console`. If a method throws, or returns a
 * promise that rejects, that entry is lost; a process warning (PREFORK_LOGGER) says so once.
 */
export interface Logger {
  /** What is worth knowing: a worker is ready, drains, has gone. */
  info(fields: object, message: string): void;
  /** What should not happen but was handled: a worker crashed, or is blocked. */
  warn(fields: object, message: string): void;
  /** What failed: a callback, a reload, the server. */
  error(fields: object, message: string): void;
  /** Optional: without it, these entries are left out. */
  debug?(fields: object, message: string): void;
}

/** Everything the constructor takes. The names are those of POE::Component::Server::PreforkTCP and ::TCP. */
export interface PreforkTcpServerOptions<Own extends object = object, F extends AnyFilter | FilterName = LineFilter, Given = unknown> extends ChangeableOptions {
  /** Address to bind: IPv4 or IPv6, or the path of a Unix socket (with a slash, or with Domain 'unix'). Default all addresses of the Domain. */
  Address?: string | undefined;
  /** Name to bind, resolved once; used if there is no Address. */
  Hostname?: string | undefined;
  /** Port to bind: a number (also as text), or the name of a TCP service of /etc/services. Default 0: the kernel picks one, see `address()`. */
  Port?: number | string | undefined;
  /** A socket of systemd's to use instead of Address and Port, by number (from 3) or FileDescriptorName, if systemd has passed sockets to this process (LISTEN_PID). */
  Fd?: number | string | undefined;
  /** false: nothing of the server's state is passed to systemd, even if it asks (NOTIFY_SOCKET). Default true: READY, RELOADING, STOPPING, STATUS, and WATCHDOG while a worker is ready or `pause()` is in force, through the program systemd-notify. */
  Notify?: boolean | 0 | 1 | undefined;
  /** Kind of socket. Default 'inet6' if Address is an IPv6 address, 'unix' if it is a path, otherwise 'inet'. */
  Domain?: 'inet' | 'inet6' | 'unix' | undefined;
  /** Permissions of a Unix socket's file. A stale file is replaced, a live one is EADDRINUSE; the master removes its own at shutdown. Default: those that the umask leaves. */
  SocketMode?: number | undefined;
  /** true: an IPv6 socket takes no IPv4 clients. Default false: dual stack. */
  Ipv6Only?: boolean | 0 | 1 | undefined;
  /** Connections that may wait in the kernel's queue, from the moment that the socket is bound until a worker takes them. Default 511, cut by the kernel's somaxconn. */
  Backlog?: number | undefined;
  /** Names the server. Two servers in one script need different names, or must always be constructed in the same order. Default 'prefork_server'. */
  Alias?: string | undefined;
  /** Names the manager for `kernel.post`. Default 'prefork_master'. */
  MasterAlias?: string | undefined;
  /** true: when the master ends without a drain, workers are killed. Default false: they drain on their own. */
  ShutdownChildren?: boolean | 0 | 1 | undefined;

  /** The file that workers run. Default: the main script of this process. */
  Script?: string | URL | undefined;
  /** The folder that workers run in: a path, or `new URL('.', import.meta.url)`. Symbolic links are resolved at the start and at each `reload()`. Default: the working folder at the start, by the path that the shell took to it (PWD). */
  Directory?: string | URL | undefined;
  /** Arguments of Script. Default: those of this process. */
  ScriptArgs?: readonly string[] | undefined;
  /** Node's own arguments for workers. Default: those of this process without inspector ports; loaders such as tsx stay. */
  ExecArgv?: readonly string[] | undefined;
  /** Environment of workers. Default: that of this process. */
  Env?: Readonly<Record<string, string | undefined>> | undefined;
  /**
   * true (default): SIGINT and SIGTERM drain the pool, and then the process ends with code 0; a second one more than half a
   * second later ends it at once. Clients in the kernel's queue are served first, for up to a second. Workers leave Ctrl-C to
   * the master, and also a SIGTERM to the whole process group; a SIGTERM to a single worker drains that one. SIGHUP reloads,
   * or drains if the master's terminal was closed. `{ upgrade: 'SIGUSR2' }`: that signal also calls `upgrade()`.
   */
  HandleSignals?: boolean | 0 | 1 | { readonly upgrade?: 'SIGUSR2' | undefined } | undefined;
  /**
   * A thread in each worker (about 9 MB) watches its event loop: `worker:hung` says where it hangs, and a hung worker ends
   * even if its master is gone. true: reported after the time of two reports of an idle worker, at most 2 s; or the seconds
   * after which a blocked event loop is reported. Default false.
   */
  HangReport?: boolean | number | undefined;
  /** A page to look at, JSON, metrics, health checks and actions over HTTP, served by the master. Default: none. */
  Admin?: AdminOptions | undefined;
  /** Logs the events of the pool, in the master: its methods are called with (object, message); errors are in `object.err`, a worker's pid in `object.worker`. */
  Logger?: Logger | undefined;
  /** The account that workers run as, by name or id, without supplementary groups; the master must be root, and binds first, so ports below 1024 work. Default: that of the master. */
  User?: string | number | undefined;
  /** The group that workers run as, by name or id. Default: that of User. */
  Group?: string | number | undefined;

  /**
   * Makes the fields of your own in each client's `heap`, before its first callback. Their types follow from its result. A
   * field that has a name of the library's (`client`, `remote_ip` …) is overwritten.
   */
  Heap?: (() => Own) | undefined;
  /** Cuts input into records and turns records into bytes. Default LineFilter. */
  ClientFilter?: FilterSpec<F, Given> | undefined;
  /** Cuts input into records; together with ClientOutputFilter, instead of ClientFilter. */
  ClientInputFilter?: FilterSpec<F, Given> | undefined;
  /** Turns records into bytes; together with ClientInputFilter, instead of ClientFilter. */
  ClientOutputFilter?: FilterSpec | undefined;
  /** Passed to Started as `args`. */
  ListenerArgs?: readonly unknown[] | undefined;
  /** Passed to ClientConnected as `args`. */
  ClientArgs?: readonly unknown[] | undefined;
  /** Queued bytes from which a client is no longer read and `put` returns true. Default 1 MiB, or MaxOutput if that is less. */
  HighMark?: number | undefined;
  /** Queued bytes at which the client is read again. Default a quarter of HighMark. */
  LowMark?: number | undefined;
  /** false: an error does not end the session. Default true. */
  ClientShutdownOnError?: boolean | 0 | 1 | undefined;
  /** Seconds within which a client must complete a record or take output; otherwise it gets ClientError ('read', ETIMEDOUT) and is ended. Default 0: off. */
  ClientTimeout?: number | undefined;
  /** Seconds that the handshake of Tls may take for one client, and then ClientPreConnect. Default 10; 0 = no limit. */
  ClientPreConnectTimeout?: number | undefined;
  /** Balancers in front of the server, whose connections begin with a PROXY header. Default: clients connect themselves. */
  Proxy?: ProxyOptions | undefined;
  /** Sends small packets at once (TCP_NODELAY). Default true. */
  NoDelay?: boolean | 0 | 1 | undefined;
  /** Lets the kernel probe idle connections (SO_KEEPALIVE). Default false. */
  KeepAlive?: boolean | 0 | 1 | undefined;
  /** Clients that one address may have in one worker at once; more are closed before any callback. Default 0: off. */
  MaxSessionPerAddress?: number | undefined;

  /** In each worker, before its first client; may be async. A throw is a failed start. */
  ServerStarted?: ((context: ServerContext) => CallbackResult) | undefined;
  /** In each worker, after its last client; may be async. */
  ServerStopped?: ((context: ServerContext) => CallbackResult) | undefined;
  /** In the master, once, when the socket is bound. */
  Started?: ((context: StartedContext) => CallbackResult) | undefined;
  /** In the master, once, when the last worker is gone after a shutdown. */
  Stopped?: (() => CallbackResult) | undefined;
  /** In a worker, for each connection, in place of the whole client side: excludes every Client* option and the states. */
  Acceptor?: ((context: AcceptorContext) => CallbackResult) | undefined;
  /** In a worker, before ClientConnected: returns the (maybe replaced) socket, or undefined or false to reject the client. May be async. */
  ClientPreConnect?: ((context: PreConnectContext<Own>) => PreConnectResult | Promise<PreConnectResult>) | undefined;
  /** In the master, once, when the address cannot be bound. */
  Error?: ((context: ListenErrorContext) => CallbackResult) | undefined;
  /** In a worker, when a client has connected. */
  ClientConnected?: ((context: ConnectedContext<Own>) => CallbackResult) | undefined;
  /** In a worker, once for each record. May be async: this client's next record waits for it, other clients do not; what it throws ends this client and is `worker:error`. Required unless there is an Acceptor, or in a master whose workers run a Script of their own. */
  ClientInput?: ((context: InputContext<Own, RecordOf<F, Given>>) => CallbackResult) | undefined;
  /** In a worker, exactly once for each client that ClientConnected was called for. */
  ClientDisconnected?: ((context: DisconnectedContext<Own>) => CallbackResult) | undefined;
  /** In a worker, when a client's socket, input or callback failed, and at the end of its input. */
  ClientError?: ((context: ClientErrorContext<Own>) => CallbackResult) | undefined;
  /** In a worker, when all output has been handed to the operating system. A client that has closed only its own side gets what this still puts. */
  ClientFlushed?: ((context: WheelContext<Own>) => CallbackResult) | undefined;
  /** In a worker, when the queued output reaches HighMark. Given only together with ClientLow, HighMark and LowMark. */
  ClientHigh?: ((context: WheelContext<Own>) => CallbackResult) | undefined;
  /** In a worker, when the queued output has fallen to LowMark after it was high. */
  ClientLow?: ((context: WheelContext<Own>) => CallbackResult) | undefined;
  /** In a worker that begins to drain, once for each open client. */
  ClientDraining?: ((context: DrainingContext<Own>) => CallbackResult) | undefined;
  /** Handlers of the client session's own events. */
  InlineStates?: Readonly<Record<string, StateHandler<Own>>> | undefined;
  /** Pairs of an object and its events: method names, or { event: method name }. */
  ObjectStates?: StatePairs | undefined;
  /** The same for classes and modules. */
  PackageStates?: StatePairs | undefined;
}

/** A callback whose context the session fills in; the public types above are what users see. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- contexts are typed at the public edge
export type AnyCallback = (context: any) => CallbackResult;
export type { AdminOptions, Context, ProxyOptions, TlsOptions };
export type { CertificateOptions } from './tls-options.js';
