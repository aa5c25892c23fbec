import type { Socket } from 'node:net';
import type { AnyFilter } from './filters/filter.js';
import type { ProxyHeader } from './proxy/header.js';

/**
 * The client's connection: the wheel of the original (POE::Wheel::ReadWrite). Lives in `heap.client` from
 * ClientConnected to ClientDisconnected.
 */
export interface Client {
  /** Unique within its worker; callbacks get it as `wheelId`. */
  readonly ID: number;
  /** The connection itself, for its addresses and settings; with Tls a tls.TLSSocket. Reading or writing it directly bypasses the filters. An error thrown by a listener on it ends this client. */
  readonly socket: Socket;
  /**
   * Sends records through the output filter. Never blocks; what the client does not take yet is queued.
   * Once the client is ending (`heap.shutdown`) a put may have no effect; from ClientDisconnected on, and after `shutdown_output`,
   * it has none and is reported as `worker:error` with ERR_PREFORK_ENDED.
   *
   * @returns true if the queue has reached HighMark: stop until ClientLow
   * @throws PreforkError ERR_PREFORK_FILTER if the filter cannot take a record
   */
  put(...records: unknown[]): boolean;
  /** Hands everything queued to the operating system now instead of at the end of the callback. */
  flush(): void;
  /** Replaces both filters. Unread bytes go to the new input filter. */
  set_filter(filter: AnyFilter): void;
  /**
   * Replaces the input filter between two records; the bytes that are not a record yet go to the new one. To switch after a
   * certain number of bytes, use a CodecFilter that takes no more than these (examples/upload.js). The type of `input` stays that
   * of ClientFilter.
   */
  set_input_filter(filter: AnyFilter): void;
  /** Replaces the output filter for everything put from now on. */
  set_output_filter(filter: AnyFilter): void;
  /** The filter that cuts the input. */
  get_input_filter(): AnyFilter;
  /** The filter that makes the output. */
  get_output_filter(): AnyFilter;
  /** Queued bytes from which `put` returns true, ClientHigh fires and the client is no longer read. */
  set_high_mark(bytes: number): void;
  /** Queued bytes at which reading resumes and ClientLow fires. */
  set_low_mark(bytes: number): void;
  /** Bytes queued and not yet taken by the operating system. */
  get_driver_out_octets(): number;
  /** Chunks queued by `put` and not yet handed to the socket. */
  get_driver_out_messages(): number;
  /** Delivers no record of this client until `resume_input`, and stops reading from it after one more read, so that a reset is noticed. */
  pause_input(): void;
  /** Resumes reading after `pause_input`. */
  resume_input(): void;
  /** Discards what the client sends from now on. */
  shutdown_input(): void;
  /** Sends what is queued and then FIN; reading continues. */
  shutdown_output(): void;
}

/** What the library keeps in a client's heap besides the user's own fields. */
export interface HeapBase {
  /** The connection; undefined before ClientConnected. After ClientDisconnected it has ended: a `put` is reported. */
  client: Client;
  /** The client's address as text; `'LOCAL'` for a Unix socket. */
  remote_ip: string;
  /** The client's port; undefined for a Unix socket. */
  remote_port: number | undefined;
  /** Address and port as one text, `127.0.0.1:4711` or `[::1]:4711`. */
  remote_addr: string;
  /** With the option Proxy: what the balancer said about this client. The three fields above are its source, if it names one. */
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
