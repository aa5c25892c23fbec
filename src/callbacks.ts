import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { AnyFilter, Filter } from './filters/filter.js';
import type { ProxyHeader } from './proxy/header.js';
import type { FilterName, FilterNamed } from './filters/resolve.js';

/** What a callback may return. A promise delays the client's next record until it settles. */
export type CallbackResult = unknown;

/** What a filter yields to ClientInput. */
export type RecordOf<F extends AnyFilter | FilterName> = FilterNamed<F> extends Filter<infer In, never> ? In : unknown;

/** Anything that names a session for `kernel.post` and `kernel.call`: its alias, its ID, or itself. */
export type SessionTarget = string | number | SessionReference;

/** One connected client, as callbacks see it. */
export interface SessionReference {
  /** Unique within its worker. */
  readonly ID: number;
}

/**
 * The client's connection: the wheel of the original (POE::Wheel::ReadWrite). Lives in `heap.client` from
 * ClientConnected to ClientDisconnected.
 */
export interface Client {
  /** Unique within its worker; callbacks get it as `wheelId`. */
  readonly ID: number;
  /** The connection itself, for its addresses and settings. Reading or writing it directly bypasses the filters. */
  readonly socket: Socket;
  /**
   * Sends records through the output filter. Never blocks; what the client does not take yet is queued.
   * After the client has gone it sends nothing and is reported as `worker:error` with ERR_PREFORK_ENDED.
   *
   * @returns true if the queue has reached HighMark: stop until ClientLow
   * @throws PreforkError ERR_PREFORK_FILTER if the filter cannot take a record
   */
  put(...records: unknown[]): boolean;
  /** Hands everything queued to the operating system now instead of at the end of the callback. */
  flush(): void;
  /** Replaces both filters. Unread bytes go to the new input filter. */
  set_filter(filter: AnyFilter): void;
  /** Replaces the input filter between two records; the bytes that are not a record yet go to the new one. */
  set_input_filter(filter: AnyFilter): void;
  /** Replaces the output filter for what is put from now on. */
  set_output_filter(filter: AnyFilter): void;
  /** The filter that cuts the input. */
  get_input_filter(): AnyFilter;
  /** The filter that makes the output. */
  get_output_filter(): AnyFilter;
  /** Queued bytes from which `put` returns true, ClientHigh fires and the client is not read any more. */
  set_high_mark(bytes: number): void;
  /** Queued bytes at which reading goes on and ClientLow fires. */
  set_low_mark(bytes: number): void;
  /** Bytes queued and not yet taken by the operating system. */
  get_driver_out_octets(): number;
  /** Chunks queued by `put` and not yet handed to the socket. */
  get_driver_out_messages(): number;
  /** Stops reading from this client until `resume_input`. */
  pause_input(): void;
  /** Reads on after `pause_input`. */
  resume_input(): void;
  /** Discards what the client sends from now on. */
  shutdown_input(): void;
  /** Sends what is queued and then FIN; reading goes on. */
  shutdown_output(): void;
}

/** What the library keeps in a client's heap beside the user's own fields. */
export interface HeapBase {
  /** The connection; undefined before ClientConnected. After ClientDisconnected it is an ended one: a `put` is reported. */
  client: Client;
  /** The client's address as text; `'LOCAL'` for a Unix socket. */
  remote_ip: string;
  /** The client's port; undefined for a Unix socket. */
  remote_port: number | undefined;
  /** Address and port as one text, `127.0.0.1:4711` or `[::1]:4711`. */
  remote_addr: string;
  /** With the option Proxy: what the balancer said of this client. The three fields above are its source, if it names one. */
  proxy: ProxyHeader | undefined;
  /** True once this session is shutting down. */
  shutdown: boolean;
  /** Whether an error ends the session (ClientShutdownOnError). */
  shutdown_on_error: boolean;
  /** True once the session had an error. */
  got_an_error: boolean;
  /** The server's Alias: post `set_concurrency` and `disconnected` to it. */
  alias: string;
  /** The MasterAlias: post `shutdown`, `pause`, `resume` and `shutdown_all` to it. */
  master_alias: string;
}

/** A client's heap: the user's fields and the library's. */
export type Heap<Own> = Own & HeapBase;

/** The identifier of a timer. */
export type AlarmId = number;

/** The calls of POE::Kernel that handlers use, bound to one session. Times are in seconds; `alarm*` take epoch seconds. */
export interface Kernel {
  /** Queues an event to this session; `'shutdown'` ends it after its output is flushed. */
  yield(event: string, ...args: unknown[]): void;
  /** Queues an event to another session, to `heap.alias` or to `heap.master_alias`. @returns false if there is no such target */
  post(target: SessionTarget, event: string, ...args: unknown[]): boolean;
  /** Runs an event at once. @returns what its handler returns; undefined if there is no such target or handler */
  call(target: SessionTarget, event: string, ...args: unknown[]): unknown;
  /** (Re)starts the timer of that event name; without seconds it is cancelled. */
  delay(event: string, seconds?: number, ...args: unknown[]): void;
  /** Starts one more timer for that event name. */
  delay_add(event: string, seconds: number, ...args: unknown[]): void;
  /** Starts a timer. @returns its identifier */
  delay_set(event: string, seconds: number, ...args: unknown[]): AlarmId;
  /** Restarts a timer with another delay. @returns false if it is gone */
  delay_adjust(id: AlarmId, seconds: number): boolean;
  /** As `delay`, at a time in seconds since 1970. */
  alarm(event: string, epochSeconds?: number, ...args: unknown[]): void;
  /** As `delay_add`, at a time. */
  alarm_add(event: string, epochSeconds: number, ...args: unknown[]): void;
  /** As `delay_set`, at a time. */
  alarm_set(event: string, epochSeconds: number, ...args: unknown[]): AlarmId;
  /** Moves a timer by seconds, earlier if negative. @returns false if it is gone */
  alarm_adjust(id: AlarmId, deltaSeconds: number): boolean;
  /** Forgets a timer. @returns false if it was gone */
  alarm_remove(id: AlarmId): boolean;
  /** Forgets every timer of this session. */
  alarm_remove_all(): void;
  /** Adds or replaces the handler of an event of this session; without a function, removes it. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- the handler names the heap it expects
  state(event: string, handler?: (context: StateContext<any>) => CallbackResult): void;
  /** Names this session within its worker. @returns false if another session has the name */
  alias_set(name: string): boolean;
  /** Removes a name of this session. @returns false if it is not this session's */
  alias_remove(name: string): boolean;
  /** Finds a session of this worker by name. */
  alias_resolve(name: string): SessionReference | undefined;
  /** This session. */
  get_active_session(): SessionReference;
}

