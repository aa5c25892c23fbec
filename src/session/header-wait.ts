import type { Socket } from 'node:net';
import { asError, PreforkError } from '../errors.js';
import type { Clock, Timer } from '../clock.js';
import type { ProxyHeader } from '../proxy/header.js';
import { HeaderParser } from '../proxy/header-parser.js';
import { isDirect, readInto } from './direct-socket.js';
import { startPatience } from './entry.js';
import { peerOf, type Peer } from './peer.js';
import { deliverTo, ignoreErrors, readAhead, type StreamOwner } from './stream-entry.js';

/** How headers are read. */
export interface HeaderRules {
  /** The only version to accept; undefined = both. */
  readonly version: 1 | 2 | undefined;
  /** Within which the whole header must have come. */
  readonly timeoutMs: number;
}

/** What waits for headers. */
export interface HeaderHost {
  failed(error: Error, where: string): void;
  /** The header has come: from now on the connection is its client's. Its first bytes follow, as if they came now. */
  arrived(wait: HeaderWait, header: ProxyHeader): void;
  /** The connection is given up. */
  gone(wait: HeaderWait): void;
}

/** How long connections without a header may still keep a draining worker alive. The header comes with the connection, or never. */
const DRAINING_MS = 1000;

/**
 * How long a silent LOCAL connection does not yet count as a client: a health check is closed at once (HAProxy: by a reset), and
 * callbacks for it would only fill logs. After that, a check that waits for the server to speak first is served.
 */
const LOCAL_MS = 100;

/** A connection of a balancer's until its PROXY header has come. It counts as a client meanwhile. */
export class HeaderWait implements StreamOwner {
  readonly socket: Socket;
  /** The other end of the connection itself. */
  readonly peer: Peer;
  readonly #host: HeaderHost;
  readonly #clock: Clock;
  readonly #parser: HeaderParser;
  readonly #timeoutMs: number;
  #timer: Timer | undefined;
  /** A LOCAL header that has come. */
  #local: ProxyHeader | undefined;
  #phase: 'waiting' | 'arriving' | 'over' = 'waiting';
  #leave: (() => void) | undefined;

  constructor(socket: Socket, { clock, rules, host }: { readonly clock: Clock; readonly rules: HeaderRules; readonly host: HeaderHost }) {
    this.socket = socket;
    this.peer = peerOf(socket);
    this.#host = host;
    this.#clock = clock;
    this.#parser = new HeaderParser(rules.version);
    this.#timeoutMs = rules.timeoutMs;
  }

  start(): void {
    this.#wait(this.#timeoutMs, () => { this.#late(this.#timeoutMs); });
    if (isDirect(this.socket)) readInto(this.socket, this);
    else this.#leave = readAhead(this.socket, this);
  }

  /** The worker drains. */
  drain(): void {
    if (this.#local !== undefined || this.#timeoutMs <= DRAINING_MS) return;
    this.#wait(DRAINING_MS, () => { this.#late(DRAINING_MS); });
  }

  /** Ends it: there is no more time. */
  abort(): void {
    this.#giveUp();
  }

  received(chunk: Buffer): void {
    if (this.#phase !== 'waiting') return;
    if (this.#local !== undefined) { this.#arrived(this.#local, chunk); return; }
    let parsed;
    try {
      parsed = this.#parser.push(chunk);
    } catch (error) {
      this.#giveUp(asError(error).message); return;
    }
    if (parsed === undefined) return;
    const { header, rest } = parsed;
    if (header.local && rest.length === 0) this.#waitForWord(header);
    else this.#arrived(header, rest);
  }

  finished(): void {
    const { octets } = this.#parser;
    // A connection that says nothing at all is a health check, or a client that gave up.
    this.#giveUp(octets === 0 || this.#local !== undefined ? undefined : `It ended after ${octets} bytes of its PROXY header.`);
  }

  broke(): void {
    // 'close' follows. A reset is not a fault in the header.
  }

  closed(): void {
    this.#giveUp();
  }

  crashed(thrown: unknown): void {
    this.#giveUp(asError(thrown).message);
  }

  #waitForWord(header: ProxyHeader): void {
    this.#local = header;
    this.#wait(LOCAL_MS, () => { this.#arrived(header); });
  }

  #wait(ms: number, over: () => void): void {
    this.#timer?.cancel();
    this.#timer = startPatience(this.#clock, ms, this, over, { idle: true });
  }

  #late(ms: number): void {
    this.#giveUp(`Its PROXY header did not come within ${ms / 1000} s (${this.#parser.octets} bytes did): does its balancer send one (HAProxy: send-proxy-v2, nginx: proxy_protocol on)?`);
  }

  #arrived(header: ProxyHeader, first?: Buffer): void {
    this.#phase = 'arriving';
    this.#end();
    // If the socket is read as a stream, the bytes go back into it.
    if (this.#leave !== undefined && first !== undefined && first.length > 0) this.socket.unshift(first);
    this.#host.arrived(this, header);
    this.#phase = 'over';
    if (this.#leave === undefined && first !== undefined && first.length > 0) deliverTo(this.socket, first);
  }

  #giveUp(fault?: string): void {
    if (this.#phase === 'over') return;
    this.#phase = 'over';
    this.#end();
    ignoreErrors(this.socket);
    this.socket.destroy();
    if (fault !== undefined) {
      const { address = 'a Unix socket', port } = this.peer;
      this.#host.failed(new PreforkError('ERR_PREFORK_PROXY', `A connection from ${address}${port === undefined ? '' : ` port ${port}`} was closed. ${fault}`), 'Proxy');
    }
    this.#host.gone(this);
  }

  #end(): void {
    this.#timer?.cancel();
    this.#leave?.();
  }
}
