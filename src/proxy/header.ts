import type { Buffer } from 'node:buffer';

/** One end of a connection, as a PROXY header names it. */
export interface ProxyEndpoint {
  /** IPv4 or IPv6, in the same form as `socket.remoteAddress`. */
  readonly address: string;
  /** The port. */
  readonly port: number;
}

/** An extension of a PROXY header (TLV), as it came. */
export interface ProxyTlv {
  /** For example 0x30, the network namespace; 0xE0 to 0xEF are for applications. */
  readonly type: number;
  /** Its bytes. */
  readonly value: Buffer;
}

/** What a balancer that terminates TLS says about it (PP2_TYPE_SSL). */
export interface ProxySsl {
  /** Whether the client spoke TLS. */
  readonly secure: boolean;
  /** Whether the client showed a certificate, on this connection or earlier in its TLS session. */
  readonly certificate: boolean;
  /** Whether it showed one and the balancer found it valid. */
  readonly verified: boolean;
  /** For example 'TLSv1.3'. */
  readonly version: string | undefined;
  /** Common Name of the client's certificate. Trust it only if `verified`. */
  readonly commonName: string | undefined;
  /** The cipher of the connection. */
  readonly cipher: string | undefined;
  /** How the balancer's own certificate was signed, for example 'RSA-SHA256'. */
  readonly signatureAlgorithm: string | undefined;
  /** The key of the balancer's own certificate, for example 'RSA2048'. */
  readonly keyAlgorithm: string | undefined;
  /** All of its fields, as they came. */
  readonly tlvs: readonly ProxyTlv[];
}

/** What the balancer said about a client before its first byte: `heap.proxy`. */
export interface ProxyHeader {
  /** The version of the header: 1 is text, 2 is binary. */
  readonly version: 1 | 2;
  /** true: the connection is the balancer's own (LOCAL), such as a health check. */
  readonly local: boolean;
  /** The client. Undefined if the header names none that TCP has: LOCAL, UNKNOWN, a Unix socket or UDP; then the connection's own address applies. */
  readonly source: ProxyEndpoint | undefined;
  /** What the client connected to. Undefined when `source` is. */
  readonly destination: ProxyEndpoint | undefined;
  /** The host that the client asked for (in TLS: SNI). It is only what the client says. */
  readonly authority: string | undefined;
  /** The protocol that was agreed on above TLS, for example 'h2'. */
  readonly alpn: string | undefined;
  /** The balancer's identifier for this connection. */
  readonly uniqueId: Buffer | undefined;
  /** About TLS between the client and the balancer; undefined if the header says nothing about that. */
  readonly ssl: ProxySsl | undefined;
  /** All extensions of a header of version 2, in their order. */
  readonly tlvs: readonly ProxyTlv[];
}

/** A header that names no client. */
export const namingNobody = (version: 1 | 2, local: boolean): ProxyHeader => ({
  version, local, source: undefined, destination: undefined, authority: undefined, alpn: undefined, uniqueId: undefined, ssl: undefined, tlvs: [],
});