/** What every callback of a client gets. */
export interface Context<Own> {
  /** The client's heap: the user's own fields and the library's. */
  readonly heap: Heap<Own>;
  /** Events and timers of this session. */
  readonly kernel: Kernel;
  /** The session of this client. */
  readonly session: SessionReference;
}

/** What ClientConnected gets. */
export interface ConnectedContext<Own> extends Context<Own> {
  /** ClientArgs. */
  readonly args: readonly unknown[];
}

/** What ClientInput gets. */
export interface InputContext<Own, Input> extends Context<Own> {
  /** One record of the input filter. */
  readonly input: Input;
  /** `heap.client.ID`. */
  readonly wheelId: number;
}

/** What ClientDisconnected gets. */
export interface DisconnectedContext<Own> extends Context<Own> {
  /** Present when the session ended in an orderly way, after its output was flushed. */
  readonly wheelId?: number | undefined;
}

/** Where a session failed: the socket ('read', 'write'), the input filter, or a callback. */
export type ClientOperation = 'read' | 'write' | 'input' | 'callback';

/** What ClientError gets. */
export interface ClientErrorContext<Own> extends Context<Own> {
  /** Where it failed. */
  readonly operation: ClientOperation;
  /** The system's error number; 0 for the end of input ('read') and where there is none ('input', 'callback'). */
  readonly errno: number;
  /** What went wrong, in words; empty for the end of input. */
  readonly errstr: string;
  /** The error itself; undefined for the end of input. */
  readonly error?: Error | undefined;
  /** `heap.client.ID`. */
  readonly wheelId: number;
}

/** What ClientFlushed, ClientHigh and ClientLow get. */
export interface WheelContext<Own> extends Context<Own> {
  /** `heap.client.ID`. */
  readonly wheelId: number;
}

/** What a handler of a session's own event gets. */
export interface StateContext<Own> extends Context<Own> {
  /** What the event was sent with. */
  readonly args: readonly unknown[];
  /** The event's name. */
  readonly state: string;
  /** The session that sent it. */
  readonly sender: SessionReference;
}

/** What ClientPreConnect gets. The client has no `heap.client` yet. */
export interface PreConnectContext<Own> extends Context<Own> {
  /** The connection as it was accepted. */
  readonly socket: Socket;
  /** ClientArgs. */
  readonly args: readonly unknown[];
}

/** A socket to go on with (the same, or a TLS socket around it), or undefined, null or false to reject the client. */
export type PreConnectResult = Duplex | undefined | null | false;

/** What ClientDraining gets. */
export interface DrainingContext<Own> extends Context<Own> {
  /** Seconds until the worker ends at the latest; Infinity if it has no deadline. */
  readonly deadline: number;
}

/**
 * What Acceptor gets: a connection that is the user's from now on, as net.createServer would give it (`allowHalfOpen` is
 * false). It counts as a client until it is closed or given back.
 */
export interface AcceptorContext {
  /** The connection. */
  readonly socket: Socket;
  /** The client's: with the option Proxy as the balancer says. */
  readonly remoteAddress: string | undefined;
  /** The client's port; undefined for a Unix socket. */
  readonly remotePort: number | undefined;
  /** With the option Proxy: what the balancer said of this client. */
  readonly proxy: ProxyHeader | undefined;
  /** Aborted when this worker begins to drain: finish what is in flight and close the socket. It belongs to this connection. */
  readonly draining: AbortSignal;
  /**
   * Gives the connection back: it counts as a client no longer. To be called when the socket has been sent to another
   * process, since nothing is heard of it here any more. May be called more than once.
   */
  readonly disconnected: () => void;
}

/** A handler of an event of a client's session. */
export type StateHandler<Own> = (context: StateContext<Own>) => CallbackResult;

/** Objects (or classes) and their events, in pairs: `[object, ['method', …], other, { event: 'method' }, …]`. */
export type StatePairs = readonly unknown[];

/** What Started gets. */
export interface StartedContext {
  /** ListenerArgs. */
  readonly args: readonly unknown[];
}

/** What the Error callback gets: why the server cannot listen. */
export interface ListenErrorContext {
  /** The step that failed: 'bind', 'listen' or 'resolve'. */
  readonly operation: string;
  /** The system's error number. */
  readonly errno: number;
  /** What went wrong, in words. */
  readonly errstr: string;
  /** ERR_PREFORK_LISTEN, with the system's error as its cause. */
  readonly error: Error;
}

/** What ServerStarted and ServerStopped get in a worker. */
export interface ServerContext {
  /** This worker's process. */
  readonly pid: number;
  /** The server's Alias. */
  readonly alias: string;
}
