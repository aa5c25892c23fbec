import type { Buffer } from 'node:buffer';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { AnyFilter, Filter } from './filters/filter.js';
import type { LineFilter } from './filters/line.js';
import type { FilterName, FilterNamed } from './filters/resolve.js';
import type { Context } from './kernel.js';
import type { ProxyHeader } from './proxy/header.js';

/** What a filter yields to ClientInput. @typeParam Given - the parameters of `[class, parameters]` */
export type RecordOf<F extends AnyFilter | FilterName, Given = unknown> =
  FilterNamed<F> extends Filter<infer In, never> ? F extends LineFilter<infer Line> ? LineGiven<Line, In, Given> : In : unknown;

/** For `[LineFilter, parameters]`, TypeScript knows the class, which yields strings or Buffers, and the Encoding, which decides between them. */
type LineGiven<Line, In, Given> = unknown extends Given ? In
  : string | Buffer extends Line ? 'Encoding' extends keyof Given ? EncodedAs<Given['Encoding']> : string
    : In;
type EncodedAs<Encoding> = [Encoding] extends ['buffer'] ? Buffer : [Encoding] extends ['utf8' | 'latin1' | undefined] ? string : string | Buffer;

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
  /** The error itself; undefined for the end of input. Its `code` is the system's, or one of the library's. */
  readonly error?: (Error & { readonly code?: string | undefined }) | undefined;
  /** `heap.client.ID`. */
  readonly wheelId: number;
}

/** What ClientFlushed, ClientHigh and ClientLow get. */
export interface WheelContext<Own> extends Context<Own> {
  /** `heap.client.ID`. */
  readonly wheelId: number;
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
  /** Seconds until the worker is killed, at the latest; Infinity if it has no deadline. */
  readonly deadline: number;
}

/**
 * What Acceptor gets: a connection that is the user's from now on, as net.createServer would give it (`allowHalfOpen` is
 * false). It counts as a client until it is closed or given back.
 */
export interface AcceptorContext {
  /** The connection. Set its `allowHalfOpen` to true if clients end their side and wait for more; otherwise Node then ends yours, too. */
  readonly socket: Socket;
  /** The client's address; with the option Proxy, the one that the balancer names. */
  readonly remoteAddress: string | undefined;
  /** The client's port; undefined for a Unix socket. */
  readonly remotePort: number | undefined;
  /** With the option Proxy: what the balancer said about this client. */
  readonly proxy: ProxyHeader | undefined;
  /** Aborted when this worker begins to drain: finish what is in flight and close the socket. Each connection has its own signal. */
  readonly draining: AbortSignal;
  /**
   * Gives the connection back: it no longer counts as a client. Call it when the socket has been sent to another
   * process, since this one hears nothing of it any more. May be called more than once.
   */
  readonly disconnected: () => void;
}

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
